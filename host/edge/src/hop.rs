//! Which fields belong to one connection and never travel through it (RFC 9110 section 7.6.1).

use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, FORWARDED, HOST, TE,
    TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::{HeaderMap, HeaderName};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// Whether a hop-by-hop field is there. Most heads have none, and this walk is all they pay.
pub(crate) fn any(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| match *name {
        CONNECTION | TE | TRANSFER_ENCODING | UPGRADE => true,
        _ => matches!(name.as_str(), "keep-alive" | "proxy-connection" | "http2-settings"),
    })
}

/// Removes them.
pub(crate) fn strip(headers: &mut HeaderMap) {
    for name in [CONNECTION, TE, TRANSFER_ENCODING, UPGRADE, KEEP_ALIVE, PROXY_CONNECTION, HTTP2_SETTINGS] {
        headers.remove(name);
    }
}

/// Whether `Connection` may declare this field hop-by-hop. A client could otherwise remove, behind a proxy's back, what that
/// proxy added or checked.
pub(crate) fn may_be_nominated(name: &HeaderName) -> bool {
    let end_to_end =
        [AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, FORWARDED, HOST, VIA];
    !end_to_end.contains(name) && !name.as_str().starts_with("x-forwarded-")
}
