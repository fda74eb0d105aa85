//! Requests that no kept answer serves: they pass, and what they change is dropped (RFC 9111, section 4.4).

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, Request, Response, Uri, header};
use ostler_core::{Body, Error, Exchange};
use ostler_services::cache::Purge;

use super::judge::{CACHE_TAG, listed};
use super::reply::{self, How};
use super::{Inner, Origin, key};

/// Names tags whose answers a plugin's write has made old.
const CACHE_PURGE: HeaderName = HeaderName::from_static("cache-purge");

impl Inner {
    /// Calls the plugin; drops what it changed.
    pub(super) async fn pass<O: Origin>(
        self: Arc<Self>,
        origin: O,
        key: Vec<u8>,
        exchange: Exchange,
        head: Parts,
        body: Body,
    ) -> Result<Response<Body>, Error> {
        let why = if matches!(head.method, Method::GET | Method::HEAD) { "bypass" } else { "method" };
        let safe = [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE].contains(&head.method);
        // Safe too (RFC 10008).
        let changes = !safe && head.method.as_str() != "QUERY";
        let (name, host) = (key::name(&head), key::host(&head));
        let mut response = origin.call(exchange, Request::from_parts(head, body)).await?;
        if changes && (response.status().is_success() || response.status().is_redirection()) {
            self.cache.forget(&key);
            self.cache.invalidate(&changed(name, &host, response.headers())).await;
            let tags = listed(response.headers(), &CACHE_PURGE).unwrap_or_default();
            if !tags.is_empty() {
                let tags: Vec<_> = tags.into_iter().map(|tag| Purge::Tag(tag.to_owned())).collect();
                self.cache.purge(&tags).await;
            }
        }
        let headers = response.headers_mut();
        headers.remove(CACHE_PURGE);
        if !self.rules.show_tags {
            headers.remove(CACHE_TAG);
        }
        reply::tell(headers, How::Asked { why, stored: false });
        Ok(response)
    }
}

/// Names of what a request to `name` changed: itself, and what the answer points to on the same host.
fn changed(name: String, host: &str, headers: &HeaderMap) -> Vec<String> {
    let mut names = vec![name];
    for field in [header::LOCATION, header::CONTENT_LOCATION] {
        names.extend(headers.get(field).and_then(|value| on(host, value.to_str().ok()?)));
    }
    names
}

/// The name of what `location` points to, if that is on `host`.
fn on(host: &str, location: &str) -> Option<String> {
    let uri: Uri = location.parse().ok()?;
    let path = uri.path_and_query().map_or("/", |target| target.as_str());
    match uri.authority() {
        Some(authority) => authority.as_str().eq_ignore_ascii_case(host).then(|| format!("{host}{path}")),
        None => (path.starts_with('/') && !path.starts_with("//")).then(|| format!("{host}{path}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_on_the_same_host_is_dropped() {
        assert_eq!(on("a.test:80", "/x?y").as_deref(), Some("a.test:80/x?y"));
        assert_eq!(on("a.test", "https://A.test/x").as_deref(), Some("a.test/x"));
        for elsewhere in ["https://b.test/x", "//b.test/x", "http://a.test:81/x", "\u{1}", ""] {
            assert_eq!(on("a.test", elsewhere), None, "{elsewhere}");
        }
    }
}
