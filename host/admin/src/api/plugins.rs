//! `/v1/plugins` and `/v1/plugins/{name}`.

use http::{Request, StatusCode};
use ostler_core::Body;

use super::answer::{Answer, empty, json};
use super::body::receive_json;
use crate::control::Control;

pub(super) async fn list(control: &Control) -> Answer {
    Ok(json(StatusCode::OK, &serde_json::json!({ "plugins": control.plugins().await })))
}

pub(super) async fn get(control: &Control, name: &str) -> Answer {
    Ok(json(StatusCode::OK, &control.plugin(name).await?))
}

pub(super) async fn put(control: &Control, name: &str, request: Request<Body>) -> Answer {
    let definition = receive_json(request.into_body()).await?;
    let status = match control.define(name, &definition).await? {
        true => StatusCode::CREATED,
        false => StatusCode::OK,
    };
    Ok(json(status, &control.plugin(name).await?))
}

pub(super) async fn delete(control: &Control, name: &str) -> Answer {
    control.undefine(name).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
