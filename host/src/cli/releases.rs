//! `ostler releases`: what a plugin could be rolled back to.

use std::time::{Duration, SystemTime};

use clap::Args;
use http::Method;
use serde_json::Value;

use super::remote::{Remote, plugin_path};
use super::{Failure, say};

/// List a plugin's releases
///
/// Each with its digest, size, handler, and when it was last made live; `*` marks the live one, `>` the one that takes over
/// from it. Below each stands what the gates said of it; at the end come uploads that were refused, the latest first.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  ostler releases hello")]
pub(super) struct Releases {
    /// Name of the plugin
    plugin: String,
    #[command(flatten)]
    remote: Remote,
    /// Print the host's answer as JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl Releases {
    pub(super) fn run(self) -> Result<(), Failure> {
        let path = format!("{}/releases", plugin_path(&self.plugin)?);
        let answer = self.remote.call(Method::GET, &path, "")?.value;
        if self.json {
            say::json(&answer);
            return Ok(());
        }
        let none = answer["releases"].as_array().is_none_or(Vec::is_empty);
        let plugin = if none {
            self.remote.call(Method::GET, &plugin_path(&self.plugin)?, "")?.value
        } else {
            Value::Null
        };
        match plugin["path"].as_str() {
            Some(file) => say::line(format_args!("the file {file} is the release of {}", self.plugin)),
            None => say::line(words(&self.plugin, &answer, now_ms())),
        }
        Ok(())
    }
}

fn words(plugin: &str, value: &Value, now_ms: u64) -> String {
    let releases = value["releases"].as_array().map(Vec::as_slice).unwrap_or_default();
    if releases.is_empty() && refused(value, now_ms).is_empty() {
        return format!("{plugin} has no release yet; `ostler deploy {plugin} FILE.wasm` uploads one");
    }
    let rows = releases.iter().flat_map(|release| [row(release, now_ms)].into_iter().chain(gates(release)));
    rows.chain(refused(value, now_ms)).collect::<Vec<_>>().join("\n")
}

/// What the gates said, a line each.
fn gates(release: &Value) -> Vec<String> {
    let findings = release["admission"].as_array().map(Vec::as_slice).unwrap_or_default();
    let line = |finding: &Value| {
        let text = |key: &str| finding[key].as_str().unwrap_or("?");
        let said = if finding["passed"] == true { "passed" } else { "refused" };
        format!("    {:<9}  {said:<7}  {}", text("gate"), text("detail"))
    };
    findings.iter().map(line).collect()
}

/// Uploads that are no releases, with their reasons.
fn refused(value: &Value, now_ms: u64) -> Vec<String> {
    let refused = value["refused"].as_array().map(Vec::as_slice).unwrap_or_default();
    let lines = refused.iter().flat_map(|one| {
        let since = one["at_ms"].as_u64().unwrap_or(now_ms);
        let digest = one["digest"].as_str().unwrap_or("?");
        let head = format!("x {digest}  refused {}", ago(now_ms.saturating_sub(since)).trim_start());
        [head].into_iter().chain(gates(one))
    });
    lines.collect()
}

fn row(release: &Value, now_ms: u64) -> String {
    let mark = match (&release["live"], &release["candidate"]) {
        (Value::Bool(true), _) => '*',
        (_, Value::Bool(true)) => '>',
        _ => ' ',
    };
    let text = |key: &str| release[key].as_str().unwrap_or("?");
    let size = say::size(release["size"].as_u64().unwrap_or_default());
    // One that was never live has no time at which it became so.
    let at = |key: &str| release[key].as_u64().unwrap_or_default();
    let since = at("activated_at_ms").max(at("created_at_ms"));
    format!(
        "{mark} {}  {size:>9}  {}  {}",
        text("digest"),
        ago(now_ms.saturating_sub(since)),
        text("handler")
    )
}

pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn ago(ms: u64) -> String {
    format!("{:>8}", format!("{} ago", span(ms)))
}

/// A time in its largest unit: `3h`.
pub(super) fn span(ms: u64) -> String {
    let seconds = ms / 1_000;
    let (number, unit) = match seconds {
        0..60 => (seconds, "s"),
        60..3_600 => (seconds / 60, "m"),
        3_600..86_400 => (seconds / 3_600, "h"),
        _ => (seconds / 86_400, "d"),
    };
    format!("{number}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_a_table_with_the_live_one_and_its_successor_marked() {
        let value = serde_json::json!({ "releases": [
            { "digest": "sha256:bb", "size": 2048, "handler": "typed", "activated_at_ms": 95_000, "live": true },
            { "digest": "sha256:cc", "size": 10, "handler": "typed", "activated_at_ms": 0, "live": false, "candidate": true },
            { "digest": "sha256:aa", "size": 10, "handler": "typed", "activated_at_ms": 0, "live": false },
        ]});
        let told = "* sha256:bb     2.0KiB    5s ago  typed\n> sha256:cc        10B    1m ago  typed\n  sha256:aa        10B    1m ago  typed";
        assert_eq!(words("hello", &value, 100_000), told);
    }

    #[test]
    fn what_the_gates_said_stands_below_each_and_refusals_at_the_end() {
        let finding = |gate: &str, passed: bool, detail: &str| serde_json::json!({ "gate": gate, "passed": passed, "detail": detail, "took_ms": 1 });
        let value = serde_json::json!({
            "releases": [{ "digest": "sha256:bb", "size": 1, "handler": "typed", "activated_at_ms": 0, "live": true,
                "admission": [finding("artifact", true, "fine")] }],
            "refused": [{ "digest": "sha256:cc", "at_ms": 1_000, "admission": [finding("signature", false, "none")] }],
        });
        let told = "* sha256:bb         1B    3s ago  typed\n    artifact   passed   fine\n\
                    x sha256:cc  refused 2s ago\n    signature  refused  none";
        assert_eq!(words("hello", &value, 3_000), told);
    }

    #[test]
    fn a_plugin_without_releases_says_how_to_get_one() {
        let words = words("hello", &serde_json::json!({ "releases": [] }), 0);
        assert!(words.contains("ostler deploy hello"), "{words}");
    }
}
