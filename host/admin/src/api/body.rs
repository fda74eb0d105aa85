//! Bodies of API requests, received whole within their limits.

use bytes::Bytes;
use http::StatusCode;
use ostler_core::settings::{Node, Problems, Section};
use ostler_core::unit::format_size;
use ostler_core::{Body, BodyError, Kind};
use serde_json::Value;

use super::answer::Problem;
use crate::control::problem_line;

/// Largest JSON document that is taken, in bytes.
const JSON_MAX: u64 = 256 << 10;

/// The whole of `body`, at most `limit` bytes.
pub(super) async fn receive(body: Body, limit: u64) -> Result<Bytes, Problem> {
    body.whole(limit).await.map_err(|error| match error {
        BodyError::Refused(Kind::BodyTooLarge) => {
            let detail = format!("the body is larger than the {} that are taken here", format_size(limit));
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
        }
        _ => Problem::new(StatusCode::BAD_REQUEST, "bad_request", "the body broke off; nothing was changed"),
    })
}

/// The JSON document in `body`; an empty body is `{}`.
pub(super) async fn receive_json(body: Body) -> Result<Value, Problem> {
    let bytes = receive(body, JSON_MAX).await?;
    if bytes.is_empty() {
        return Ok(serde_json::json!({}));
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, "bad_request", format!("the body is not valid JSON: {error}"))
    })
}

/// What `read` makes of an object's keys. A key that it does not ask for is refused; one that is null counts as absent.
pub(super) fn keys<T>(json: &Value, read: impl FnOnce(&mut Section<'_>) -> T) -> Result<T, Problem> {
    let mut json = json.clone();
    let object = json.as_object_mut();
    let object = object.ok_or_else(|| Problem::invalid(vec!["what is sent is no JSON object".into()]))?;
    object.retain(|_, value| !value.is_null());
    let problems = Problems::new("body");
    let node = Node::from_json(&json);
    let mut section = node.section("", &problems);
    let made = read(&mut section);
    section.finish();
    let told: Vec<_> = problems.into_vec().iter().map(problem_line).collect();
    if told.is_empty() { Ok(made) } else { Err(Problem::invalid(told)) }
}
