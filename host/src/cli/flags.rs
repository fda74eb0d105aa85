//! `ostler flags`: feature flags of a running host.

mod show;

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use http::Method;
use ostler_core::when::is_flag_key;
use serde_json::{Value, json};

use super::by::By;
use super::releases::now_ms;
use super::remote::Remote;
use super::{Failure, say};

/// Largest definition that is read from a file or from standard input, in bytes.
const DEFINITION_MAX: u64 = 128 << 10;

/// List, set, toggle, roll back and try feature flags
///
/// What is set here stands over what files of [flags] define, and counts from the next request on. A definition is one flag as
/// flagd writes it.
#[derive(Debug, Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_long_help = "Example:\n  ostler flags list\n  ostler flags set new-checkout new-checkout.json --why 'ticket 17'\n  \
                       ostler flags toggle new-checkout --off --why 'errors in checkout'\n  ostler flags history new-checkout\n  \
                       ostler flags rollback new-checkout --to 3\n  \
                       ostler flags evaluate new-checkout --context '{\"targetingKey\": \"ada\"}'"
)]
pub(super) struct Flags {
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
    /// List all flags
    List,
    /// Show one flag with its definition
    Get {
        /// Key of the flag
        key: String,
    },
    /// Define a flag
    Set {
        /// Key of the flag
        key: String,
        /// File with its definition, or - for standard input
        file: PathBuf,
        #[command(flatten)]
        change: Change,
    },
    /// Switch a flag on or off
    Toggle {
        /// Key of the flag
        key: String,
        /// Switch it on, whatever it is [default: the other than now]
        #[arg(long, conflicts_with = "off")]
        on: bool,
        /// Switch it off, whatever it is
        #[arg(long)]
        off: bool,
        #[command(flatten)]
        change: Change,
    },
    /// List the changes of a flag, the latest first
    History {
        /// Key of the flag
        key: String,
    },
    /// Define a flag as it was at an earlier version
    Rollback {
        /// Key of the flag
        key: String,
        /// The version, as `ostler flags history` shows it [default: the one before the last]
        #[arg(long, value_name = "VERSION")]
        to: Option<u64>,
        #[command(flatten)]
        change: Change,
    },
    /// Take a definition away; that of a file counts again
    Delete {
        /// Key of the flag
        key: String,
        #[command(flatten)]
        change: Change,
    },
    /// Try what a flag says of a context
    Evaluate {
        /// Key of the flag
        key: String,
        /// The context, a JSON object
        #[arg(long, value_name = "JSON", default_value = "{}")]
        context: String,
    },
}

#[derive(Debug, Args)]
struct Change {
    #[command(flatten)]
    by: By,
    /// Refuse the change unless the flag is at this version; 0 for one that nobody has set yet
    #[arg(long = "if-version", value_name = "VERSION")]
    version: Option<u64>,
}

impl Flags {
    pub(super) fn run(self) -> Result<(), Failure> {
        let call = |method, path: &str, body: Value| {
            let body = if body.is_null() { String::new() } else { body.to_string() };
            self.remote.call(method, path, body).map(|answer| answer.value)
        };
        let (value, words) = match &self.what {
            What::List => {
                let value = call(Method::GET, "/v1/flags", Value::Null)?;
                let words = show::table(&value, now_ms());
                (value, words)
            }
            What::Get { key } => {
                let value = call(Method::GET, &path(key, "")?, Value::Null)?;
                let words = show::flag(&value, now_ms());
                (value, words)
            }
            What::Set { key, file, change } => {
                let body = change.body(("definition", definition(file)?));
                let value = call(Method::PUT, &path(key, "")?, body)?;
                let words = format!("{key} is set, version {}", value["version"]);
                (value, words)
            }
            What::Toggle { key, on, off, change } => {
                let enabled = if *on || *off { json!(on) } else { Value::Null };
                let value = call(Method::POST, &path(key, "/toggle")?, change.body(("enabled", enabled)))?;
                let state = value["definition"]["state"].as_str().unwrap_or("?");
                let words = format!("{key} is {state}, version {}", value["version"]);
                (value, words)
            }
            What::History { key } => {
                let value = call(Method::GET, &path(key, "/history")?, Value::Null)?;
                let words = show::history(&value, now_ms());
                (value, words)
            }
            What::Rollback { key, to, change } => {
                let value = call(Method::POST, &path(key, "/rollback")?, change.body(("to", json!(to))))?;
                let words = format!("{key} is rolled back, version {}", value["version"]);
                (value, words)
            }
            What::Delete { key, change } => {
                let value = call(
                    Method::DELETE,
                    &path(key, "")?,
                    change.by.body([("version", json!(change.version))]),
                )?;
                let words = format!("{key} is taken away, version {}", value["version"]);
                (value, words)
            }
            What::Evaluate { key, context } => {
                let context: Value = serde_json::from_str(context).map_err(|error| {
                    Failure::new(
                        format!("the context is not JSON: {error}"),
                        "write it as '{\"targetingKey\": \"ada\"}'",
                    )
                })?;
                let value = call(Method::POST, &path(key, "/evaluate")?, json!({ "context": context }))?;
                let words = show::said(&value);
                (value, words)
            }
        };
        if self.json {
            say::json(&value)
        } else {
            say::line(words)
        }
        Ok(())
    }
}

impl Change {
    /// The body of a change, which may say one thing more.
    fn body(&self, (key, value): (&str, Value)) -> Value {
        self.by.body([("version", json!(self.version)), (key, value)])
    }
}

/// Path of a flag in the API, with what follows its key.
fn path(key: &str, rest: &str) -> Result<String, Failure> {
    if is_flag_key(key) {
        return Ok(format!("/v1/flags/{}{rest}", key.replace('/', "%2F")));
    }
    Err(Failure::new(format!("{key:?} is no flag's key"), "write 1 to 128 of A-Z, a-z, 0-9, -, _, . and /"))
}

/// The JSON in `file`, or on standard input.
fn definition(file: &Path) -> Result<Value, Failure> {
    let (mut bytes, shown) = (Vec::new(), file.display());
    let read = if file == Path::new("-") {
        std::io::stdin().take(DEFINITION_MAX).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(DEFINITION_MAX).read_to_end(&mut bytes))
    };
    let repair = "name a file with one flag: {\"state\": \"ENABLED\", \"variants\": {\"on\": true, \"off\": false}, \
                  \"defaultVariant\": \"off\"}";
    read.map_err(|error| Failure::new(format!("{shown} cannot be read: {error}"), repair))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Failure::new(format!("{shown} is not JSON: {error}"), repair))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_paths_and_what_is_no_key_is_refused() {
        assert_eq!(path("shop/new", "/toggle").unwrap(), "/v1/flags/shop%2Fnew/toggle");
        for broken in ["", "a b", "a?b", "ü", "../x#"] {
            assert!(path(broken, "").is_err(), "{broken}");
        }
    }
}
