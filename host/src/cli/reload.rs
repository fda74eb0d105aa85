//! `ostler reload`: a running host reads its configuration file again.

use clap::Args;
use http::Method;
use serde_json::Value;

use super::remote::Remote;
use super::{Failure, say};

/// Have a running host read its configuration file again
///
/// The same as SIGHUP, but it says how it went. A file with errors changes nothing: the host keeps what it has, and all
/// problems of the new file are told.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  ostler reload --token-file state/admin.token")]
pub(super) struct Reload {
    #[command(flatten)]
    remote: Remote,
}

impl Reload {
    pub(super) fn run(self) -> Result<(), Failure> {
        let answer = self.remote.call(Method::POST, "/v1/reload", "")?;
        for warning in answer.value["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            say::aside(warning);
        }
        say::line("the configuration is reloaded");
        Ok(())
    }
}
