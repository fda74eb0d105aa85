//! What a handler answered, checked and made a response of this host.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use ostler_core::plugin::PluginSpec;
use ostler_core::{Body, Error, Kind};

use crate::bindings::http_handler;

/// Header fields a response may have.
const FIELDS: usize = 128;

/// Bytes of names and values that a response's fields may have together.
const FIELD_BYTES: usize = 64 << 10;

/// The response of a typed handler.
pub(super) fn whole(response: http_handler::Response, spec: &PluginSpec) -> Result<Response<Body>, Error> {
    if response.body.len() as u64 > spec.response_body {
        return Err(too_large("the handler's response body is larger than its definition allows"));
    }
    let mut reply = Response::new(Body::full(Bytes::from(response.body)));
    *reply.status_mut() = StatusCode::from_u16(response.status)
        .ok()
        .filter(|status| !status.is_informational())
        .ok_or_else(|| invalid(format!("status {}", response.status)))?;
    if response.headers.len() > FIELDS {
        return Err(too_large("the handler's response has too many header fields"));
    }
    let headers = reply.headers_mut();
    let mut bytes = 0;
    for (name, value) in response.headers {
        bytes += name.len() + value.len();
        if bytes > FIELD_BYTES {
            return Err(too_large("the handler's response header is too large"));
        }
        let name =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid(format!("field name {name:?}")))?;
        let value = HeaderValue::from_maybe_shared(Bytes::from(value))
            .map_err(|_| invalid(format!("value of field {name}")))?;
        if !framing(&name) {
            headers.append(name, value);
        }
    }
    Ok(reply)
}

/// The head of a streaming handler's response.
pub(super) fn head(headers: &mut HeaderMap, spec: &PluginSpec) -> Result<(), Error> {
    if length(headers).is_some_and(|length| length > spec.response_body) {
        return Err(too_large("the handler announced a body larger than its definition allows"));
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers.len() > FIELDS || bytes > FIELD_BYTES {
        return Err(too_large("the handler's response header is too large"));
    }
    for name in [CONNECTION, TRANSFER_ENCODING, UPGRADE, TE] {
        headers.remove(name);
    }
    Ok(())
}

/// Length of the body that a head announces.
pub(super) fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Fields that belong to the connection and are this host's to set (RFC 9110, section 7.6.1).
fn framing(name: &HeaderName) -> bool {
    [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE, TE, TRAILER].contains(name)
        || name == "keep-alive"
        || name == "proxy-connection"
}

fn too_large(detail: &'static str) -> Error {
    Error::new(Kind::ResponseTooLarge, detail)
}

fn invalid(what: String) -> Error {
    Error::new(Kind::PluginFailed, "the handler's response is no valid HTTP").because(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &[u8])], body: &[u8]) -> Result<Response<Body>, Error> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect();
        whole(
            http_handler::Response { status, headers, body: body.to_vec() },
            &PluginSpec { response_body: 10, ..PluginSpec::default() },
        )
    }

    #[test]
    fn hostile_answers_are_refused() {
        let kind = |result: Result<_, Error>| result.err().map(|error: Error| error.kind);
        for status in [0, 99, 101, 1000] {
            assert_eq!(kind(answer(status, &[], b"")), Some(Kind::PluginFailed), "{status}");
        }
        assert_eq!(kind(answer(200, &[("a b", b"")], b"")), Some(Kind::PluginFailed));
        assert_eq!(kind(answer(200, &[("a", b"x\r\ninjected: 1")], b"")), Some(Kind::PluginFailed));
        assert_eq!(kind(answer(200, &[("a", &[b'x'; 70_000])], b"")), Some(Kind::ResponseTooLarge));
        assert_eq!(kind(answer(200, &[("a", b"x".as_slice()); 129], b"")), Some(Kind::ResponseTooLarge));
        assert_eq!(kind(answer(200, &[], b"12345678901")), Some(Kind::ResponseTooLarge));
    }

    #[test]
    fn framing_stays_with_the_host() {
        let reply =
            answer(200, &[("content-length", b"99"), ("transfer-encoding", b"chunked"), ("x", b"y")], b"1");
        assert_eq!(reply.unwrap().headers().keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x"]);
    }
}
