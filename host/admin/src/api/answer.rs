//! Answers of the API: JSON, text, and RFC 9457 problems with every reason.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use ostler_core::{Body, RequestId};
use ostler_release::admission::Finding;
use serde::Serialize;

use crate::control::Refusal;

pub(super) type Answer = Result<Response<Body>, Problem>;

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    reasons: Vec<String>,
    /// What each gate said of a release.
    findings: Vec<Finding>,
    /// Value of `Allow`.
    allow: Option<&'static str>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Problem {
            status,
            code,
            detail: detail.into(),
            reasons: Vec::new(),
            findings: Vec::new(),
            allow: None,
        }
    }

    pub(super) fn invalid(reasons: Vec<String>) -> Self {
        let detail = reasons.join("; ");
        Problem { reasons, ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail) }
    }

    pub(super) fn unauthorized() -> Self {
        let detail = "send `Authorization: Bearer TOKEN`, with the token in the host's token_file";
        Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    pub(super) fn nothing_here() -> Self {
        Problem::new(StatusCode::NOT_FOUND, "not_found", "nothing here; /v1/openapi.json lists what there is")
    }

    pub(super) fn wrong_method(allow: &'static str) -> Self {
        let detail = format!("not with this method, but with {allow}");
        let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
        Problem { allow: Some(allow), ..problem }
    }

    /// The host itself failed.
    pub(super) fn failed(error: &tokio::task::JoinError) -> Self {
        tracing::error!(%error, "an admin request failed");
        let detail = "this host failed; its log says why";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    pub(super) fn response(self, id: &RequestId) -> Response<Body> {
        let mut problem = serde_json::json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
            "request_id": id.as_str(),
        });
        if !self.reasons.is_empty() {
            problem["reasons"] = self.reasons.into();
        }
        if !self.findings.is_empty() {
            problem["findings"] = serde_json::json!(self.findings);
        }
        let mut response = with(self.status, problem.to_string(), "application/problem+json");
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(allow) = self.allow {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        response
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound(detail) => Problem::new(StatusCode::NOT_FOUND, "not_found", detail),
            Refusal::Conflict(detail) => Problem::new(StatusCode::CONFLICT, "conflict", detail),
            Refusal::Invalid(reasons) => Problem::invalid(reasons),
            Refusal::NotAdmitted(reasons, findings) => Problem { findings, ..Problem::invalid(reasons) },
            Refusal::Unavailable(detail) => {
                tracing::error!(detail, "the admin API could not do what it was asked");
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
            }
        }
    }
}

pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    match serde_json::to_vec(value) {
        Ok(bytes) => with(status, bytes, "application/json"),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

pub(super) fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Body> {
    with(status, body, "text/plain; charset=utf-8")
}

pub(super) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    response
}

pub(super) fn with(status: StatusCode, body: impl Into<Bytes>, kind: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::full(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    response
}
