//! The one body type of the house: empty, whole, or a stream.
//!
//! Most requests have no body and most typed replies are whole, so both avoid a boxed stream.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;

use crate::error::Kind;

/// A request or response body.
#[derive(Default)]
pub enum Body {
    /// No bytes at all.
    #[default]
    Empty,
    /// All bytes at hand; the frame has not been taken yet.
    Full(Bytes),
    /// Bytes (and perhaps trailers) to come.
    Stream(Pin<Box<dyn HttpBody<Data = Bytes, Error = BodyError> + Send>>),
}

/// Why a body ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// A limit or deadline of this host ended it.
    #[error("{}", .0.facts().code)]
    Refused(Kind),
    /// The other side went away or broke the protocol.
    #[error("the body broke off: {0}")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl BodyError {
    /// How an exchange failed whose answer ended so.
    pub fn kind(&self) -> Kind {
        match self {
            BodyError::Refused(kind) => *kind,
            BodyError::Broken(_) => Kind::PluginFailed,
        }
    }
}

impl Body {
    /// A body of these bytes.
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        if bytes.is_empty() { Body::Empty } else { Body::Full(bytes) }
    }

    /// A body that streams from `inner`, unless `inner` is already at its end.
    pub fn stream(inner: impl HttpBody<Data = Bytes, Error = BodyError> + Send + 'static) -> Self {
        if inner.is_end_stream() { Body::Empty } else { Body::Stream(Box::pin(inner)) }
    }

    /// This body, ending with [`BodyError::Refused`] of [`Kind::BodyTooLarge`] as soon as it exceeds `max` bytes.
    ///
    /// A length announced beyond `max` is refused before a byte is read; a length announced within it costs nothing,
    /// since whoever announced it is held to it where it came from.
    pub fn limited(self, max: u64) -> Result<Body, Kind> {
        let size = self.size_hint();
        if size.lower() > max {
            return Err(Kind::BodyTooLarge);
        }
        match self {
            Body::Stream(inner) if size.upper().is_none_or(|upper| upper > max) => {
                Ok(Body::Stream(Box::pin(Limited { inner, left: max })))
            }
            bounded => Ok(bounded),
        }
    }

    /// All of this body, within the bounds of [`Body::limited`]; trailers are left out.
    ///
    /// Its pieces are put together as they come: kept apart, many tiny ones would take far more memory than their bytes.
    pub async fn whole(self, max: u64) -> Result<Bytes, BodyError> {
        let mut body = self.limited(max).map_err(BodyError::Refused)?;
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            if whole.is_empty() && body.is_end_stream() {
                return Ok(data);
            }
            whole.extend_from_slice(&data);
        }
        Ok(whole.freeze())
    }
}

/// A stream of unannounced length that may not exceed `left` more bytes.
struct Limited {
    inner: Pin<Box<dyn HttpBody<Data = Bytes, Error = BodyError> + Send>>,
    left: u64,
}

impl HttpBody for Limited {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = std::task::ready!(self.inner.as_mut().poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            let length = frame.data_ref().map_or(0, Bytes::len) as u64;
            match self.left.checked_sub(length) {
                Some(left) => self.left = left,
                None => return Poll::Ready(Some(Err(BodyError::Refused(Kind::BodyTooLarge)))),
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Body::Empty => f.write_str("Empty"),
            Body::Full(bytes) => write!(f, "Full({} bytes)", bytes.len()),
            Body::Stream(_) => f.write_str("Stream"),
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        match this {
            Body::Empty => Poll::Ready(None),
            Body::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                *this = Body::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Body::Stream(inner) => inner.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Body::Empty => true,
            Body::Full(_) => false,
            Body::Stream(inner) => inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Empty => SizeHint::with_exact(0),
            Body::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Body::Stream(inner) => inner.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Yields its parts, announcing `hint`.
    struct Parts(Vec<&'static str>, SizeHint);

    impl HttpBody for Parts {
        type Data = Bytes;
        type Error = BodyError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
            let part = if self.0.is_empty() { None } else { Some(self.0.remove(0)) };
            Poll::Ready(part.map(|part| Ok(Frame::data(part.into()))))
        }

        fn size_hint(&self) -> SizeHint {
            self.1
        }
    }

    fn drain(mut body: Body) -> Result<String, BodyError> {
        let mut text = String::new();
        let mut cx = Context::from_waker(std::task::Waker::noop());
        while let Poll::Ready(Some(frame)) = Pin::new(&mut body).poll_frame(&mut cx) {
            text.push_str(&String::from_utf8_lossy(frame?.data_ref().unwrap()));
        }
        Ok(text)
    }

    #[test]
    fn an_announced_length_beyond_the_limit_is_refused_before_reading() {
        assert_eq!(Body::full("12345").limited(4).unwrap_err(), Kind::BodyTooLarge);
        let stream = Body::stream(Parts(vec!["12345"], SizeHint::with_exact(5)));
        assert_eq!(stream.limited(4).unwrap_err(), Kind::BodyTooLarge);
    }

    #[test]
    fn an_unannounced_length_is_refused_at_the_first_byte_too_many() {
        let stream = || Body::stream(Parts(vec!["123", "45"], SizeHint::default()));
        assert_eq!(drain(stream().limited(5).unwrap()).unwrap(), "12345");
        let error = drain(stream().limited(4).unwrap()).unwrap_err();
        assert!(matches!(error, BodyError::Refused(Kind::BodyTooLarge)));
    }

    #[test]
    fn a_whole_body_is_all_its_pieces_within_the_limit() {
        let whole = |max| {
            let body = Body::stream(Parts(vec!["123", "45"], SizeHint::default()));
            let mut receiving = std::pin::pin!(body.whole(max));
            match receiving.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())) {
                Poll::Ready(whole) => whole,
                Poll::Pending => panic!("all pieces are there"),
            }
        };
        assert_eq!(whole(5).unwrap(), "12345");
        assert!(matches!(whole(4), Err(BodyError::Refused(Kind::BodyTooLarge))));
    }

    #[test]
    fn no_bytes_fit_into_any_limit() {
        assert!(matches!(Body::Empty.limited(0).unwrap(), Body::Empty));
    }
}
