//! `/v1/sessions`: ends what a login began.

use http::StatusCode;
use serde_json::json;

use super::answer::{Answer, Problem, json as answer};
use crate::control::Control;

pub(super) async fn end(control: &Control, query: Option<&str>) -> Answer {
    let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    match (pairs.next(), pairs.next()) {
        (Some((name, subject)), None) if name == "subject" && !subject.is_empty() => {
            Ok(answer(StatusCode::OK, &json!({ "ended": control.end_sessions(&subject).await? })))
        }
        _ => Err(Problem::invalid(vec!["say whose sessions, as ?subject=alice".into()])),
    }
}
