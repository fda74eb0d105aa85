//! Makes requests of guests fit to send, and responses fit to hand to them.
//!
//! What belongs to a connection and not to the message is the host's business (RFC 9110, section 7.6.1), as are the
//! lengths: a guest cannot smuggle a second request by a wrong one.

use http::header::{self, HeaderMap, HeaderName};
use http::{Method, Request, Version};
use http_body::Body as _;
use ostler_core::Body;

use crate::Error;

/// Fields of a connection, beyond those that `connection` itself names.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("http2-settings"),
];

/// Strips what is not the guest's to say, and refuses what cannot be sent.
///
/// # Errors
/// [`Error::Invalid`].
pub(crate) fn prepare(request: &mut Request<Body>) -> Result<(), Error> {
    if request.method() == Method::CONNECT {
        return Err(Error::Invalid("CONNECT is not supported; request the resource itself".into()));
    }
    *request.version_mut() = Version::HTTP_11;
    let length = length(request)?;
    let headers = request.headers_mut();
    strip(headers);
    // Set anew from the URL.
    headers.remove(header::HOST);
    headers.remove(header::CONTENT_LENGTH);
    if let Some(length) = length {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    Ok(())
}

/// The length to announce for a body that does not know its own; `None` leaves it to the body.
fn length(request: &Request<Body>) -> Result<Option<u64>, Error> {
    let invalid = |text: &str| Err(Error::Invalid(text.into()));
    let mut announced = request.headers().get_all(header::CONTENT_LENGTH).iter();
    let Some(value) = announced.next() else { return Ok(None) };
    let digits = value.as_bytes().iter().all(u8::is_ascii_digit);
    let length = value.to_str().ok().filter(|_| digits).and_then(|text| text.parse().ok());
    let (Some(length), None) = (length, announced.next()) else {
        return invalid("content-length is not one number; leave it out");
    };
    match request.body().size_hint().exact() {
        Some(exact) if exact != length => invalid("content-length is not the body's; leave it out"),
        Some(_) => Ok(None),
        None => Ok(Some(length)),
    }
}

/// Removes the fields of the connection.
pub(crate) fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use bytes::Bytes;
    use http_body::Frame;
    use ostler_core::BodyError;

    use super::*;

    struct Unknown;

    impl http_body::Body for Unknown {
        type Data = Bytes;
        type Error = BodyError;
        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
            Poll::Pending
        }
    }

    fn prepared(fields: &[(&str, &str)], body: Body) -> Result<HeaderMap, Error> {
        let mut request = Request::post("http://a/");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let mut request = request.body(body).unwrap();
        prepare(&mut request).map(|()| request.headers().clone())
    }

    #[test]
    fn the_connection_is_not_the_guests() {
        let fields = [
            ("connection", "close, x-mine"),
            ("connection", "upgrade"),
            ("x-mine", "1"),
            ("upgrade", "websocket"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("keep-alive", "1"),
            ("proxy-authorization", "x"),
            ("host", "other"),
            ("x-kept", "1"),
        ];
        let headers = prepared(&fields, Body::Empty).unwrap();
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-kept"]);
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        assert!(prepared(&[("content-length", "2")], Body::full("ab")).unwrap().is_empty());
        for (length, body) in
            [("3", Body::full("ab")), ("1", Body::full("ab")), ("1", Body::Empty), ("+2", Body::full("ab"))]
        {
            assert!(prepared(&[("content-length", length)], body).is_err(), "{length}");
        }
        for length in ["", "-1", "1, 1", "0x2", "99999999999999999999"] {
            assert!(prepared(&[("content-length", length)], Body::stream(Unknown)).is_err(), "{length}");
        }
        let twice = [("content-length", "1"), ("content-length", "1")];
        assert!(prepared(&twice, Body::stream(Unknown)).is_err());
        let kept = prepared(&[("content-length", "7")], Body::stream(Unknown)).unwrap();
        assert_eq!(kept["content-length"], "7");
    }

    #[test]
    fn tunnels_are_refused() {
        let mut request = Request::connect("http://a/").body(Body::Empty).unwrap();
        assert!(matches!(prepare(&mut request), Err(Error::Invalid(_))));
    }
}
