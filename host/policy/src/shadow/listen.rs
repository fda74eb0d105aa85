//! A body that goes to its client and is listened to on the way.
//!
//! **Invariant:** every frame is passed on as it comes, at once; what is kept of them is bounded and shares their bytes.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use ostler_core::BodyError;
use tokio::sync::oneshot;

use super::ANSWER_BYTES;

type Inner = Pin<Box<dyn HttpBody<Data = Bytes, Error = BodyError> + Send>>;

/// What was heard of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    /// All of it.
    Whole(Vec<Bytes>),
    /// More than is compared.
    Long,
    /// It did not come to its end.
    Broken,
}

/// The body, and who wants to hear it.
pub(super) struct Listener {
    inner: Inner,
    heard: Vec<Bytes>,
    bytes: usize,
    /// Bytes that are kept.
    most: usize,
    /// None once it has been told.
    teller: Option<oneshot::Sender<Heard>>,
}

impl Heard {
    /// A body that is at hand.
    pub(super) fn of(bytes: Bytes) -> Self {
        if bytes.len() > ANSWER_BYTES { Heard::Long } else { Heard::Whole(vec![bytes]) }
    }
}

impl Listener {
    pub(super) fn new(inner: Inner, teller: oneshot::Sender<Heard>, most: usize) -> Self {
        Listener { inner, heard: Vec::new(), bytes: 0, most, teller: Some(teller) }
    }

    fn tell(&mut self, heard: Heard) {
        if let Some(teller) = self.teller.take() {
            let _ = teller.send(heard);
        }
    }

    fn listen(&mut self, frame: Option<&Result<Frame<Bytes>, BodyError>>) {
        match frame {
            None => {
                let heard = std::mem::take(&mut self.heard);
                self.tell(Heard::Whole(heard));
            }
            Some(Ok(frame)) => {
                let Some(data) = frame.data_ref() else { return };
                self.bytes += data.len();
                // Many small frames would cost more than their bytes.
                if self.bytes > self.most || self.heard.len() > self.most / 64 {
                    self.heard = Vec::new();
                    self.tell(Heard::Long);
                } else {
                    self.heard.push(data.clone());
                }
            }
            Some(Err(_)) => self.tell(Heard::Broken),
        }
    }
}

/// Pieces as one; a single one is not copied.
pub(super) fn joined(pieces: &[Bytes]) -> Bytes {
    match pieces {
        [one] => one.clone(),
        many => many.concat().into(),
    }
}

impl HttpBody for Listener {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let poll = self.inner.as_mut().poll_frame(cx);
        if self.teller.is_some()
            && let Poll::Ready(frame) = &poll
        {
            self.listen(frame.as_ref());
        }
        poll
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A client that knows the length need not ask for the end.
impl Drop for Listener {
    fn drop(&mut self) {
        let ended = self.inner.is_end_stream();
        let heard = std::mem::take(&mut self.heard);
        self.tell(if ended { Heard::Whole(heard) } else { Heard::Broken });
    }
}
