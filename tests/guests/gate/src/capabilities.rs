//! One call of a capability per request, its outcome as JSON; an error of the capability is a 502 with its text.

use std::time::{Duration, UNIX_EPOCH};

use ostler_sdk::{Error, Request, Response, authz, cache, context, kv, rate_limit};
use serde_json::{Value, json};

use crate::STORE;

/// The principal, or null.
pub fn whoami() -> Result<Response, Error> {
    let principal = context::principal().map(|principal| {
        let since = principal.authenticated_at.duration_since(UNIX_EPOCH).unwrap_or_default();
        json!({
            "subject": principal.subject,
            "tenant": principal.tenant,
            "roles": principal.roles,
            "scopes": principal.scopes,
            "method": principal.method,
            "authenticated_at_ms": since.as_millis() as u64,
            "claims": principal.claims,
        })
    });
    Response::json(&principal)
}

/// All parameters by name.
pub fn parameters() -> Result<Response, Error> {
    Response::json(&context::parameters())
}

/// The decision on `permission` and `resource`.
pub fn may(request: &Request) -> Result<Response, Error> {
    let decision = authz::check(&text(request, "permission"), &text(request, "resource"));
    Response::json(&json!({ "allowed": decision.allowed, "reason": decision.reason }))
}

/// 204, or the SDK's own refusal.
pub fn must(request: &Request) -> Result<Response, Error> {
    authz::require(&text(request, "permission"), &text(request, "resource"))?;
    Ok(Response::no_content())
}

/// The decision of `limit` on `key` and `cost`; with `require`, 204 or the SDK's own refusal.
pub fn limit(request: &Request) -> Result<Response, Error> {
    let (limit, key) = (text(request, "limit"), text(request, "key"));
    let cost = request.query("cost").and_then(|cost| cost.parse().ok()).unwrap_or(1);
    if request.query("require").is_some() {
        rate_limit::require(&limit, &key, cost)?;
        return Ok(Response::no_content());
    }
    let decision = rate_limit::check(&limit, &key, cost).map_err(failed)?;
    Response::json(&json!({
        "admitted": decision.admitted,
        "remaining": decision.remaining,
        "retry_after_ms": decision.retry_after.as_millis() as u64,
    }))
}

/// `/cache/OPERATION?cache=&key=...` with values in the body.
pub fn cache(operation: &str, request: &Request) -> Result<Response, Error> {
    let (cache, key) = (cache::open(&text(request, "cache")), text(request, "key"));
    let tags = text(request, "tags");
    let tags: Vec<&str> = tags.split(',').filter(|tag| !tag.is_empty()).collect();
    let ttl = millis(request, "ttl");
    match operation {
        "get" => found(cache.get(&key)),
        "set" => done(cache.set(&key, request.body(), ttl, &tags)),
        "delete" => done(cache.delete(&key)),
        "delete-tag" => done(cache.delete_tag(&text(request, "tag"))),
        "lock" => found(cache.get_or_lock(&key, millis(request, "wait").unwrap_or_default())),
        "unlock" => done(cache.unlock(&key)),
        "compute" => compute(&cache, &key, ttl, &tags, request),
        _ => Err(Error::not_found("no such operation")),
    }
}

/// Makes `made N`, where N counts in the key-value store how often it was made; after `delay_ms`, and fails with `fail`.
fn compute(
    cache: &cache::Cache,
    key: &str,
    ttl: Option<Duration>,
    tags: &[&str],
    request: &Request,
) -> Result<Response, Error> {
    let value = cache.get_or_compute(key, ttl, tags, || {
        std::thread::sleep(millis(request, "delay_ms").unwrap_or_default());
        let made = kv::open(STORE).increment(&format!("made {key}"), 1).map_err(failed)?;
        match request.query("fail") {
            Some(_) => Err(Told(Error::conflict("it could not be made"))),
            None => Ok(format!("made {made}").into_bytes()),
        }
    });
    Ok(Response::text(String::from_utf8_lossy(&value.map_err(|Told(error)| error)?)))
}

/// An error that the client is told, also if it is the cache's.
struct Told(Error);

impl From<cache::Error> for Told {
    fn from(error: cache::Error) -> Self {
        Told(failed(error))
    }
}

impl From<Error> for Told {
    fn from(error: Error) -> Self {
        Told(error)
    }
}

fn found(outcome: Result<Option<Vec<u8>>, cache::Error>) -> Result<Response, Error> {
    Ok(match outcome.map_err(failed)? {
        Some(value) => Response::new(200).with_body(value),
        None => Response::text("none").with_status(404),
    })
}

fn done(outcome: Result<(), cache::Error>) -> Result<Response, Error> {
    outcome.map_err(failed)?;
    Response::json(&Value::Null)
}

fn text(request: &Request, name: &str) -> String {
    request.query(name).unwrap_or_default()
}

fn millis(request: &Request, name: &str) -> Option<Duration> {
    Some(Duration::from_millis(request.query(name)?.parse().ok()?))
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(502, error.to_string())
}
