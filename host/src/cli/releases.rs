//! `ostler releases`: what a plugin could be rolled back to.

use std::time::{Duration, SystemTime};

use clap::Args;
use http::Method;
use serde_json::Value;

use super::remote::{Remote, plugin_path};
use super::{Failure, say};

/// List a plugin's releases
///
/// Each with its digest, size, handler, and when it was last made live; `*` marks the live one.
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
        let answer = self.remote.call(Method::GET, &path, "")?;
        if self.json {
            say::json(&answer.value)
        } else {
            say::line(words(&self.plugin, &answer.value, now_ms()))
        }
        Ok(())
    }
}

fn words(plugin: &str, value: &Value, now_ms: u64) -> String {
    let releases = value["releases"].as_array().map(Vec::as_slice).unwrap_or_default();
    if releases.is_empty() {
        return format!("{plugin} has no release yet; `ostler deploy {plugin} FILE.wasm` uploads one");
    }
    releases.iter().map(|release| row(release, now_ms)).collect::<Vec<_>>().join("\n")
}

fn row(release: &Value, now_ms: u64) -> String {
    let live = if release["live"] == true { '*' } else { ' ' };
    let text = |key: &str| release[key].as_str().unwrap_or("?");
    let size = say::size(release["size"].as_u64().unwrap_or_default());
    let since = release["activated_at_ms"].as_u64().unwrap_or(now_ms);
    format!(
        "{live} {}  {size:>9}  {}  {}",
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
    fn releases_are_a_table_with_the_live_one_marked() {
        let value = serde_json::json!({ "releases": [
            { "digest": "sha256:bb", "size": 2048, "handler": "typed", "activated_at_ms": 95_000, "live": true },
            { "digest": "sha256:aa", "size": 10, "handler": "typed", "activated_at_ms": 0, "live": false },
        ]});
        let told = "* sha256:bb     2.0KiB    5s ago  typed\n  sha256:aa        10B    1m ago  typed";
        assert_eq!(words("hello", &value, 100_000), told);
    }

    #[test]
    fn a_plugin_without_releases_says_how_to_get_one() {
        let words = words("hello", &serde_json::json!({ "releases": [] }), 0);
        assert!(words.contains("ostler deploy hello"), "{words}");
    }
}
