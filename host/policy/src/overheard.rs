//! A body that goes to its reader, and is overheard on the way: by who counts it, times it or keeps a copy.
//!
//! **Invariant:** every frame is passed on as it comes, at once.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use ostler_core::{Body, BodyError};

/// What a body says when it is asked for more.
pub(crate) type Polled = Poll<Option<Result<Frame<Bytes>, BodyError>>>;

/// Somebody who overhears a body; dropped when the body is.
pub(crate) trait Ear: Send + Unpin + 'static {
    /// Hears what the body said, and that it has nothing yet.
    fn hear(&mut self, polled: &Polled);

    /// Hears that nobody asks any more. A reader that knows the length need not ask for the end: `ended` says whether it was reached.
    fn left(&mut self, ended: bool) {
        let _ = ended;
    }
}

struct Overheard<E: Ear> {
    body: Body,
    ear: E,
}

/// `body`, overheard by `ear`.
pub(crate) fn overheard(body: Body, ear: impl Ear) -> Body {
    Body::Stream(Box::pin(Overheard { body, ear }))
}

impl<E: Ear> HttpBody for Overheard<E> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        self.ear.hear(&polled);
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<E: Ear> Drop for Overheard<E> {
    fn drop(&mut self) {
        self.ear.left(self.body.is_end_stream());
    }
}
