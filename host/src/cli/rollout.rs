//! `ostler rollout`: what becomes of a release that takes over, and who decides it.

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};

use super::by::By;
use super::remote::{Remote, plugin_path};
use super::{Failure, say};

mod watch;
mod words;

pub(super) use watch::{judge, until_it_ends};

/// See and steer how a plugin's new release takes over
///
/// A deployment with another strategy than instant begins a rollout. It goes on by itself: a canary grows as long as its
/// checks pass, and is withdrawn if they fail. Each transition is recorded with who made it, when and why.
#[derive(Debug, Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_long_help = "Example:\n  ostler rollout status shop --watch\n  ostler rollout pause shop --why \"looking at the logs\"\n  \
                       ostler rollout resume shop\n  ostler rollout promote shop --who anna\n  ostler rollout abort shop\n  \
                       ostler rollout history shop"
)]
pub(super) struct Rollout {
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
    /// Show the rollout under way, else the one that ended last
    Status {
        /// Name of the plugin
        plugin: String,
        /// Show what happens until it ends; fails if the new release is not live then
        #[arg(long)]
        watch: bool,
    },
    /// Keep the rollout at its step; its checks go on
    Pause(Wish),
    /// Let it go on; the step begins anew
    Resume(Wish),
    /// Make the new release live, whatever the step
    Promote(Wish),
    /// Give the new release up
    Abort(Wish),
    /// List rollouts, the latest first
    History {
        /// Name of the plugin
        plugin: String,
        /// At most so many
        #[arg(long, value_name = "COUNT", default_value_t = 20)]
        limit: usize,
    },
}

#[derive(Debug, Args)]
struct Wish {
    /// Name of the plugin
    plugin: String,
    /// Only if this rollout is under way: its `id`, as `ostler rollout status --json` shows it
    #[arg(long, value_name = "NUMBER")]
    id: Option<i64>,
    #[command(flatten)]
    by: By,
}

impl Rollout {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (value, words) = match &self.what {
            What::Status { plugin, watch: true } => {
                let show = |line: &str| if self.json { say::aside(line) } else { say::line(line) };
                let ended = until_it_ends(&self.remote, plugin, None, show)?;
                if self.json {
                    say::json(&ended);
                }
                return judge(plugin, &ended);
            }
            What::Status { plugin, watch: false } => {
                self.shown(Method::GET, plugin, "rollout", String::new())?
            }
            What::Pause(wish) => self.steer("pause", wish)?,
            What::Resume(wish) => self.steer("resume", wish)?,
            What::Promote(wish) => self.steer("promote", wish)?,
            What::Abort(wish) => self.steer("abort", wish)?,
            What::History { plugin, limit } => {
                let path = format!("{}/rollouts?limit={limit}", plugin_path(plugin)?);
                let value = self.remote.call(Method::GET, &path, "")?.value;
                let words = words::table(plugin, &value);
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

    fn steer(&self, what: &str, wish: &Wish) -> Result<(Value, String), Failure> {
        let body = wish.by.body([("id", json!(wish.id))]);
        self.shown(Method::POST, &wish.plugin, &format!("rollout/{what}"), body.to_string())
    }

    fn shown(
        &self,
        method: Method,
        plugin: &str,
        of: &str,
        body: String,
    ) -> Result<(Value, String), Failure> {
        let path = format!("{}/{of}", plugin_path(plugin)?);
        let value = self.remote.call(method, &path, body)?.value;
        let words = words::status(&value);
        Ok((value, words))
    }
}
