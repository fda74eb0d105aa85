//! Bodies towards the guest and from it, bounded both ways.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use ostler_core::{Body, BodyError, Kind};
use wasmtime_wasi_http::Error as WasiError;

use super::audience::Audience;
use super::{Fate, GuestBody};

/// A request's body, limited already, on its way to a guest.
pub(super) struct Incoming {
    body: Body,
    fate: Fate,
}

/// A guest's body on its way to the client.
pub(super) struct Outgoing {
    /// Frames taken before the head was sent on.
    pub(super) begun: VecDeque<Result<Frame<Bytes>, BodyError>>,
    pub(super) body: GuestBody,
    /// Bytes it may still have.
    pub(super) left: u64,
    /// Bytes it must still have, if its head said how many.
    pub(super) owed: Option<u64>,
    pub(super) fate: Fate,
    pub(super) audience: Audience,
}

impl Incoming {
    pub(super) fn new(body: Body, fate: Fate) -> Self {
        Incoming { body, fate }
    }
}

impl Outgoing {
    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(frame) = self.begun.pop_front() {
            return Poll::Ready(Some(frame));
        }
        match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            Some(Ok(frame)) => Poll::Ready(Some(Ok(frame))),
            Some(Err(error)) => Poll::Ready(Some(Err(BodyError::Broken(Box::new(error))))),
            // A guest that died closes its body like one that is done.
            None => Poll::Ready(self.fate.failed().map(|kind| Err(BodyError::Refused(kind)))),
        }
    }
}

/// Takes a frame off what is `left`; whether it fits.
fn fits(left: &mut u64, frame: &Frame<Bytes>) -> bool {
    match left.checked_sub(length(frame)) {
        Some(rest) => {
            *left = rest;
            true
        }
        None => false,
    }
}

fn length(frame: &Frame<Bytes>) -> u64 {
    frame.data_ref().map_or(0, Bytes::len) as u64
}

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Poll::Ready(match ready!(self.next(cx)) {
            Some(Ok(frame)) if !fits(&mut self.left, &frame) => {
                Some(Err(BodyError::Refused(Kind::ResponseTooLarge)))
            }
            Some(Ok(frame)) => {
                self.owed = self.owed.map(|owed| owed.saturating_sub(length(&frame)));
                // Who was told the length does not ask for an end.
                if self.owed == Some(0) || frame.is_trailers() || self.is_end_stream() {
                    self.audience.served();
                }
                Some(Ok(frame))
            }
            None => {
                self.audience.served();
                None
            }
            broken => broken,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.begun.is_empty() && self.body.is_end_stream() && self.fate.failed().is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let begun: u64 = self.begun.iter().flatten().map(length).sum();
        let rest = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(begun + rest.lower());
        // HTTP/1.1 has trailers behind chunks alone, so a length must not be told where they follow.
        let trailers = self.begun.iter().flatten().any(Frame::is_trailers);
        if let Some(upper) = rest.upper().filter(|_| !trailers) {
            hint.set_upper(begun + upper);
        }
        hint
    }
}

impl HttpBody for Incoming {
    type Data = Bytes;
    type Error = WasiError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, WasiError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Err(BodyError::Refused(Kind::BodyTooLarge))) = &frame {
            // Whatever the guest makes of the part it got, it is no answer to the request.
            self.fate.set(Kind::BodyTooLarge);
        }
        Poll::Ready(frame.map(|frame| frame.map_err(into_wasi)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn into_wasi(error: BodyError) -> WasiError {
    match error {
        BodyError::Refused(Kind::BodyTooLarge) => WasiError::HttpRequestBodySize(None),
        BodyError::Refused(Kind::RequestTimeout) => WasiError::ConnectionReadTimeout,
        _ => WasiError::ConnectionTerminated,
    }
}
