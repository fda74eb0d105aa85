//! The description of rollouts, and of what a deployment says of its own.

use serde_json::{Value, json};

use super::{who, why};

/// What may be said in the query of a deployment, before what the plugin's definition says.
pub(super) fn options() -> Value {
    let text = |words: &str| json!({ "type": "string", "description": words });
    let number = |words: &str| json!({ "type": "number", "description": words });
    let whole = |words: &str| json!({ "type": "integer", "minimum": 1, "description": words });
    let query = [
        ("strategy", json!({ "enum": ["instant", "blue-green", "canary", "shadow", "ab"] })),
        ("keep", text("How long the old release stays ready, as 10m.")),
        ("steps", text("Shares of a canary, rising, with commas between: 1,5,25,50,100 or 0.1%,1%.")),
        ("share", text("Share of a comparison, or of the requests that are copied, as 10%.")),
        ("interval", text("Least time for a step of a canary, as 60s.")),
        ("min_requests", whole("Requests that the new release must have answered in a step.")),
        (
            "sticky",
            text("What keeps a user with one release: principal, address, cookie:NAME or header:NAME."),
        ),
        ("testers", text("Permission of principals who choose by x-ostler-release.")),
        ("rules", text("Requests that always go to one of the two: the list as JSON.")),
        (
            "unsafe_methods",
            json!({ "type": "boolean", "description": "Whether a shadow is sent requests of unsafe methods." }),
        ),
        ("analysis", text("The table as JSON, in place of its keys below.")),
        ("analysis.every", text("Time between checks, as 5s.")),
        ("analysis.failures", whole("Failed checks that withdraw the release.")),
        ("analysis.significance", number("Chance that a check fails although nothing is wrong.")),
        (
            "analysis.error_rate",
            number("Errors beyond the old release's that are borne, as part of all requests."),
        ),
        ("analysis.p50", number("How many times the old release's median is borne.")),
        ("analysis.p99", number("How many times the old release's 99th percentile is borne.")),
        ("analysis.memory", number("How many times the old release's memory is borne.")),
        ("analysis.metrics", text("Metrics that the plugin reports, and their bounds: the list as JSON.")),
        ("who", who()),
        ("why", why()),
    ];
    let parameter = |(name, schema): (&str, Value)| json!({ "name": name, "in": "query", "schema": schema });
    query.into_iter().map(parameter).collect()
}

/// A rollout among others, which is shown without its events.
pub(super) fn line() -> Value {
    let mut line = schema();
    if let Some(properties) = line["properties"].as_object_mut() {
        properties.remove("events");
    }
    line
}

/// A release that takes over.
pub(super) fn schema() -> Value {
    let (text, whole) = (json!({ "type": "string" }), json!({ "type": "integer" }));
    let (maybe_object, maybe_whole) =
        (json!({ "type": ["object", "null"] }), json!({ "type": ["integer", "null"] }));
    let event = json!({ "type": "object", "properties": {
        "at_ms": whole, "who": text, "what": text, "why": text, "evidence": maybe_object } });
    json!({ "type": "object", "properties": {
        "plugin": text, "id": whole, "strategy": { "enum": ["instant", "blue-green", "canary", "shadow", "ab"] },
        "state": { "enum": ["running", "holding", "paused", "promoted", "aborted", "withdrawn", "superseded"] },
        "stable": { "type": ["string", "null"] }, "candidate": text, "share": text, "step": whole, "steps": whole,
        "step_since_ms": whole, "requests": { "type": ["integer", "null"] }, "min_requests": whole, "failed_checks": whole,
        "started_at_ms": whole, "ended_at_ms": maybe_whole, "rolled_back_at_ms": maybe_whole, "spec": { "type": "object" },
        "figures": { "type": ["array", "null"], "items": { "type": "object" } }, "check": maybe_object, "shadow": maybe_object, "report": maybe_object,
        "events": { "type": "array", "items": event } } })
}

#[cfg(test)]
mod tests {
    use ostler_core::rollout::{RolloutSpec, Share};

    use super::*;

    #[test]
    fn every_key_of_a_rollout_is_described_as_a_parameter_of_a_deployment() {
        let described = options();
        let described: Vec<_> =
            described.as_array().unwrap().iter().filter_map(|parameter| parameter["name"].as_str()).collect();
        let (share, testers) = (Some(Share::ALL), Some("may".to_owned()));
        let spec = RolloutSpec { share, testers, ..RolloutSpec::default() }.to_json();
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let nested = keys(&spec["analysis"]).into_iter().map(|key| format!("analysis.{key}"));
        for key in keys(&spec).into_iter().chain(nested).chain(["who".into(), "why".into()]) {
            assert!(described.contains(&key.as_str()), "{key} is not described");
        }
    }
}
