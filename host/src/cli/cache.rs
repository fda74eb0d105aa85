//! `ostler cache`: what a running host has kept, dropped.

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};

use super::remote::Remote;
use super::{Failure, say};

/// Drop answers that a running host has kept
///
/// All hosts that share a Redis drop them too.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  ostler cache purge --tag orders --tag order-7\n  ostler cache purge --key 'shop.example.com/orders?page=2'\n  ostler cache purge --prefix shop.example.com/orders\n  ostler cache purge --all"
)]
pub(super) struct Cache {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Purge(Purge),
}

/// Drop kept answers by tag, key or prefix
///
/// A key is host, path and query, as `shop.example.com/orders?page=2`; a prefix is the beginning of one.
#[derive(Debug, Args)]
struct Purge {
    /// Answers that name this tag in `cache-tag`; may be repeated
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Answers at this key, all variants; may be repeated
    #[arg(long = "key", value_name = "KEY")]
    keys: Vec<String>,
    /// Answers whose key begins so
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// All answers, and the values that plugins have put into their caches
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    remote: Remote,
    /// Print the host's answer as JSON
    #[arg(long)]
    json: bool,
}

impl Cache {
    pub(super) fn json(&self) -> bool {
        let Command::Purge(purge) = &self.command;
        purge.json
    }

    pub(super) fn run(self) -> Result<(), Failure> {
        let Command::Purge(purge) = self.command;
        purge.run()
    }
}

impl Purge {
    fn run(self) -> Result<(), Failure> {
        let named = !self.tags.is_empty() || !self.keys.is_empty() || self.prefix.is_some();
        if !named && !self.all {
            let repair = "name it with --tag, --key or --prefix, or write --all";
            return Err(Failure::new("nothing was named that is to be dropped", repair));
        }
        let mut asked = json!({});
        let texts = [("tags", &self.tags), ("keys", &self.keys)];
        for (name, list) in texts.into_iter().filter(|(_, list)| !list.is_empty()) {
            asked[name] = list.clone().into();
        }
        if let Some(prefix) = self.prefix {
            asked["prefix"] = prefix.into();
        }
        if self.all {
            asked["all"] = Value::Bool(true);
        }
        let answer = self.remote.call(Method::POST, "/v1/cache/purge", asked.to_string())?;
        match self.json {
            true => say::json(&answer.value),
            false => say::line("dropped"),
        }
        Ok(())
    }
}
