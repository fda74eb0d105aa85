//! A rollout in words.

use serde_json::Value;

use crate::cli::releases::{ago, now_ms};
use crate::cli::say::count;

/// Where it stands, what it was compared by, and what happened.
pub(super) fn status(rollout: &Value) -> String {
    let mut lines = vec![head(rollout)];
    lines.extend(requests(rollout));
    lines.extend(checks(rollout));
    lines.extend(shadow(&rollout["shadow"]));
    let differences = list(&rollout["report"], "differences");
    lines.extend(differences.iter().map(|one| format!("  {}", text(one, "words"))));
    let events = list(rollout, "events");
    lines.extend(events.iter().map(|one| format!("{}  {}", ago(since(one, "at_ms")), event(one))));
    lines.join("\n")
}

/// Where it stands, in one line.
pub(super) fn stand(rollout: &Value) -> String {
    [head(rollout)].into_iter().chain(requests(rollout)).collect::<Vec<_>>().join("; ")
}

/// A line for each rollout.
pub(super) fn table(plugin: &str, value: &Value) -> String {
    let rollouts = list(value, "rollouts");
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
        let back = text(rollout, "state") == "promoted" && rollout["rolled_back_at_ms"].is_u64();
        return if back { format!("{head}, and rolled back") } else { head };
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

/// What the new release has answered in this step; only a canary waits for so many, and counts checks.
fn requests(rollout: &Value) -> Option<String> {
    let answered = count(rollout["requests"].as_u64()?, "request");
    if text(rollout, "strategy") != "canary" {
        return Some(format!("{answered} of the new release"));
    }
    let failed = count(rollout["failed_checks"].as_u64().unwrap_or_default(), "failed check");
    let least = rollout["min_requests"].as_u64().unwrap_or_default();
    Some(format!("{answered} in this step, of at least {least}; {failed}"))
}

/// How the answers to copied requests differ, with the latest examples.
fn shadow(report: &Value) -> Vec<String> {
    let Some(copied) = report["copied"].as_u64() else { return Vec::new() };
    let differ = report["different"].as_object().into_iter().flatten();
    let differ: Vec<_> = differ.map(|(aspect, times)| format!(", {times} differ in {aspect}")).collect();
    let number = |key: &str| report[key].as_u64().unwrap_or_default();
    let (equal, unanswered) = (number("equal"), number("unanswered"));
    let head = format!(
        "  {} copied: {equal} answered alike{}, {unanswered} unanswered",
        count(copied, "request"),
        differ.concat()
    );
    let example = |one: &Value| {
        let what: Vec<_> = list(one, "what").iter().filter_map(Value::as_str).collect();
        let (method, route, aspect) = (text(one, "method"), text(one, "route"), text(one, "aspect"));
        format!("    {method} {route}: {aspect}: {} (request {})", what.join("; "), text(one, "request_id"))
    };
    [head].into_iter().chain(list(report, "examples").iter().map(example)).collect()
}

/// What the last check compared.
fn checks(rollout: &Value) -> Vec<String> {
    let checks = list(&rollout["check"], "checks");
    checks.iter().map(|check| format!("  {:<7} {}", text(check, "outcome"), text(check, "words"))).collect()
}

fn since(value: &Value, key: &str) -> u64 {
    let now = now_ms();
    now.saturating_sub(value[key].as_u64().unwrap_or(now))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default()
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
        let back = json!({ "plugin": "shop", "strategy": "canary", "candidate": "sha256:é", "state": "promoted",
            "ended_at_ms": 1, "rolled_back_at_ms": 2 });
        assert_eq!(head(&back), "shop: canary of sha256:é promoted, and rolled back");
        assert_eq!(table("shop", &json!({ "rollouts": [] })), "shop has had no rollout yet");
    }

    #[test]
    fn a_shadow_and_a_comparison_are_told_with_what_they_have_shown() {
        let shadow = json!({
            "plugin": "shop", "strategy": "shadow", "candidate": "sha256:2cf24dba5fb0a30e", "state": "running", "share": "10%",
            "steps": 1, "ended_at_ms": null, "requests": 3, "min_requests": 100,
            "shadow": { "copied": 4, "equal": 1, "different": { "body": 1, "status": 1 }, "unanswered": 1,
                "examples": [{ "request_id": "ab", "method": "GET", "route": "/a/{b}", "aspect": "body", "what": ["price: gone", "c: new"] }] },
        });
        let told = [
            "shop: shadow of 2cf24dba5fb0 running at 10%",
            "3 requests of the new release",
            "  4 requests copied: 1 answered alike, 1 differ in body, 1 differ in status, 1 unanswered",
            "    GET /a/{b}: body: price: gone; c: new (request ab)",
        ];
        assert_eq!(status(&shadow), told.join("\n"));
        let ab = json!({
            "plugin": "shop", "strategy": "ab", "candidate": "sha256:2cf24dba5fb0a30e", "state": "running", "share": "50%",
            "steps": 1, "ended_at_ms": null, "requests": 1,
            "report": { "differences": [{ "words": "orders by exchange: higher in candidate" }] },
        });
        let told = [
            "shop: ab of 2cf24dba5fb0 running at 50%",
            "1 request of the new release",
            "  orders by exchange: higher in candidate",
        ];
        assert_eq!(status(&ab), told.join("\n"));
    }
}
