//! `/v1/plugins/{name}/rollout`, `/v1/plugins/{name}/rollouts` and `/v1/plugins/{name}/rollouts/{number}`.

use http::{Request, StatusCode};
use ostler_core::Body;
use ostler_release::ROLLOUTS;

use super::answer::{Answer, Problem, json};
use super::body::{self, receive_json};
use super::by::By;
use crate::control::{Control, Wish};

/// Rollouts that are listed if nothing is said.
const LISTED: usize = 20;

pub(super) async fn get(control: &Control, name: &str) -> Answer {
    Ok(json(StatusCode::OK, &control.rollout(name).await?))
}

pub(super) async fn one(control: &Control, name: &str, id: &str) -> Answer {
    let id = id.parse().map_err(|_| Problem::invalid(vec!["a rollout's number is a whole number".into()]))?;
    Ok(json(StatusCode::OK, &control.rollout_of(name, id).await?))
}

pub(super) async fn list(control: &Control, name: &str, query: Option<&str>) -> Answer {
    let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let limit = match pairs.find(|(key, _)| key == "limit") {
        None => LISTED,
        Some((_, text)) => limit(&text)?,
    };
    Ok(json(StatusCode::OK, &serde_json::json!({ "rollouts": control.rollouts(name, limit).await? })))
}

pub(super) async fn steer(control: &Control, name: &str, wish: &str, request: Request<Body>) -> Answer {
    let wish = Wish::parse(wish).ok_or_else(Problem::nothing_here)?;
    let body = receive_json(request.into_body()).await?;
    let (id, by) = body::keys(&body, |section| (section.integer("id", 1..=i64::MAX), By::read(section)))?;
    Ok(json(StatusCode::OK, &control.steer(name, id, wish, by.parts()).await?))
}

fn limit(text: &str) -> Result<usize, Problem> {
    // The ended ones that are kept, and the one under way.
    let most = ROLLOUTS + 1;
    let fits = text.parse().ok().filter(|limit| (1..=most).contains(limit));
    fits.ok_or_else(|| Problem::invalid(vec![format!("limit: a whole number from 1 to {most}")]))
}
