//! `/v1/plugins/{name}/releases` and `/v1/plugins/{name}/rollback`.

use http::{Request, StatusCode};
use ostler_core::{Body, Digest};

use super::answer::{Answer, Problem, empty, json, with};
use super::body::{self, receive_json};
use super::by::By;
use super::options;
use super::upload;
use crate::control::{Control, Upload};

pub(super) async fn list(control: &Control, name: &str) -> Answer {
    Ok(json(StatusCode::OK, &control.releases(name).await?))
}

pub(super) async fn put(control: &Control, name: &str, request: Request<Body>) -> Answer {
    let options = options::from_query(request.uri().query().unwrap_or_default())?;
    let options::Options { by: By { who, why }, rollout } = options;
    let upload = Upload { who, why, rollout, ..upload::read(request).await? };
    let deployed = control.deploy(name, upload).await?;
    let status = if deployed.new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(json(status, &deployed))
}

/// What a release is made of.
pub(super) async fn sbom(control: &Control, name: &str, digest: &str) -> Answer {
    let document = control.sbom(name, parse(digest)?).await?;
    Ok(with(StatusCode::OK, document, "application/vnd.cyclonedx+json; version=1.6"))
}

pub(super) async fn delete(control: &Control, name: &str, digest: &str) -> Answer {
    control.delete_release(name, parse(digest)?).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

pub(super) async fn rollback(control: &Control, name: &str, request: Request<Body>) -> Answer {
    let body = receive_json(request.into_body()).await?;
    let (to, by) = body::keys(&body, |section| (section.string("to"), By::read(section)))?;
    let to = to.map(|digest| parse(&digest.value)).transpose()?;
    Ok(json(StatusCode::OK, &control.rollback(name, to, by.parts()).await?))
}

fn parse(digest: &str) -> Result<Digest, Problem> {
    digest.parse().map_err(|error: ostler_core::digest::NotADigest| Problem::invalid(vec![error.to_string()]))
}
