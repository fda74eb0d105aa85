//! `ostler deploy`: a component becomes the live release of a plugin.

use std::path::PathBuf;

use clap::Args;
use http::{Method, StatusCode};
use ostler_runtime::inspect::inspect;
use serde_json::Value;

use super::inspect::{NO_COMPONENT, component};
use super::remote::{Answer, Remote, plugin_path};
use super::rollout;
use super::{Failure, say};

mod form;
mod progress;
mod takeover;

use form::Attachments;

/// Upload a component and make it a plugin's live release
///
/// The host validates and compiles it while the present release serves; then new requests go to the new one, and those under
/// way finish on the old. No request is lost. With --strategy, or where the plugin's definition says so, it takes over step by
/// step instead; `ostler rollout` shows and steers that. A component the host refuses changes nothing, and every reason is told. A
/// plugin whose definition names a file (`path`) takes no uploads. A step that takes long is shown while it lasts.
///
/// What lies beside the component goes with it, unless it is named: FILE.wasm.minisig (made by `ostler keys sign`),
/// FILE.wasm.sigstore.json, FILE.cdx.json and FILE.requests.toml.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Example:\n  ostler deploy hello target/hello.wasm --token-file state/admin.token\n  \
                       ostler deploy hello hello.wasm --signature hello.minisig --sbom bom.json --approve http\n  \
                       ostler deploy shop shop.wasm --strategy canary --steps 1,10,50 --interval 5m --wait"
)]
pub(super) struct Deploy {
    /// Name of the plugin
    plugin: String,
    /// The component
    #[arg(value_name = "FILE.wasm")]
    file: PathBuf,
    #[command(flatten)]
    attachments: Attachments,
    /// A grant that the release asks for and the live one does not, as "http"; may be given several times
    #[arg(long, value_name = "GRANT")]
    approve: Vec<String>,
    #[command(flatten)]
    takeover: takeover::Takeover,
    /// Show what happens until the rollout ends; fails if the release is not live then
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    remote: Remote,
    /// Print the host's answer as JSON; with --wait, then the rollout as it ended
    #[arg(long)]
    pub(super) json: bool,
}

impl Deploy {
    pub(super) fn run(self) -> Result<(), Failure> {
        let answer = self.answer()?;
        if self.json {
            say::json(&answer.value)
        } else {
            say::line(words(&self.plugin, &answer))
        }
        if !self.wait || answer.value["rollout"]["state"] == "promoted" {
            return Ok(());
        }
        let id = answer.value["rollout"]["id"].as_i64();
        let ended = rollout::until_it_ends(&self.remote, &self.plugin, id, |line| {
            if self.json { say::aside(line) } else { say::line(line) }
        })?;
        if self.json {
            say::json(&ended);
        }
        rollout::judge(&self.plugin, &ended)
    }

    fn answer(&self) -> Result<Answer, Failure> {
        let path = plugin_path(&self.plugin)?;
        let bytes = component(&self.file)?;
        // What is no component at all need not travel. Whether one can run there is the host's to say.
        inspect(&bytes)
            .map_err(|error| Failure::new(format!("{}: {error}", self.file.display()), NO_COMPONENT))?;
        let files = self.attachments.gather(&self.file, |line| show_aside(self.json, line))?;
        let (kind, body) = form::encode(bytes, files, &self.approve);
        // A host that refuses before reading would break off the upload, and its reason would be lost.
        self.remote.call(Method::GET, &path, "")?;
        let upload = format!("{path}/releases{}", self.takeover.query());
        progress::during(
            &self.remote,
            &path,
            |line| show_aside(self.json, line),
            || self.remote.call_with(Method::PUT, &upload, &kind, body.into()),
        )
    }
}

/// A word beside the answer, for people only.
fn show_aside(json: bool, line: &str) {
    if !json {
        say::aside(line);
    }
}

fn words(plugin: &str, answer: &Answer) -> String {
    let value = &answer.value;
    let text = |key: &str| value[key].as_str().unwrap_or("?").to_owned();
    let size = say::size(value["size"].as_u64().unwrap_or_default());
    let how = match answer.status {
        StatusCode::CREATED => {
            let ms = |step: &str| value[step].as_u64().unwrap_or_default();
            let (validate, compile, activate) = (ms("validate_ms"), ms("compile_ms"), ms("activate_ms"));
            let times =
                format!("validated in {validate} ms, compiled in {compile} ms, activated in {activate} ms");
            format!("{size}, {}; {times}", text("handler"))
        }
        _ => format!("{size}, {}; the host had it already", text("handler")),
    };
    let rollout = |key: &str| value["rollout"][key].as_str();
    let stands = match (rollout("strategy"), rollout("share")) {
        (Some("shadow"), Some(share)) => format!("is a shadow of {share} of the requests"),
        (Some(strategy), Some(share)) if rollout("state") != Some("promoted") => {
            format!("serves {share} as {strategy}")
        }
        _ => "is live".to_owned(),
    };
    let mut words = format!("{plugin}: {} {stands} ({how})", text("digest"));
    for warning in value["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        words.push_str(&format!("\nwarning: {warning}"));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_is_told_with_digest_size_and_warnings() {
        let value = serde_json::json!({
            "digest": "sha256:ab", "size": 2048, "handler": "typed",
            "validate_ms": 1, "compile_ms": 12, "activate_ms": 3, "warnings": ["kv is not granted"],
        });
        let created = Answer { status: StatusCode::CREATED, value: value.clone() };
        let told = "hello: sha256:ab is live (2.0KiB, typed; validated in 1 ms, compiled in 12 ms, activated in 3 ms)\nwarning: kv is not granted";
        assert_eq!(words("hello", &created), told);
        let mut canary = value.clone();
        canary["rollout"] = serde_json::json!({ "strategy": "canary", "state": "running", "share": "1%" });
        let told = words("hello", &Answer { status: StatusCode::OK, value: canary });
        assert!(told.starts_with("hello: sha256:ab serves 1% as canary (2.0KiB"), "{told}");
        let known = words("hello", &Answer { status: StatusCode::OK, value });
        assert!(
            known.starts_with("hello: sha256:ab is live (2.0KiB, typed; the host had it already)"),
            "{known}"
        );
    }
}
