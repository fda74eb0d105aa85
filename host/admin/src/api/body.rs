//! Bodies of API requests, received whole within their limits.

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt;
use ostler_core::Body;
use ostler_core::unit::format_size;

use super::answer::Problem;

/// Largest JSON document that is taken, in bytes.
const JSON_MAX: u64 = 256 << 10;

/// The whole of `body`, at most `limit` bytes.
pub(super) async fn receive(mut body: Body, limit: u64) -> Result<Bytes, Problem> {
    let expected = http_body::Body::size_hint(&body).lower();
    let mut whole = BytesMut::new();
    let too_large = || {
        let detail = format!("the body is larger than the {} that are taken here", format_size(limit));
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    };
    if expected > limit {
        return Err(too_large());
    }
    while let Some(frame) = body.frame().await {
        let broken = |_| {
            Problem::new(StatusCode::BAD_REQUEST, "bad_request", "the body broke off; nothing was changed")
        };
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        if (whole.len() + data.len()) as u64 > limit {
            return Err(too_large());
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
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
