//! `/v1/keys`: API keys of this host. The key itself is in the answers of `create` and `rotate`, and nowhere else.

use http::{Request, StatusCode};
use ostler_core::Body;
use ostler_identity::keys::Shown;
use serde_json::json;

use super::answer::{Answer, json as answer};
use super::body::receive_json;
use crate::control::Control;

pub(super) fn list(control: &Control) -> Answer {
    Ok(answer(StatusCode::OK, &json!({ "keys": control.keys() })))
}

pub(super) fn get(control: &Control, id: &str) -> Answer {
    Ok(answer(StatusCode::OK, &control.key(id)?))
}

pub(super) async fn create(control: &Control, request: Request<Body>) -> Answer {
    let wanted = receive_json(request.into_body()).await?;
    Ok(answer(StatusCode::CREATED, &shown(&control.create_key(&wanted).await?)))
}

pub(super) async fn rotate(control: &Control, id: &str, request: Request<Body>) -> Answer {
    let wanted = receive_json(request.into_body()).await?;
    Ok(answer(StatusCode::OK, &shown(&control.rotate_key(id, &wanted).await?)))
}

pub(super) async fn revoke(control: &Control, id: &str) -> Answer {
    Ok(answer(StatusCode::OK, &control.revoke_key(id).await?))
}

/// The record with the key beside it.
fn shown(shown: &Shown) -> serde_json::Value {
    let mut value = json!(shown.record);
    value["key"] = shown.text.as_str().into();
    value
}
