//! `ostler rollback`: an earlier release becomes live again.

use clap::Args;
use http::Method;
use serde_json::json;

use super::remote::{Remote, plugin_path};
use super::{Failure, say};

/// Make an earlier release of a plugin live again
///
/// The one that was live before, or the one named with --to. Requests under way finish on the release they began with. While a
/// rollout is under way, that is aborted: the release before serves again what it gave away.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Example:\n  ostler rollback hello\n  ostler rollback hello --to sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
)]
pub(super) struct Rollback {
    /// Name of the plugin
    plugin: String,
    /// Digest of the release, as `ostler releases` lists it
    #[arg(long, value_name = "DIGEST")]
    to: Option<ostler_core::Digest>,
    /// Who asks, for the record
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
    #[command(flatten)]
    remote: Remote,
    /// Print the host's answer as JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl Rollback {
    pub(super) fn run(self) -> Result<(), Failure> {
        let path = format!("{}/rollback", plugin_path(&self.plugin)?);
        let body =
            json!({ "to": self.to.map(|digest| digest.to_string()), "who": self.who, "why": self.why });
        let answer = self.remote.call(Method::POST, &path, body.to_string())?;
        match self.json {
            true => say::json(&answer.value),
            false => say::line(format_args!(
                "{}: {} is live",
                self.plugin,
                answer.value["digest"].as_str().unwrap_or("?")
            )),
        }
        Ok(())
    }
}
