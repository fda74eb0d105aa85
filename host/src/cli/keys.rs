//! `ostler keys`: API keys that a running host takes.

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};

use super::remote::Remote;
use super::{Failure, say};

/// Make, list, rotate and revoke API keys
///
/// A key is shown once, when it is made or rotated: the host keeps only a keyed hash of it. Routes take keys with `auth`
/// naming an [auth.NAME] of kind = "api-key".
#[derive(Debug, Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_long_help = "Example:\n  ostler keys create billing --role reader --scope orders:read --life 90d\n  ostler keys list\n  \
                       ostler keys rotate 3sWn0hTQx7Lc --grace 1h\n  ostler keys revoke 3sWn0hTQx7Lc"
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
                let words = table(&value);
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
        };
        if self.json { say::json(&value) } else { say::line(words) }
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

fn table(value: &Value) -> String {
    let keys = value["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    if keys.is_empty() {
        return "there are no keys yet; `ostler keys create NAME` makes one".to_owned();
    }
    keys.iter().map(row).collect::<Vec<_>>().join("\n")
}

fn row(key: &Value) -> String {
    let text = |name: &str| key[name].as_str().unwrap_or("?");
    let day = |name: &str| key[name].as_i64().map_or_else(|| "never".to_owned(), day_of);
    let list = |name: &str| {
        let items = key[name].as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
    };
    let state = match (key["revoked_ms"].is_null(), key["expires_ms"].as_i64()) {
        (false, _) => "revoked".to_owned(),
        (true, Some(expires)) => format!("until {}", day_of(expires)),
        (true, None) => "no end".to_owned(),
    };
    format!(
        "{}  {:<16}  {state:<16}  used {:<10}  {} {} {}",
        text("id"),
        text("name"),
        day("used_ms"),
        text("authenticator"),
        text("subject"),
        [list("roles"), list("scopes")].join(" "),
    )
    .trim_end()
    .to_owned()
}

/// The day of a time, as `2026-11-24` (civil calendar from days, after Howard Hinnant's `civil_from_days`).
fn day_of(unix_ms: i64) -> String {
    let days = unix_ms.div_euclid(86_400_000) + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_told_as_calendars_do() {
        for (unix_ms, day) in [
            (0, "1970-01-01"),
            (951_782_400_000, "2000-02-29"),
            (1_795_478_400_000, "2026-11-24"),
            (4_107_542_400_000, "2100-03-01"),
        ] {
            assert_eq!(day_of(unix_ms), day);
        }
    }

    #[test]
    fn keys_are_a_table_without_secrets() {
        let value = json!({ "keys": [
            { "id": "AAAAAAAAAAAA", "name": "n", "authenticator": "keys", "subject": "s", "roles": ["r"], "scopes": ["a:b"],
              "revoked_ms": null, "expires_ms": 0, "used_ms": null },
            { "id": "BBBBBBBBBBBB", "name": "m", "authenticator": "keys", "subject": "s", "roles": [], "scopes": [],
              "revoked_ms": 1, "expires_ms": null, "used_ms": 0 },
        ]});
        let told = table(&value);
        assert!(told.starts_with("AAAAAAAAAAAA  n                 until 1970-01-01"), "{told}");
        assert!(told.contains("used never"), "{told}");
        assert!(told.contains("\nBBBBBBBBBBBB  m                 revoked"), "{told}");
        assert!(table(&json!({ "keys": [] })).contains("ostler keys create"));
    }

    #[test]
    fn a_whole_key_in_place_of_its_id_is_refused_unrepeated() {
        let failure = key_path("ok_AAAAAAAAAAAA_secret").unwrap_err();
        assert!(!failure.error.contains("secret") && failure.repair.contains("keys list"));
        assert_eq!(key_path("AAAAAAAAAAAA").unwrap(), "/v1/keys/AAAAAAAAAAAA");
    }
}
