//! `/v1/plugins/{name}/releases` and `/v1/plugins/{name}/rollback`.

use http::{Request, StatusCode};
use ostler_core::{Body, Digest};
use ostler_runtime::inspect::COMPONENT_BYTES_MAX;

use super::answer::{Answer, Problem, empty, json};
use super::body::{receive, receive_json};
use crate::control::{Control, Upload};

pub(super) async fn list(control: &Control, name: &str) -> Answer {
    Ok(json(StatusCode::OK, &serde_json::json!({ "releases": control.releases(name).await? })))
}

pub(super) async fn put(control: &Control, name: &str, request: Request<Body>) -> Answer {
    let component = receive(request.into_body(), COMPONENT_BYTES_MAX as u64).await?;
    let deployed = control.deploy(name, Upload::of(component)).await?;
    let status = if deployed.new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(json(status, &deployed))
}

pub(super) async fn delete(control: &Control, name: &str, digest: &str) -> Answer {
    control.delete_release(name, parse(digest)?).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

pub(super) async fn rollback(control: &Control, name: &str, request: Request<Body>) -> Answer {
    let body = receive_json(request.into_body()).await?;
    let to = match &body["to"] {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(parse(text)?),
        _ => return Err(Problem::invalid(vec!["to: a digest such as \"sha256:...\", or nothing".into()])),
    };
    Ok(json(StatusCode::OK, &control.rollback(name, to).await?))
}

fn parse(digest: &str) -> Result<Digest, Problem> {
    digest.parse().map_err(|error: ostler_core::digest::NotADigest| Problem::invalid(vec![error.to_string()]))
}
