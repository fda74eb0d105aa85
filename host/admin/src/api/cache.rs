//! `/v1/cache/purge`.

use http::{Request, StatusCode};
use ostler_core::Body;
use ostler_core::settings::{Node, Problems, Section};
use ostler_services::cache::Purge;

use super::answer::{Answer, Problem, json};
use super::body::receive_json;
use crate::control::Control;

/// Tags or keys of one purge.
const PURGES_MAX: usize = 1_000;

/// Longest tag, key or prefix, in bytes.
const TEXT_MAX: usize = 8_192;

pub(super) async fn purge(control: &Control, request: Request<Body>) -> Answer {
    let asked = receive_json(request.into_body()).await?;
    let purges = read(&asked).map_err(Problem::invalid)?;
    if control.cache().purge(&purges).await {
        return Ok(json(StatusCode::OK, &serde_json::json!({ "purged": true })));
    }
    let detail = "this host has dropped it, but the shared store could not be told, so other hosts may still have it; \
                  send the purge again";
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail))
}

/// What to drop, or all that is wrong with `asked`.
fn read(asked: &serde_json::Value) -> Result<Vec<Purge>, Vec<String>> {
    let problems = Problems::new("purge");
    let node = Node::from_json(asked);
    let mut section = node.section("purge", &problems);
    let mut purges = Vec::new();
    for (key, make) in [("tags", Purge::Tag as fn(String) -> Purge), ("keys", Purge::Key)] {
        let texts = section.strings(key);
        if texts.len() > PURGES_MAX {
            section.problem(
                key,
                format!("{} of them", texts.len()),
                format!("at most {PURGES_MAX}"),
                "send several purges",
            );
        }
        for text in texts {
            purges.push(make(checked(&section, key, text.value)));
        }
    }
    if let Some(prefix) = section.string("prefix") {
        purges.push(Purge::Prefix(checked(&section, "prefix", prefix.value)));
    }
    if section.boolean("all") == Some(true) {
        purges.push(Purge::All);
    }
    section.finish();
    if purges.is_empty() {
        problems.add(
            ostler_core::settings::Severity::Error,
            0,
            "purge",
            "nothing to drop",
            "tags, keys, prefix or all",
            "name what to drop, or write {\"all\": true}",
        );
    }
    let told = problems.into_vec();
    match told.is_empty() {
        true => Ok(purges),
        false => Err(told
            .iter()
            .map(|problem| format!("{}: found {}; allowed: {}", problem.key, problem.found, problem.allowed))
            .collect()),
    }
}

fn checked(section: &Section<'_>, key: &str, text: String) -> String {
    if text.is_empty() || text.len() > TEXT_MAX {
        section.problem(key, format!("{} bytes", text.len()), format!("1 to {TEXT_MAX} bytes"), "");
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_asked_is_read_whole_or_refused_whole() {
        let asked = json!({ "tags": ["a", "b"], "keys": ["h/p"], "prefix": "h/q" });
        let purges = read(&asked).unwrap();
        assert_eq!(purges.len(), 4);
        assert_eq!(purges[3], Purge::Prefix("h/q".into()));
        assert_eq!(read(&json!({ "all": true })).unwrap(), [Purge::All]);
        for bad in [
            json!({}),
            json!({ "all": false }),
            json!({ "tags": "a" }),
            json!({ "tags": [1] }),
            json!({ "tags": [""] }),
            json!({ "tag": ["a"] }),
            json!({ "prefix": "x".repeat(TEXT_MAX + 1) }),
            json!({ "keys": vec!["k"; PURGES_MAX + 1] }),
            json!([]),
            json!(null),
        ] {
            assert!(read(&bad).is_err(), "{bad}");
        }
    }
}
