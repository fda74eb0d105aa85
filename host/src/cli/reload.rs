//! `ostler reload`: a running host reads its configuration file again.

use clap::Args;
use http::Method;

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
        self.remote.call(Method::POST, "/v1/reload", "")?;
        say::line("the configuration is reloaded");
        Ok(())
    }
}
