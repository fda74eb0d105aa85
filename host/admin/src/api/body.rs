//! Bodies of API requests, received whole within their limits.

use bytes::Bytes;
use http::StatusCode;
use ostler_core::unit::format_size;
use ostler_core::{Body, BodyError, Kind};

use super::answer::Problem;

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
pub(super) async fn receive_json(body: Body) -> Result<serde_json::Value, Problem> {
    let bytes = receive(body, JSON_MAX).await?;
    if bytes.is_empty() {
        return Ok(serde_json::json!({}));
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, "bad_request", format!("the body is not valid JSON: {error}"))
    })
}
