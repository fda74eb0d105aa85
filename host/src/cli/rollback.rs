//! `ostler rollback`: an earlier release becomes live again.

use clap::Args;
use http::Method;
use serde_json::{Value, json};

use super::by::By;
use super::remote::{Remote, plugin_path};
use super::{Failure, say};

/// Make an earlier release of a plugin live again
///
/// The one that was live before, or the one named with --to. Requests under way finish on the release they began with. While a
/// rollout is under way, that is aborted: the release before serves again what it gave away.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Example:\n  ostler rollback hello\n  ostler rollback hello --to 2cf24dba5fb0 --why \"prices are wrong\""
)]
pub(super) struct Rollback {
    /// Name of the plugin
    plugin: String,
    /// Digest of the release, as `ostler releases` lists it, or as much of its beginning as no other has
    #[arg(long, value_name = "DIGEST", value_parser = beginning)]
    to: Option<String>,
    #[command(flatten)]
    by: By,
    #[command(flatten)]
    remote: Remote,
    /// Print the host's answer as JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl Rollback {
    pub(super) fn run(self) -> Result<(), Failure> {
        let path = plugin_path(&self.plugin)?;
        let to = match &self.to {
            Some(to) => {
                let listed = self.remote.call(Method::GET, &format!("{path}/releases"), "")?;
                Some(meant(&self.plugin, to, &listed.value)?)
            }
            None => None,
        };
        let body = self.by.body([("to", json!(to))]);
        let answer = self.remote.call(Method::POST, &format!("{path}/rollback"), body.to_string())?;
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

/// What may be the beginning of a digest.
fn beginning(text: &str) -> Result<String, &'static str> {
    let bare = text.strip_prefix("sha256:").unwrap_or(text);
    match !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => Ok(bare.to_ascii_lowercase()),
        false => Err("a digest has digits and the letters a to f only, behind `sha256:` if that is said"),
    }
}

/// The digest whose digits begin as `beginning` does.
fn meant(plugin: &str, beginning: &str, listed: &Value) -> Result<String, Failure> {
    let releases = listed["releases"].as_array().map(Vec::as_slice).unwrap_or_default();
    let digests = releases.iter().filter_map(|release| release["digest"].as_str());
    let begins = |digest: &&str| digest.trim_start_matches("sha256:").starts_with(beginning);
    match digests.filter(begins).collect::<Vec<_>>().as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => {
            let error = format!("no release of {plugin} begins with {beginning:?}");
            Err(Failure::new(error, format!("write a digest as `ostler releases {plugin}` lists it")))
        }
        several => {
            let error = format!("{} releases of {plugin} begin with {beginning:?}", several.len());
            Err(Failure::new(error, "write more of the digest")
                .because(several.iter().map(ToString::to_string).collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_digest_names_a_release_if_no_other_begins_so() {
        let listed = json!({ "releases": [{ "digest": "sha256:abc1" }, { "digest": "sha256:abd2" }] });
        for text in ["abc", "sha256:ABC", "sha256:abc1"] {
            let digest = meant("p", &beginning(text).unwrap(), &listed).unwrap();
            assert_eq!(digest, "sha256:abc1", "{text}");
        }
        assert_eq!(meant("p", "ab", &listed).unwrap_err().reasons, ["sha256:abc1", "sha256:abd2"]);
        for none in ["b", "abc12"] {
            assert!(meant("p", none, &listed).unwrap_err().repair.contains("ostler releases p"), "{none}");
        }
        for wrong in ["", "sha256:", "x", "0xabc"] {
            assert!(beginning(wrong).is_err(), "{wrong}");
        }
    }
}
