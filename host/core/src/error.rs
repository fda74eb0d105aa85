//! What can go wrong with an exchange, told twice: once for the client, once for the log.
//!
//! Invariant: every [`Kind`] answers every question of [`Facts`] in one exhaustive match, so a new kind does not compile
//! until status, code, title and retryability are decided. `detail` reaches the client; `cause` never does.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use crate::{Body, RequestId};

/// A refusal or failure of one exchange.
#[derive(Debug, thiserror::Error)]
#[error("{}: {detail}", self.kind.facts().code)]
pub struct Error {
    /// Which of the closed set of failures this is.
    pub kind: Kind,
    /// What the client is told; never contains secrets or internals.
    pub detail: Cow<'static, str>,
    /// What the log is told in addition.
    #[source]
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// When the client may try again (sent as `Retry-After`, rounded up to whole seconds).
    pub retry_after: Option<Duration>,
    /// What some refusals tell beside the rest.
    pub more: Option<Box<More>>,
}

/// What a refusal tells beside its kind and detail.
#[derive(Debug, Default)]
pub struct More {
    /// Fields of the reply, as `WWW-Authenticate`.
    pub fields: HeaderMap,
    /// Members of the problem document (RFC 9457 section 3.2), as `violations`.
    pub members: serde_json::Map<String, serde_json::Value>,
    /// Where a browser goes in place of being shown the problem document.
    pub redirect: Option<HeaderValue>,
}

/// Result of anything that walks the request path.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The closed set of failures an exchange can end with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// The request violates HTTP or this host's expectations of it.
    BadRequest,
    /// No route matches host and path.
    RouteNotFound,
    /// A route matches the path, but not the method.
    MethodNotAllowed,
    /// The client took too long to send its request.
    RequestTimeout,
    /// The request body is larger than allowed.
    BodyTooLarge,
    /// The request target is longer than allowed.
    UriTooLong,
    /// The request head is larger than allowed, or has too many fields.
    HeadersTooLarge,
    /// A parameter or the body cannot be read as what it should be (not JSON, a number that is none, ...).
    Malformed,
    /// The request can be read, but is not what the route's document or schema asks for.
    Invalid,
    /// The body is of a media type that the route does not take.
    UnsupportedMediaType,
    /// The client did not prove who it is, or its proof is not accepted.
    Unauthenticated,
    /// The client is known, but the route asks for a (fresher) second factor.
    StepUpRequired,
    /// The client is known and may not do this.
    Forbidden,
    /// The request was made to look like the user's by another site.
    CrossSite,
    /// The client asks more often than it may.
    RateLimited,
    /// Whoever knows the client (keys, issuer, session store) could not be asked.
    IdentityUnavailable,
    /// The rate limits' shared store could not be asked, and the limit is to fail closed.
    LimitUnavailable,
    /// The client asked for a kept answer only, and there is none.
    NotCached,
    /// The plugin is known, but no release of it is live.
    PluginHasNoRelease,
    /// A feature flag has the plugin switched off.
    PluginSwitchedOff,
    /// No capacity was free within the deadline, or the host is shedding load.
    Overloaded,
    /// The plugin did not answer within its deadline.
    DeadlineExceeded,
    /// The plugin trapped (panic, unreachable, out-of-bounds access, stack overflow, ...).
    PluginTrapped,
    /// The plugin was refused memory or table space beyond its limit, and ended for it.
    PluginOutOfMemory,
    /// The plugin used up another of its limits (handles, host-call bytes, log volume).
    PluginLimitExceeded,
    /// The plugin answered with something that is not an acceptable HTTP response, or with an error of its own.
    PluginFailed,
    /// The plugin says that it refuses the request (wasi:http's `HTTP-request-denied`).
    PluginDenied,
    /// The plugin says that another server failed it.
    PluginUpstreamFailed,
    /// The plugin says that another server takes no more.
    PluginUpstreamUnavailable,
    /// The plugin says that another server was too slow.
    PluginUpstreamTimeout,
    /// The plugin's response is larger than allowed.
    ResponseTooLarge,
    /// The plugin's response is not what the route's document says.
    ResponseInvalid,
    /// A failure of the host itself.
    Internal,
}

/// All that is fixed about a [`Kind`].
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// HTTP status of the reply.
    pub status: StatusCode,
    /// Stable machine-readable code: problem document, metric label and log field.
    pub code: &'static str,
    /// Short human-readable summary.
    pub title: &'static str,
    /// Whether an identical request may succeed later.
    pub retryable: bool,
    /// Whether the operator should look (logged as a warning rather than as information).
    pub alarming: bool,
}

impl Kind {
    /// Every kind, in declaration order; `Kind as usize` indexes it.
    pub const ALL: [Kind; 33] = [
        Kind::BadRequest,
        Kind::RouteNotFound,
        Kind::MethodNotAllowed,
        Kind::RequestTimeout,
        Kind::BodyTooLarge,
        Kind::UriTooLong,
        Kind::HeadersTooLarge,
        Kind::Malformed,
        Kind::Invalid,
        Kind::UnsupportedMediaType,
        Kind::Unauthenticated,
        Kind::StepUpRequired,
        Kind::Forbidden,
        Kind::CrossSite,
        Kind::RateLimited,
        Kind::IdentityUnavailable,
        Kind::LimitUnavailable,
        Kind::NotCached,
        Kind::PluginHasNoRelease,
        Kind::PluginSwitchedOff,
        Kind::Overloaded,
        Kind::DeadlineExceeded,
        Kind::PluginTrapped,
        Kind::PluginOutOfMemory,
        Kind::PluginLimitExceeded,
        Kind::PluginFailed,
        Kind::PluginDenied,
        Kind::PluginUpstreamFailed,
        Kind::PluginUpstreamUnavailable,
        Kind::PluginUpstreamTimeout,
        Kind::ResponseTooLarge,
        Kind::ResponseInvalid,
        Kind::Internal,
    ];

    /// Status, code, title, retryability and log level of this kind.
    pub const fn facts(self) -> Facts {
        use StatusCode as S;
        let (status, code, title, retryable, alarming) = match self {
            Kind::BadRequest => (S::BAD_REQUEST, "bad_request", "Bad request", false, false),
            Kind::RouteNotFound => (S::NOT_FOUND, "route_not_found", "No such route", false, false),
            Kind::MethodNotAllowed => {
                (S::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed", false, false)
            }
            Kind::RequestTimeout => {
                (S::REQUEST_TIMEOUT, "request_timeout", "The request came too slowly", true, false)
            }
            Kind::BodyTooLarge => {
                (S::PAYLOAD_TOO_LARGE, "body_too_large", "Request body too large", false, false)
            }
            Kind::UriTooLong => (S::URI_TOO_LONG, "uri_too_long", "Request target too long", false, false),
            Kind::HeadersTooLarge => (
                S::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "headers_too_large",
                "Request headers too large",
                false,
                false,
            ),
            Kind::Malformed => (S::BAD_REQUEST, "malformed", "The request cannot be read", false, false),
            Kind::Invalid => (S::UNPROCESSABLE_ENTITY, "invalid", "The request is not valid", false, false),
            Kind::UnsupportedMediaType => {
                (S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Unsupported media type", false, false)
            }
            Kind::Unauthenticated => {
                (S::UNAUTHORIZED, "unauthenticated", "Authentication is needed", false, false)
            }
            Kind::StepUpRequired => {
                (S::UNAUTHORIZED, "step_up_required", "A second factor is needed", false, false)
            }
            Kind::Forbidden => (S::FORBIDDEN, "forbidden", "Not allowed", false, false),
            Kind::CrossSite => (S::FORBIDDEN, "cross_site", "Sent by another site", false, false),
            Kind::RateLimited => (S::TOO_MANY_REQUESTS, "rate_limited", "Too many requests", true, false),
            Kind::IdentityUnavailable => (
                S::SERVICE_UNAVAILABLE,
                "identity_unavailable",
                "Nobody can tell now who this is",
                true,
                true,
            ),
            Kind::LimitUnavailable => {
                (S::SERVICE_UNAVAILABLE, "limit_unavailable", "Rate limits cannot be kept now", true, true)
            }
            Kind::NotCached => (S::GATEWAY_TIMEOUT, "not_cached", "No kept answer", true, false),
            Kind::PluginHasNoRelease => {
                (S::SERVICE_UNAVAILABLE, "plugin_has_no_release", "Nothing deployed here yet", true, false)
            }
            Kind::PluginSwitchedOff => {
                (S::SERVICE_UNAVAILABLE, "plugin_switched_off", "Switched off for now", true, false)
            }
            Kind::Overloaded => (S::SERVICE_UNAVAILABLE, "overloaded", "Overloaded", true, true),
            Kind::DeadlineExceeded => {
                (S::GATEWAY_TIMEOUT, "deadline_exceeded", "Deadline exceeded", true, true)
            }
            Kind::PluginTrapped => {
                (S::INTERNAL_SERVER_ERROR, "plugin_trapped", "The handler crashed", false, true)
            }
            Kind::PluginOutOfMemory => (
                S::INTERNAL_SERVER_ERROR,
                "plugin_out_of_memory",
                "The handler ran out of memory",
                false,
                true,
            ),
            Kind::PluginLimitExceeded => (
                S::INTERNAL_SERVER_ERROR,
                "plugin_limit_exceeded",
                "The handler used up one of its limits",
                false,
                true,
            ),
            Kind::PluginFailed => {
                (S::INTERNAL_SERVER_ERROR, "plugin_failed", "The handler failed", false, true)
            }
            Kind::PluginDenied => {
                (S::FORBIDDEN, "plugin_denied", "The handler denied the request", false, false)
            }
            Kind::PluginUpstreamFailed => {
                (S::BAD_GATEWAY, "plugin_upstream_failed", "Another server failed the handler", true, true)
            }
            Kind::PluginUpstreamUnavailable => (
                S::SERVICE_UNAVAILABLE,
                "plugin_upstream_unavailable",
                "Another server is unavailable to the handler",
                true,
                true,
            ),
            Kind::PluginUpstreamTimeout => (
                S::GATEWAY_TIMEOUT,
                "plugin_upstream_timeout",
                "Another server was too slow for the handler",
                true,
                true,
            ),
            Kind::ResponseTooLarge => (
                S::INTERNAL_SERVER_ERROR,
                "response_too_large",
                "The handler's response is too large",
                false,
                true,
            ),
            Kind::ResponseInvalid => (
                S::INTERNAL_SERVER_ERROR,
                "response_invalid",
                "The handler's response is not what its document says",
                false,
                true,
            ),
            Kind::Internal => (S::INTERNAL_SERVER_ERROR, "internal", "Internal error", false, true),
        };
        Facts { status, code, title, retryable, alarming }
    }
}

impl Error {
    /// An error whose `detail` the client may read.
    pub fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Error { kind, detail: detail.into(), cause: None, retry_after: None, more: None }
    }

    /// Adds what only the log may read.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds when the client may try again.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// Adds a field to the reply.
    #[must_use]
    pub fn field(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.more.get_or_insert_default().fields.append(name, value);
        self
    }

    /// Adds a member to the problem document; never one that would leak a secret.
    #[must_use]
    pub fn member(mut self, name: &str, value: serde_json::Value) -> Self {
        self.more.get_or_insert_default().members.insert(name.to_owned(), value);
        self
    }

    /// Leads a browser to `location` in place of a problem document: 303, also where the kind's status is another.
    #[must_use]
    pub fn redirect(mut self, location: HeaderValue) -> Self {
        self.more.get_or_insert_default().redirect = Some(location);
        self
    }

    /// The reply for this error: RFC 9457 `application/problem+json` with `code` and `request_id`.
    pub fn response(&self, id: &RequestId) -> Response<Body> {
        if let Some(location) = self.more.as_ref().and_then(|more| more.redirect.clone()) {
            return see_other(location);
        }
        let facts = self.kind.facts();
        let mut problem = serde_json::json!({
            "type": "about:blank",
            "title": facts.title,
            "status": facts.status.as_u16(),
            "detail": self.detail,
            "code": facts.code,
            "request_id": id.as_str(),
        });
        if let (Some(more), Some(problem)) = (&self.more, problem.as_object_mut()) {
            let members = more.members.iter().map(|(name, value)| (name.clone(), value.clone()));
            problem.extend(members);
        }
        let mut response = Response::new(Body::full(Bytes::from(problem.to_string())));
        *response.status_mut() = facts.status;
        let headers = response.headers_mut();
        if let Some(more) = &self.more {
            headers.extend(more.fields.clone());
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(after) = self.retry_after {
            let seconds = after.as_millis().div_ceil(1000).max(1);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds as u64));
        }
        response
    }
}

fn see_other(location: HeaderValue) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, location);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lists_every_kind_at_its_own_index() {
        for (index, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index);
        }
    }

    #[test]
    fn codes_are_unique() {
        let codes: std::collections::HashSet<_> = Kind::ALL.iter().map(|kind| kind.facts().code).collect();
        assert_eq!(codes.len(), Kind::ALL.len());
    }

    #[test]
    fn the_cause_stays_out_of_the_reply() {
        let error = Error::new(Kind::Internal, "sorry").because("password=hunter2");
        let response = error.response(&RequestId::generate(7));
        assert_eq!(response.status(), 500);
        let Body::Full(bytes) = response.into_body() else { panic!("a problem document is buffered") };
        assert!(!String::from_utf8_lossy(&bytes).contains("hunter2"));
    }
}
