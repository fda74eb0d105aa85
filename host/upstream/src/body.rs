//! The body of a response as the plugin reads it: ended by the deadline, or by a server that stalls.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use ostler_core::BodyError;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::{Error, Phase};

/// A response's body; counts as one exchange of its plugin until its end.
pub(crate) struct Answer {
    inner: Incoming,
    deadline: Instant,
    between_bytes: Duration,
    timer: Pin<Box<Sleep>>,
    /// Whether the timer runs for the bytes awaited now.
    waiting: bool,
    exchange: Option<OwnedSemaphorePermit>,
}

impl Answer {
    pub(crate) fn new(
        inner: Incoming,
        deadline: Instant,
        between_bytes: Duration,
        exchange: OwnedSemaphorePermit,
    ) -> Self {
        let timer = Box::pin(sleep_until(deadline));
        Answer { inner, deadline, between_bytes, timer, waiting: false, exchange: Some(exchange) }
    }

    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Phase> {
        let stalled = Instant::now().checked_add(self.between_bytes);
        if !self.waiting {
            self.waiting = true;
            self.timer.as_mut().reset(stalled.map_or(self.deadline, |stalled| stalled.min(self.deadline)));
        }
        ready!(self.timer.as_mut().poll(cx));
        let total = self.timer.deadline() >= self.deadline;
        Poll::Ready(if total { Phase::Total } else { Phase::BetweenBytes })
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if this.exchange.is_none() {
            return Poll::Ready(None);
        }
        let end = match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.waiting = false;
                return Poll::Ready(Some(Ok(frame)));
            }
            Poll::Ready(Some(Err(error))) => Some(Error::of_exchange(&error)),
            Poll::Ready(None) => None,
            Poll::Pending => Some(Error::Timeout(ready!(this.wait(cx)))),
        };
        this.exchange = None;
        Poll::Ready(end.map(|error| Err(BodyError::Broken(Box::new(error)))))
    }

    fn is_end_stream(&self) -> bool {
        self.exchange.is_none() || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
