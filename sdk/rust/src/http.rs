//! Outbound HTTP to the origins of the plugin's definition: `grant = { http = ["https://api.example.com"] }`.
//!
//! ```
//! # use ostler_sdk::{Response, testing};
//! # let _host = testing::Host::new().http(|_| Ok(Response::text("42"))).install();
//! use ostler_sdk::http;
//! let answer = http::fetch(http::Request::get("https://api.example.com/answer"))?;
//! assert_eq!(answer.body(), b"42");
//! # Ok::<(), http::Error>(())
//! ```

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::bindings::ostler::plugin::http_client as wit;
use crate::host;
use crate::response::Response;

/// A request to another server.
#[derive(Clone, Debug)]
pub struct Request(pub(crate) wit::Outbound);

impl Request {
    /// A request with any method. `url` is absolute.
    pub fn new(method: &str, url: impl Into<String>) -> Self {
        let (method, url) = (method.to_owned(), url.into());
        Request(wit::Outbound { method, url, headers: Vec::new(), body: Vec::new(), timeout_ms: None })
    }

    /// A `GET`.
    pub fn get(url: impl Into<String>) -> Self {
        Request::new("GET", url)
    }

    /// A `POST`.
    pub fn post(url: impl Into<String>) -> Self {
        Request::new("POST", url)
    }

    /// Adds a header.
    pub fn with_header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.0.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// Replaces the body.
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.0.body = body.into();
        self
    }

    /// Replaces the body by `value` as JSON and names its type; an error if it has no JSON form.
    pub fn with_json(self, value: &impl Serialize) -> Result<Self, serde_json::Error> {
        let body = serde_json::to_vec(value)?;
        Ok(self.with_header("content-type", "application/json").with_body(body))
    }

    /// Gives up after `limit`. Without it, and at most, what is left of the call's own deadline.
    pub fn with_timeout(mut self, limit: Duration) -> Self {
        self.0.timeout_ms = Some(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// The method.
    pub fn method(&self) -> &str {
        &self.0.method
    }

    /// The absolute URL.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.0.body
    }

    /// The first value of a header, if it is UTF-8. `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.headers.iter().find(|(key, _)| key == name)?;
        std::str::from_utf8(value).ok()
    }
}

/// Why there is no response. A response with status 500 is a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Not granted; the text names the missing grant.
    Denied(String),
    /// The request cannot be sent as it is.
    Invalid(String),
    /// No answer in time.
    Timeout,
    /// The response is larger than the host accepts.
    TooLarge,
    /// The other server could not be reached or broke the protocol.
    Failed(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Denied(text) | Error::Invalid(text) | Error::Failed(text) => f.write_str(text),
            Error::Timeout => f.write_str("the other server gave no answer in time"),
            Error::TooLarge => f.write_str("the other server's response is larger than the host accepts"),
        }
    }
}

impl std::error::Error for Error {}

impl From<wit::Error> for Error {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::Denied(text) => Error::Denied(text),
            wit::Error::Invalid(text) => Error::Invalid(text),
            wit::Error::Timeout => Error::Timeout,
            wit::Error::TooLarge => Error::TooLarge,
            wit::Error::Failed(text) => Error::Failed(text),
        }
    }
}

/// Sends a request and waits for the whole response.
pub fn fetch(request: Request) -> Result<Response, Error> {
    Ok(host::http_client::send(&request.0)?.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Host;

    #[test]
    fn the_stand_in_sees_what_was_sent() {
        let _host = Host::new()
            .http(|request| {
                assert_eq!((request.method(), request.url()), ("POST", "https://api.test/v1"));
                assert_eq!(request.header("content-type"), Some("application/json"));
                Ok(Response::typed("application/json", request.body()).with_status(201))
            })
            .install();
        let response = fetch(Request::post("https://api.test/v1").with_json(&[1, 2]).unwrap()).unwrap();
        assert_eq!((response.status(), response.body()), (201, b"[1,2]".as_slice()));
    }

    #[test]
    fn without_a_stand_in_every_origin_is_denied() {
        let _host = Host::new().install();
        let error = fetch(Request::get("https://api.test/")).unwrap_err();
        assert!(matches!(error, Error::Denied(_)), "{error}");
    }
}
