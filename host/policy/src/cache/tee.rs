//! A body that goes to its client and is gathered on the way, without the one waiting for the other.
//!
//! **Invariant:** the client gets every frame as it comes, whether or not the body is kept in the end; what is gathered is bounded.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt;
use ostler_core::{Body, BodyError};
use tokio::sync::mpsc;

/// What comes out for the client.
struct Out {
    frames: mpsc::UnboundedReceiver<Piece>,
    /// After the bound: the rest of the body itself.
    rest: Option<Body>,
}

enum Piece {
    Frame(Result<Frame<Bytes>, BodyError>),
    Rest(Body),
}

/// `body` for the client; and what is to be run to gather it, which ends with all of it if that is at most `max` bytes and
/// without trailers.
pub(super) fn split(body: Body, max: usize) -> (Body, impl Future<Output = Option<Bytes>> + Send) {
    // What it holds is at most `max` bytes, and frames that were there anyway.
    let (sender, frames) = mpsc::unbounded_channel();
    (Body::Stream(Box::pin(Out { frames, rest: None })), gather(body, max, sender))
}

async fn gather(mut body: Body, max: usize, out: mpsc::UnboundedSender<Piece>) -> Option<Bytes> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let length = frame.as_ref().ok().and_then(Frame::data_ref).map_or(0, Bytes::len);
        let kept = frame.as_ref().is_ok_and(Frame::is_data) && whole.len() + length <= max;
        if let Some(data) = frame.as_ref().ok().and_then(Frame::data_ref).filter(|_| kept) {
            whole.extend_from_slice(data);
        }
        let sent = out.send(Piece::Frame(frame));
        if !kept {
            if sent.is_ok() {
                let _ = out.send(Piece::Rest(body));
            }
            return None;
        }
    }
    Some(whole.freeze())
}

impl HttpBody for Out {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(rest) = &mut self.rest {
            return Pin::new(rest).poll_frame(cx);
        }
        match ready!(self.frames.poll_recv(cx)) {
            Some(Piece::Frame(frame)) => Poll::Ready(Some(frame)),
            Some(Piece::Rest(rest)) => {
                self.rest = Some(rest);
                self.poll_frame(cx)
            }
            None => Poll::Ready(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::StreamBody;

    use super::*;

    fn frames(texts: &[&'static str]) -> Body {
        body(texts.iter().map(|text| Ok(Frame::data(Bytes::from_static(text.as_bytes())))).collect())
    }

    fn body(frames: Vec<Result<Frame<Bytes>, BodyError>>) -> Body {
        Body::stream(StreamBody::new(futures::stream::iter(frames)))
    }

    #[tokio::test]
    async fn a_body_within_the_bound_is_gathered_and_passed_on() {
        let (client, gather) = split(frames(&["ab", "cd"]), 4);
        assert_eq!(gather.await.unwrap(), "abcd");
        assert_eq!(client.whole(100).await.unwrap(), "abcd");
    }

    #[tokio::test]
    async fn a_larger_one_is_passed_on_whole() {
        let (client, gather) = split(frames(&["ab", "cd", "ef", "gh"]), 4);
        assert!(gather.await.is_none());
        assert_eq!(client.whole(100).await.unwrap(), "abcdefgh");
    }

    #[tokio::test]
    async fn a_client_that_goes_away_does_not_end_the_gathering() {
        let (client, gather) = split(frames(&["ab", "cd"]), 4);
        drop(client);
        assert_eq!(gather.await.unwrap(), "abcd");
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_never_kept() {
        let broken = Err(BodyError::Broken("gone".into()));
        let (client, gather) = split(body(vec![Ok(Frame::data("ab".into())), broken]), 4);
        assert!(gather.await.is_none());
        assert!(client.whole(100).await.is_err());
    }
}
