//! What the attribute's expansion calls: one exchange, from the contract's types and back. Not for use by hand.

pub use crate::bindings::exports::ostler::plugin::http_handler::{Guest, Request, Response};
use crate::error::Error;

/// What a handler may return.
pub trait Outcome {
    /// The response, or the error that becomes one.
    fn outcome(self) -> Result<crate::Response, Error>;
}

impl Outcome for crate::Response {
    fn outcome(self) -> Result<crate::Response, Error> {
        Ok(self)
    }
}

impl<E: Into<Error>> Outcome for Result<crate::Response, E> {
    fn outcome(self) -> Result<crate::Response, Error> {
        self.map_err(Into::into)
    }
}

/// Calls the handler. An error with a private cause is left to the host, which logs it and answers 500.
pub fn answer<O: Outcome>(handler: fn(crate::Request) -> O, request: Request) -> Result<Response, String> {
    tell_of_panics();
    match handler(crate::Request::from(request)).outcome() {
        Ok(response) => Ok(response.into()),
        Err(error) => error.into_response().map(Response::from),
    }
}

/// A panic is a trap, which carries no text: write it to the log first. Native tests keep their own hook.
fn tell_of_panics() {
    #[cfg(target_arch = "wasm32")]
    {
        use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
        static TOLD: AtomicBool = AtomicBool::new(false);
        if !TOLD.swap(true, Relaxed) {
            std::panic::set_hook(Box::new(|panic| crate::log::error(&panic.to_string())));
        }
    }
}
