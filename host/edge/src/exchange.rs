//! One exchange: hyper's request in, through the checks, to the handler; its response out.
//!
//! Invariant: always answers. A request that is refused here never reaches the handler, and one whose body turns out to be
//! malformed or too slow is answered with that, whatever the handler made of it; the connection closes after both.

use std::convert::Infallible;
use std::sync::Arc;

use http::header::{CONNECTION, HeaderName};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, Version};
use hyper::body::Incoming;
use ostler_core::{Body, Error, Handle, Kind, Peer, RequestId};

use crate::counters::Counters;
use crate::inbound::{self, Health};
use crate::outbound::Outbound;
use crate::pulse::{Flight, Pulse};
use crate::{Limits, request, response};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What all exchanges of a connection share.
pub(crate) struct Exchanges<H> {
    pub(crate) handle: Arc<H>,
    pub(crate) peer: Peer,
    pub(crate) limits: Limits,
    pub(crate) counters: Arc<Counters>,
    pub(crate) pulse: Arc<Pulse>,
}

impl<H: Handle> Exchanges<H> {
    /// Answers one request. The error type is what hyper wants to see: there is none.
    pub(crate) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Outbound>, Infallible> {
        let mut flight = Flight::begin(&self.pulse);
        let (mut parts, incoming) = request.into_parts();
        let to_head = parts.method == Method::HEAD;
        let version = parts.version;
        let (answer, close) = match self.check(&mut parts, flight.index) {
            Err(error) => (self.refuse(&error, parts.headers.get(REQUEST_ID)), true),
            Ok(()) => {
                let (body, health) = inbound::receive(incoming, &self.limits);
                let answer = self.handle.handle(Request::from_parts(parts, body), self.peer.clone()).await;
                self.examine(answer, flight.index, &health)
            }
        };
        flight.answer();
        let mut response = response::settle(answer, to_head, flight);
        if close && version != Version::HTTP_2 {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    fn check(&self, parts: &mut Parts, index: u64) -> Result<(), Error> {
        self.offence(index)?;
        request::normalise(parts, &self.limits)
    }

    fn offence(&self, index: u64) -> Result<(), Error> {
        match self.pulse.offence(index) {
            Some(offence) => Err(Error::new(Kind::BadRequest, offence.detail())),
            None => Ok(()),
        }
    }

    /// Replaces an answer that the client has forfeited, or that is none; whether the connection has to close.
    fn examine(&self, answer: Response<Body>, index: u64, health: &Health) -> (Response<Body>, bool) {
        let fault = self.offence(index).err().or_else(|| health.fault().map(body_fault));
        if let Some(error) = fault {
            // A handler that saw the fault and says so knows more than this function.
            let told = answer.status() == error.kind.facts().status;
            return (if told { answer } else { self.refuse(&error, answer.headers().get(REQUEST_ID)) }, true);
        }
        if answer.status().is_informational() {
            let error = Error::new(Kind::PluginFailed, "the handler answered with an interim status");
            return (self.refuse(&error, answer.headers().get(REQUEST_ID)), false);
        }
        // The client must not send its next request on a connection that ends with this reply.
        (answer, health.left_unread())
    }

    fn refuse(&self, error: &Error, id: Option<&HeaderValue>) -> Response<Body> {
        Counters::add(match error.kind {
            Kind::RequestTimeout => &self.counters.body_timeouts,
            _ => &self.counters.bad_requests,
        });
        let id = id.and_then(RequestId::accept).unwrap_or_else(|| RequestId::generate(fastrand::u128(..)));
        tracing::info!(client = %self.peer.address, request_id = id.as_str(), %error, "request refused at the edge");
        let mut response = error.response(&id);
        response.headers_mut().insert(REQUEST_ID, id.header());
        response
    }
}

fn body_fault(kind: Kind) -> Error {
    match kind {
        Kind::RequestTimeout => Error::new(kind, "the request body came too slowly"),
        kind => Error::new(kind, "the request body is malformed"),
    }
}
