//! A refusal the client may read, or a failure it may not.

use std::fmt;

use crate::context;
use crate::response::Response;

/// Why a handler gives no ordinary answer.
///
/// One made by its status (`Error::not_found("no such link")`) is sent as RFC 9457 `application/problem+json` with the
/// text as `detail`, a `code` (`not_found`, or what [`with_code`](Error::with_code) says) and the `request_id`. One made from any `std::error::Error` by `?` stays private: the host logs it, the client gets a 500.
#[derive(Debug)]
pub struct Error(Inner);

#[derive(Debug)]
enum Inner {
    Public { status: u16, detail: String, code: Option<String>, headers: Vec<(String, String)> },
    Private(String),
}

impl Error {
    /// A problem the client may read. `status` is 400 to 599.
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        Error(Inner::Public { status, detail: detail.into(), code: None, headers: Vec::new() })
    }

    /// A failure for the log alone; the client gets a 500 without the text.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Error(Inner::Private(cause.to_string()))
    }

    /// 400: the request is malformed.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Error::new(400, detail)
    }

    /// 401: nobody is signed in.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Error::new(401, detail)
    }

    /// 403: somebody is, but may not do this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Error::new(403, detail)
    }

    /// 404: there is nothing here.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Error::new(404, detail)
    }

    /// 405, with the methods that would do in `allow`: `"GET, POST"`.
    pub fn method_not_allowed(allow: impl Into<String>) -> Self {
        let allow = allow.into();
        Error::new(405, format!("this path answers {allow}")).with_header("allow", allow)
    }

    /// 409: it contradicts what is there.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Error::new(409, detail)
    }

    /// 415: the body has a type that is not read here.
    pub fn unsupported_media_type(detail: impl Into<String>) -> Self {
        Error::new(415, detail)
    }

    /// 422: well-formed, but its values will not do.
    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Error::new(422, detail)
    }

    /// 503: try again later.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Error::new(503, detail)
    }

    /// Sets the code by which programs tell problems of one status apart: `no_such_link`. A private error stays as it is.
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        if let Inner::Public { code: place, .. } = &mut self.0 {
            *place = Some(code.into());
        }
        self
    }

    /// Adds a response header. A private error stays as it is.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Inner::Public { headers, .. } = &mut self.0 {
            headers.push((name.into(), value.into()));
        }
        self
    }

    /// The status the client will see.
    pub fn status(&self) -> u16 {
        match &self.0 {
            Inner::Public { status, .. } => *status,
            Inner::Private(_) => 500,
        }
    }

    /// The problem as a response, or the private text for the host's log.
    pub(crate) fn into_response(self) -> Result<Response, String> {
        let (status, detail, code, headers) = match self.0 {
            Inner::Public { status, detail, code, headers } => (status, detail, code, headers),
            Inner::Private(text) => return Err(text),
        };
        let mut problem = serde_json::Map::new();
        problem.insert("type".into(), "about:blank".into());
        problem.insert("title".into(), title(status).into());
        problem.insert("status".into(), status.into());
        problem.insert("detail".into(), detail.into());
        let code = code.unwrap_or_else(|| title(status).to_lowercase().replace(' ', "_"));
        problem.insert("code".into(), code.into());
        problem.insert("request_id".into(), context::current().request_id.into());
        let body = serde_json::Value::Object(problem).to_string();
        let response =
            Response::new(status).with_header("content-type", "application/problem+json").with_body(body);
        Ok(headers
            .iter()
            .fold(response, |response, (name, value)| response.with_header(name, value.as_str())))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Public { status, detail, .. } => write!(f, "{status} {}: {detail}", title(*status)),
            Inner::Private(text) => write!(f, "500 {}: {text}", title(500)),
        }
    }
}

/// `Error` itself is no `std::error::Error`: that is what lets `?` take every other one.
impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        Error(Inner::Private(text))
    }
}

/// Reason phrase of the statuses handlers use (RFC 9110, section 15).
fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        ..500 => "Client Error",
        _ => "Server Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Host;

    #[test]
    fn a_problem_is_json_with_its_detail_and_code() {
        let error = Error::not_found("no link \"a\"")
            .with_code("no_such_link")
            .with_header("cache-control", "no-store");
        let _host = Host::new().request_id("r1").install();
        let response = error.into_response().unwrap();
        assert_eq!(response.status(), 404);
        assert_eq!(response.header("content-type"), Some("application/problem+json"));
        assert_eq!(response.header("cache-control"), Some("no-store"));
        let problem: serde_json::Value = response.read_json().unwrap();
        assert_eq!(problem["title"], "Not Found");
        assert_eq!(problem["detail"], "no link \"a\"");
        assert_eq!(problem["code"], "no_such_link");
        assert_eq!(problem["request_id"], "r1");
        let plain =
            Error::unprocessable("no").into_response().unwrap().read_json::<serde_json::Value>().unwrap();
        assert_eq!(plain["code"], "unprocessable_content");
    }

    #[test]
    fn the_cause_of_a_failure_is_for_the_log_only() {
        let error = Error::from("x".parse::<u8>().unwrap_err());
        assert_eq!(error.status(), 500);
        assert_eq!(error.into_response().unwrap_err(), "invalid digit found in string");
    }
}
