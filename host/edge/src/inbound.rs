//! The request body on its way in: hyper's frames, bounded by the client's patience budget.
//!
//! A reader that waits for the client uses up `body_deadline`; every `body_rate` bytes win back a second, up to the full
//! budget. Time in which nobody reads (a slow handler) costs the client nothing. So a sender that drips a byte now and then
//! is ended, however short its pauses, and one on a bad link is not.

use std::error::Error as _;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use ostler_core::{Body, BodyError, Kind};
use tokio::time::{Instant, Sleep};

use crate::Limits;

/// Of a body that nobody reads on, hyper takes as much as this to keep an HTTP/1 connection: what came with the head.
const AT_HAND: u64 = 4 << 10;

/// How a request body fared, as its exchange sees it. No body, nothing to tell.
#[derive(Clone, Default)]
pub(crate) struct Health(Option<Arc<AtomicU8>>);

const TOO_SLOW: u8 = 1;
const MALFORMED: u8 = 2;
const LEFT_UNREAD: u8 = 3;

impl Health {
    /// What the client did wrong while sending the body, if anything.
    pub(crate) fn fault(&self) -> Option<Kind> {
        match self.state() {
            TOO_SLOW => Some(Kind::RequestTimeout),
            MALFORMED => Some(Kind::BadRequest),
            _ => None,
        }
    }

    /// Whether nobody will read the body's rest, and there is so much of it that its HTTP/1 connection is lost.
    pub(crate) fn left_unread(&self) -> bool {
        self.state() == LEFT_UNREAD
    }

    fn state(&self) -> u8 {
        self.0.as_ref().map_or(0, |state| state.load(Relaxed))
    }

    fn note(&self, new: u8) {
        if let Some(state) = &self.0 {
            state.store(new, Relaxed);
        }
    }
}

/// hyper's body as the house's.
pub(crate) fn receive(incoming: Incoming, limits: &Limits) -> (Body, Health) {
    if incoming.is_end_stream() {
        return (Body::Empty, Health::default());
    }
    let health = Health(Some(Arc::default()));
    let body = Inbound {
        incoming,
        health: health.clone(),
        budget: Budget { left: limits.body_deadline, full: limits.body_deadline, rate: limits.body_rate },
        waiting: None,
        timer: None,
        ended: false,
    };
    (Body::stream(body), health)
}

struct Inbound {
    incoming: Incoming,
    health: Health,
    budget: Budget,
    /// Since when the reader waits for the client.
    waiting: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    /// Whether its end was seen, good or bad.
    ended: bool,
}

struct Budget {
    left: Duration,
    full: Duration,
    rate: u64,
}

impl Budget {
    fn spend(&mut self, waited: Duration) {
        self.left = self.left.saturating_sub(waited);
    }

    fn win(&mut self, bytes: usize) {
        let nanos = (bytes as u64).saturating_mul(1_000_000_000) / self.rate;
        self.left = self.left.saturating_add(Duration::from_nanos(nanos)).min(self.full);
    }
}

impl Inbound {
    fn take(&mut self, frame: Result<Frame<Bytes>, hyper::Error>) -> Result<Frame<Bytes>, BodyError> {
        if let Some(since) = self.waiting.take() {
            self.budget.spend(since.elapsed());
        }
        match frame {
            Ok(frame) => {
                self.budget.win(frame.data_ref().map_or(0, Bytes::len));
                Ok(frame)
            }
            Err(error) => {
                if is_malformed(&error) {
                    self.health.note(MALFORMED);
                }
                Err(BodyError::Broken(error.into()))
            }
        }
    }

    /// Waits for the client as long as its budget lasts.
    fn poll_budget(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let left = self.budget.left;
        let since = *self.waiting.get_or_insert_with(|| {
            let now = Instant::now();
            if let Some(timer) = &mut self.timer {
                timer.as_mut().reset(now + left);
            }
            now
        });
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(since + left)));
        timer.as_mut().poll(cx)
    }
}

impl HttpBody for Inbound {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) {
            self.ended = !matches!(&frame, Some(Ok(frame)) if frame.is_data());
            return Poll::Ready(frame.map(|frame| self.take(frame)));
        }
        if self.poll_budget(cx).is_pending() {
            return Poll::Pending;
        }
        self.ended = true;
        self.health.note(TOO_SLOW);
        Poll::Ready(Some(Err(BodyError::Refused(Kind::RequestTimeout))))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        let ended = self.ended || self.incoming.is_end_stream();
        if !ended && self.incoming.size_hint().upper().is_none_or(|left| left > AT_HAND) {
            self.health.note(LEFT_UNREAD);
        }
    }
}

/// Whether the client broke the framing, as opposed to going away.
fn is_malformed(error: &hyper::Error) -> bool {
    let io = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    io.is_some_and(|io| matches!(io.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_sender_wins_its_budget_back_and_a_dripping_one_does_not() {
        let second = Duration::from_secs(1);
        let mut budget = Budget { left: second * 2, full: second * 2, rate: 100 };
        for _ in 0..1000 {
            budget.spend(second);
            budget.win(100);
        }
        assert_eq!(budget.left, second * 2);
        for _ in 0..3 {
            budget.spend(second);
            budget.win(1);
        }
        assert!(budget.left < second / 10);
    }
}
