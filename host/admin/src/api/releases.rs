//! `/v1/plugins/{name}/releases` and `/v1/plugins/{name}/rollback`.

use http::{Request, StatusCode};
use ostler_core::{Body, Digest};
use ostler_runtime::inspect::COMPONENT_BYTES_MAX;

use super::answer::{Answer, Problem, empty, json};
use super::body::{receive, receive_json};
use super::options::{self, by};
use crate::control::{Control, Upload};

pub(super) async fn list(control: &Control, name: &str) -> Answer {
    Ok(json(StatusCode::OK, &serde_json::json!({ "releases": control.releases(name).await? })))
}

pub(super) async fn put(control: &Control, name: &str, request: Request<Body>) -> Answer {
    let options = options::from_query(request.uri().query().unwrap_or_default())?;
    let component = receive(request.into_body(), COMPONENT_BYTES_MAX as u64).await?;
    let options::Options { who, why, rollout } = options;
    let deployed = control.deploy(name, Upload { who, why, rollout, ..Upload::of(component) }).await?;
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
    let (who, why) = by(&body)?;
    Ok(json(StatusCode::OK, &control.rollback(name, to, (&who, &why)).await?))
}

fn parse(digest: &str) -> Result<Digest, Problem> {
    digest.parse().map_err(|error: ostler_core::digest::NotADigest| Problem::invalid(vec![error.to_string()]))
}
