//! Answers in the protocol's words.
//!
//! A flag that gives no value of its own (disabled, or without a default variant) is told as not found: the client then takes the
//! default in its own code, which is what is meant. flagd has told it so as well; since 2026 it says 200 without a value
//! (open-feature/flagd#1966), which `@openfeature/ofrep-core` 0.1.4 takes for a broken answer.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use ostler_core::{Body, Digest};
use ostler_release::flags::{ErrorCode, Resolution};
use serde_json::{Value, json};

use super::asked::Refused;

type Said = Resolution<Option<Arc<Value>>>;

/// The answer to a question about one flag.
pub(super) fn one(key: &str, said: Said) -> Response<Body> {
    match member(key, said) {
        Ok(member) => reply(StatusCode::OK, &member),
        Err(refused) => self::refused(Some(key), &refused),
    }
}

/// A flag's place among all; none for one that leaves its value to the client.
pub(super) fn in_bulk(key: &str, said: Said) -> Option<Value> {
    match member(key, said) {
        Ok(member) => Some(member),
        Err(Refused { code: ErrorCode::FlagNotFound, .. }) => None,
        Err(refused) => Some(failure(Some(key), &refused)),
    }
}

/// All flags, or that they are as the client knows them.
pub(super) fn bulk(flags: Vec<Value>, known: Option<&HeaderValue>) -> Response<Body> {
    let body = json!({ "flags": flags }).to_string();
    // Of the answer, not of the definitions: targeting may look at the time.
    let tag = format!("\"{:.32}\"", Digest::of(body.as_bytes()).hex());
    let mut response = match known.is_some_and(|known| lists(known, &tag)) {
        true => status(StatusCode::NOT_MODIFIED),
        false => with(StatusCode::OK, body),
    };
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// Whether `If-None-Match` names `tag`, by weak comparison (RFC 9110 section 13.1.2).
fn lists(known: &HeaderValue, tag: &str) -> bool {
    let tags = known.to_str().unwrap_or_default().split(',').map(str::trim);
    tags.map(|known| known.strip_prefix("W/").unwrap_or(known)).any(|known| known == "*" || known == tag)
}

/// The refusal of a question: about the flag `key`, or about all.
pub(super) fn refused(key: Option<&str>, refused: &Refused) -> Response<Body> {
    let status = match refused.code {
        ErrorCode::FlagNotFound => StatusCode::NOT_FOUND,
        ErrorCode::ProviderNotReady => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    };
    reply(status, &failure(key, refused))
}

/// More flags than one answer holds.
pub(super) fn too_many(there: usize, most: usize) -> Response<Body> {
    let details =
        format!("this host has {there} flags and answers {most} at once; raise bulk in [flags.ofrep]");
    refused(None, &Refused { code: ErrorCode::General, details })
}

fn member(key: &str, said: Said) -> Result<Value, Refused> {
    if let Some(code) = said.error {
        let details = said.message.unwrap_or_default();
        return Err(Refused { code, details });
    }
    let Some(value) = said.value else {
        let details = format!("the flag leaves its value to who asks ({})", said.reason.as_str());
        return Err(Refused { code: ErrorCode::FlagNotFound, details });
    };
    let variant = said.variant.as_deref().unwrap_or_default();
    let reason = said.reason.as_str();
    Ok(json!({ "key": key, "value": value, "reason": reason, "variant": variant, "metadata": said.metadata }))
}

fn failure(key: Option<&str>, refused: &Refused) -> Value {
    let mut failure = json!({ "errorCode": refused.code.as_str(), "errorDetails": refused.details });
    if let Some(key) = key {
        failure["key"] = key.into();
    }
    failure
}

fn reply(status: StatusCode, value: &Value) -> Response<Body> {
    with(status, value.to_string())
}

fn with(code: StatusCode, body: String) -> Response<Body> {
    let mut response = status(code);
    *response.body_mut() = Body::full(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    response
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}
