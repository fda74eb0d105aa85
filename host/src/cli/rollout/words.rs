//! A rollout in words.

use serde_json::Value;

use crate::cli::releases::{ago, now_ms};

/// Where it stands, what it was compared by, and what happened.
pub(super) fn status(rollout: &Value) -> String {
    let mut lines = vec![head(rollout)];
    lines.extend(requests(rollout));
    lines.extend(checks(rollout));
    let events = rollout["events"].as_array().map(Vec::as_slice).unwrap_or_default();
    lines.extend(events.iter().map(|one| format!("{}  {}", ago(since(one, "at_ms")), event(one))));
    lines.join("\n")
}

/// A line for each rollout.
pub(super) fn table(plugin: &str, value: &Value) -> String {
    let rollouts = value["rollouts"].as_array().map(Vec::as_slice).unwrap_or_default();
    if rollouts.is_empty() {
        return format!("{plugin} has had no rollout yet");
    }
    let row = |rollout: &Value| format!("{}  {}", ago(since(rollout, "started_at_ms")), head(rollout));
    rollouts.iter().map(row).collect::<Vec<_>>().join("\n")
}

/// `shop: canary of 2cf24dba5fb0 running at 5% (step 2 of 5)`.
pub(super) fn head(rollout: &Value) -> String {
    let (plugin, strategy) = (text(rollout, "plugin"), text(rollout, "strategy"));
    let candidate = text(rollout, "candidate");
    let candidate = candidate.trim_start_matches("sha256:").get(..12).unwrap_or(candidate);
    let head = format!("{plugin}: {strategy} of {candidate} {}", text(rollout, "state"));
    if !rollout["ended_at_ms"].is_null() {
        return head;
    }
    let step = match rollout["steps"].as_u64() {
        Some(steps) if steps > 1 => format!(" (step {} of {steps})", rollout["step"]),
        _ => String::new(),
    };
    format!("{head} at {}{step}", text(rollout, "share"))
}

/// An event: `withdrawn by host: errors ...`.
pub(super) fn event(event: &Value) -> String {
    let why = text(event, "why");
    let because = if why.is_empty() { String::new() } else { format!(": {why}") };
    format!("{} by {}{because}", text(event, "what"), text(event, "who"))
}

fn requests(rollout: &Value) -> Option<String> {
    let answered = rollout["requests"].as_u64()?;
    let failed = rollout["failed_checks"].as_u64().unwrap_or_default();
    let least = rollout["min_requests"].as_u64().unwrap_or_default();
    Some(format!("{answered} requests in this step, of at least {least}; {failed} failed checks"))
}

/// What the last check compared.
fn checks(rollout: &Value) -> Vec<String> {
    let checks = rollout["check"]["checks"].as_array().map(Vec::as_slice).unwrap_or_default();
    checks.iter().map(|check| format!("  {:<7} {}", text(check, "outcome"), text(check, "words"))).collect()
}

fn since(value: &Value, key: &str) -> u64 {
    let now = now_ms();
    now.saturating_sub(value[key].as_u64().unwrap_or(now))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or("?")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rollout_is_told_with_its_checks_and_all_that_happened() {
        let rollout = json!({
            "plugin": "shop", "strategy": "canary", "candidate": "sha256:2cf24dba5fb0a30e", "state": "running",
            "share": "5%", "step": 2, "steps": 5, "ended_at_ms": null, "requests": 12, "min_requests": 100,
            "failed_checks": 0,
            "check": { "checks": [{ "outcome": "pass", "words": "errors: 0 of 12, and 0 of 200" }] },
            "events": [{ "at_ms": now_ms() - 61_000, "who": "anna", "what": "begun", "why": "new prices" },
                { "at_ms": now_ms() - 1_000, "who": "host", "what": "step", "why": "" }],
        });
        let told = [
            "shop: canary of 2cf24dba5fb0 running at 5% (step 2 of 5)",
            "12 requests in this step, of at least 100; 0 failed checks",
            "  pass    errors: 0 of 12, and 0 of 200",
            "  1m ago  begun by anna: new prices",
            "  1s ago  step by host",
        ];
        let told = told.join("\n");
        assert_eq!(status(&rollout), told);
        let ended = json!({ "plugin": "shop", "strategy": "ab", "candidate": "sha256:é", "state": "aborted", "ended_at_ms": 1 });
        assert_eq!(status(&ended), "shop: ab of sha256:é aborted");
        assert_eq!(table("shop", &json!({ "rollouts": [] })), "shop has had no rollout yet");
    }
}
