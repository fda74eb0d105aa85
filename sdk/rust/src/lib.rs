//! Write handlers for Ostler, the production host for Wasm, in Rust.
//!
//! ```
//! use ostler_sdk::{Error, Request, Response};
//!
//! #[ostler_sdk::handler]
//! fn handle(request: Request) -> Result<Response, Error> {
//!     match request.match_path("/hello/{name}") {
//!         Some(path) => Ok(Response::text(format!("Hello, {}!", path.get("name")))),
//!         None => Err(Error::not_found("try /hello/you")),
//!     }
//! }
//!
//! assert_eq!(handle(Request::get("/hello/you")).unwrap().body(), b"Hello, you!");
//! ```
//!
//! `ostler build` turns the crate into a component. Under `cargo test` every capability is an in-memory stand-in:
//! see [`testing`].

// The generated bindings name this crate by its full path, from here and from the crates that export a handler.
extern crate self as ostler_sdk;

#[cfg(all(feature = "arena", target_arch = "wasm32", target_os = "unknown"))]
mod heap;

#[cfg(any(test, all(feature = "arena", target_arch = "wasm32", target_os = "unknown")))]
mod arena;
pub mod authz;
#[allow(missing_docs, unreachable_pub, unsafe_op_in_unsafe_fn)]
#[doc(hidden)]
pub mod bindings;
pub mod cache;
pub mod config;
pub mod context;
mod error;
pub mod experiment;
#[doc(hidden)]
pub mod export;
pub mod flags;
pub mod http;
pub mod kv;
pub mod log;
pub mod rate_limit;
mod request;
mod response;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod uri;

pub use error::Error;
pub use ostler_sdk_macros::handler;
pub use request::Request;
pub use response::Response;
pub use uri::{Pairs, PathMatch};
#[doc(hidden)]
pub use wit_bindgen::rt;

/// The capabilities: the host's own in a component, stand-ins in a native test. Both have the functions of the bindings.
mod host {
    #[cfg(target_arch = "wasm32")]
    pub(crate) use crate::bindings::ostler::plugin::{
        authz, cache, config, context, experiment, flags, http_client, kv, log, rate_limit,
    };
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) use crate::testing::capabilities::{
        authz, cache, config, context, experiment, flags, http_client, kv, log, rate_limit,
    };
}
