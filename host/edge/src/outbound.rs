//! The reply body on its way out: holds the exchange open until the client has taken it, and holds the handler to the length
//! it announced.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use ostler_core::{Body, BodyError};

use crate::pulse::Flight;

/// See the module.
pub(crate) struct Outbound {
    body: Body,
    flight: Flight,
    /// Bytes still owed, if `Content-Length` was announced for a stream that does not know its own length. hyper checks
    /// this for HTTP/1 only.
    owed: Option<u64>,
}

impl Outbound {
    pub(crate) fn new(body: Body, flight: Flight, owed: Option<u64>) -> Self {
        Outbound { body, flight, owed }
    }

    fn settle(&mut self, frame: Option<&Frame<Bytes>>) -> Result<(), BodyError> {
        let Some(owed) = &mut self.owed else { return Ok(()) };
        let data = frame.and_then(Frame::data_ref);
        match (data, frame) {
            (Some(data), _) => {
                *owed = owed
                    .checked_sub(data.len() as u64)
                    .ok_or_else(|| broken("more bytes than it announced"))?;
            }
            (None, None) if *owed > 0 => return Err(broken("fewer bytes than it announced")),
            _ => {}
        }
        Ok(())
    }
}

impl HttpBody for Outbound {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        // hyper asks for more only once it can pass on more: until then the last frame waits for the client.
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
            self.flight.unsent(false);
            return Poll::Pending;
        };
        let good = frame.as_ref().and_then(|frame| frame.as_ref().ok());
        if frame.is_none() || good.is_some() {
            self.settle(good)?;
        }
        if good.is_some() && !self.body.is_end_stream() {
            self.flight.unsent(true);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream() && self.owed.is_none_or(|owed| owed == 0)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn broken(what: &str) -> BodyError {
    BodyError::Broken(format!("the handler sent {what}").into())
}
