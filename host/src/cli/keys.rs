//! `ostler keys`: API keys that a running host takes, and keys that sign releases.

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};

use super::releases::{ago, now_ms, span};
use super::remote::Remote;
use super::{Failure, say};

mod signing;

/// Make, list, rotate and revoke API keys; sign releases
///
/// A key is shown once, when it is made or rotated: the host keeps only a keyed hash of it. Routes take keys with `auth`
/// naming an [auth.NAME] of kind = "api-key".
///
/// Keys that sign releases are files (minisign's format), of which hosts are told the public half: [admission.keys.NAME].
#[derive(Debug, Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_long_help = "Example:\n  ostler keys create billing --role reader --scope orders:read --life 90d\n  ostler keys list\n  \
                       ostler keys rotate 3sWn0hTQx7Lc --grace 1h\n  ostler keys revoke 3sWn0hTQx7Lc\n  \
                       ostler keys generate-signing ci\n  ostler keys sign hello.wasm --key ci.key --expires 90d"
)]
pub(super) struct Keys {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    remote: Remote,
    /// Print the host's answer as JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a key and show it, once
    Create(Create),
    /// List all keys, without their secrets
    List,
    /// Give a key a new secret and show it, once
    Rotate {
        /// Id of the key, as `ostler keys list` shows it
        id: String,
        /// How long the old secret stays good, as "1h" or "0s" [default: 24h]
        #[arg(long, value_name = "DURATION")]
        grace: Option<String>,
    },
    /// End a key for ever
    Revoke {
        /// Id of the key
        id: String,
    },
    /// Make a key pair that signs releases
    GenerateSigning(signing::GenerateSigning),
    /// Sign a component, for hosts that know the key
    Sign(signing::Sign),
}

#[derive(Debug, Args)]
struct Create {
    /// What the key is for
    name: String,
    /// NAME of the [auth.NAME] that takes it [default: the only one there is]
    #[arg(long, value_name = "NAME")]
    authenticator: Option<String>,
    /// Whom requests with it come from [default: the key itself]
    #[arg(long)]
    subject: Option<String>,
    /// Tenant it belongs to
    #[arg(long)]
    tenant: Option<String>,
    /// A role it has; may be given several times
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// A scope it has; may be given several times
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// How long it lives, as "90d" [default: until it is revoked]
    #[arg(long, value_name = "DURATION")]
    life: Option<String>,
}

impl Keys {
    pub(super) fn run(self) -> Result<(), Failure> {
        let call = |method, path: &str, body: &Value| {
            let body = if body.is_null() { String::new() } else { body.to_string() };
            self.remote.call(method, path, body).map(|answer| answer.value)
        };
        let (value, words) = match &self.what {
            What::Create(create) => {
                let value = call(Method::POST, "/v1/keys", &create.body())?;
                let words = shown(&value, "is made");
                (value, words)
            }
            What::List => {
                let value = call(Method::GET, "/v1/keys", &Value::Null)?;
                let words = table(&value, now_ms());
                (value, words)
            }
            What::Rotate { id, grace } => {
                let path = format!("{}/rotate", key_path(id)?);
                let value = call(Method::POST, &path, &present([("grace", json!(grace))]))?;
                let words = shown(&value, "has a new secret");
                (value, words)
            }
            What::Revoke { id } => {
                let value = call(Method::DELETE, &key_path(id)?, &Value::Null)?;
                let words = format!("{id} is revoked");
                (value, words)
            }
            What::GenerateSigning(signing) => signing.run()?,
            What::Sign(sign) => sign.run()?,
        };
        if self.json {
            say::json(&value)
        } else {
            say::line(words)
        }
        Ok(())
    }
}

impl Create {
    fn body(&self) -> Value {
        present([
            ("name", json!(self.name)),
            ("authenticator", json!(self.authenticator)),
            ("subject", json!(self.subject)),
            ("tenant", json!(self.tenant)),
            ("roles", json!(self.roles)),
            ("scopes", json!(self.scopes)),
            ("life", json!(self.life)),
        ])
    }
}

/// An object of those that are there.
fn present<const N: usize>(members: [(&str, Value); N]) -> Value {
    let members = members.into_iter().filter(|(_, value)| !value.is_null());
    members.map(|(key, value)| (key.to_owned(), value)).collect::<serde_json::Map<_, _>>().into()
}

/// Path of a key in the API.
fn key_path(id: &str) -> Result<String, Failure> {
    if !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(format!("/v1/keys/{id}"));
    }
    let repair = "name the id that `ostler keys list` shows: the part between `ok_` and the second `_`";
    // What looks like a whole key is not repeated: terminals and CI keep what is printed.
    Err(Failure::new("that is no id of a key", repair))
}

fn shown(value: &Value, what: &str) -> String {
    let text = |key: &str| value[key].as_str().unwrap_or("?");
    format!("{}\n{} ({}) {what}; the line above is shown this once", text("key"), text("id"), text("name"))
}

fn table(value: &Value, now_ms: u64) -> String {
    let keys = value["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    if keys.is_empty() {
        return "there are no keys yet; `ostler keys create NAME` makes one".to_owned();
    }
    keys.iter().map(|key| row(key, now_ms)).collect::<Vec<_>>().join("\n")
}

fn row(key: &Value, now_ms: u64) -> String {
    let text = |name: &str| key[name].as_str().unwrap_or("?");
    let used = key["used_ms"].as_u64().map(|used| ago(now_ms.saturating_sub(used)));
    let used = used.map_or_else(|| "never used".to_owned(), |ago| format!("used {}", ago.trim()));
    let state = match (key["revoked_ms"].is_null(), key["expires_ms"].as_u64()) {
        (false, _) => "revoked".to_owned(),
        (true, Some(expires)) if expires <= now_ms => "expired".to_owned(),
        (true, Some(expires)) => format!("{} left", span(expires - now_ms)),
        (true, None) => "no end".to_owned(),
    };
    let list = |name: &str| key[name].as_array().map(Vec::as_slice).unwrap_or_default().iter();
    let may: Vec<_> = list("roles").chain(list("scopes")).filter_map(Value::as_str).collect();
    let (id, name, authenticator, subject) =
        (text("id"), text("name"), text("authenticator"), text("subject"));
    format!("{id}  {state:<9}  {used:<13}  {authenticator}  {name}  {subject}  {}", may.join(","))
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_a_table_without_secrets() {
        let value = json!({ "keys": [
            { "id": "AAAAAAAAAAAA", "name": "n", "authenticator": "keys", "subject": "s", "roles": ["r"], "scopes": ["a:b"],
              "revoked_ms": null, "expires_ms": 180_000_001, "used_ms": null },
            { "id": "BBBBBBBBBBBB", "name": "m", "authenticator": "keys", "subject": "s", "roles": [], "scopes": [],
              "revoked_ms": 1, "expires_ms": null, "used_ms": 0 },
        ]});
        let told = table(&value, 7_200_000);
        let first = "AAAAAAAAAAAA  2d left    never used     keys  n  s  r,a:b";
        assert_eq!(told, format!("{first}\nBBBBBBBBBBBB  revoked    used 2h ago    keys  m  s"));
        assert!(table(&json!({ "keys": [] }), 0).contains("ostler keys create"));
    }

    #[test]
    fn a_whole_key_in_place_of_its_id_is_refused_unrepeated() {
        let failure = key_path("ok_AAAAAAAAAAAA_secret").unwrap_err();
        assert!(!failure.error.contains("secret") && failure.repair.contains("keys list"));
        assert_eq!(key_path("AAAAAAAAAAAA").unwrap(), "/v1/keys/AAAAAAAAAAAA");
    }
}
