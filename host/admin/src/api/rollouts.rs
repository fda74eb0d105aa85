//! `/v1/plugins/{name}/rollout` and `/v1/plugins/{name}/rollouts`.

use http::{Request, StatusCode};
use ostler_core::Body;
use ostler_release::ROLLOUTS;

use super::answer::{Answer, Problem, json};
use super::body::receive_json;
use super::options::by;
use crate::control::{Control, Wish};

/// Rollouts that are listed if nothing is said.
const LISTED: usize = 20;

pub(super) async fn get(control: &Control, name: &str) -> Answer {
    Ok(json(StatusCode::OK, &control.rollout(name).await?))
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
    let (who, why) = by(&receive_json(request.into_body()).await?)?;
    Ok(json(StatusCode::OK, &control.steer(name, None, wish, (&who, &why)).await?))
}

fn limit(text: &str) -> Result<usize, Problem> {
    // The ended ones that are kept, and the one under way.
    let most = ROLLOUTS + 1;
    let fits = text.parse().ok().filter(|limit| (1..=most).contains(limit));
    fits.ok_or_else(|| Problem::invalid(vec![format!("limit: a whole number from 1 to {most}")]))
}
