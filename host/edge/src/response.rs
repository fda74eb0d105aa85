//! Brings a handler's response into a form that can be framed on any HTTP version (RFC 9110 sections 6.4 and 8.6).
//!
//! Invariant: framing is decided here and by hyper, never by a handler: hop-by-hop fields are dropped, `Content-Length` is
//! what the body says, and a reply to HEAD or with status 204 or 304 has no body.

use http::header::CONTENT_LENGTH;
use http::response::Parts;
use http::{HeaderValue, Response, StatusCode};
use http_body::Body as _;
use ostler_core::Body;

use crate::hop;
use crate::outbound::Outbound;
use crate::pulse::Flight;

/// `response` as hyper may send it; `flight` ends with its body.
pub(crate) fn settle(response: Response<Body>, to_head: bool, flight: Flight) -> Response<Outbound> {
    let (mut parts, mut body) = response.into_parts();
    if hop::any(&parts.headers) {
        hop::strip(&mut parts.headers);
    }
    let mut owed = None;
    if to_head || without_body(parts.status) {
        describe(&mut parts, &body);
        body = Body::Empty;
    } else if parts.headers.contains_key(CONTENT_LENGTH) {
        owed = settle_length(&mut parts, &body);
    }
    Response::from_parts(parts, Outbound::new(body, flight, owed))
}

fn without_body(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// Tells the length of the body that is not sent, where that is asked for and known.
fn describe(parts: &mut Parts, body: &Body) {
    if without_body(parts.status) {
        parts.headers.remove(CONTENT_LENGTH);
        return;
    }
    let length = body.size_hint().exact().filter(|length| *length > 0);
    match length {
        Some(length) => {
            parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        // The handler knew that it was HEAD and left the body out: its own word stands, if it is a number.
        None if announced(parts).is_none() => {
            parts.headers.remove(CONTENT_LENGTH);
        }
        None => {}
    }
}

/// Makes `Content-Length` true; what a stream of unknown length owes by it.
fn settle_length(parts: &mut Parts, body: &Body) -> Option<u64> {
    match (body.size_hint().exact(), announced(parts)) {
        (Some(exact), announced) => {
            if announced != Some(exact) {
                parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(exact));
            }
            None
        }
        (None, Some(announced)) => Some(announced),
        (None, None) => {
            parts.headers.remove(CONTENT_LENGTH);
            None
        }
    }
}

/// The one valid length the handler announced.
fn announced(parts: &Parts) -> Option<u64> {
    let mut values = parts.headers.get_all(CONTENT_LENGTH).iter();
    let text = values.next()?.to_str().ok()?;
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (values.next().is_none() && is_number).then(|| text.parse().ok()).flatten()
}
