//! `ostler serve`: the host.

use std::path::PathBuf;

use clap::Args;
use ostler_core::settings::Severity;

use super::{Failure, say};
use crate::assemble;
use crate::config::Config;

/// Run the host
///
/// Serves the plugins and routes of a configuration file until SIGTERM or SIGINT; then it takes no new connections, finishes
/// the requests under way, and exits. SIGHUP reads the file again, and so does a change of the file; a file with errors
/// changes nothing. The first start makes the state folder and the token of the admin API.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  ostler serve -c ostler.toml")]
pub(super) struct Serve {
    /// The configuration file
    #[arg(short, long, value_name = "FILE", default_value = "ostler.toml")]
    config: PathBuf,
}

impl Serve {
    pub(super) fn run(self) -> Result<(), Failure> {
        serve(load(&self.config)?)
    }
}

/// A configuration to serve; warnings are told, errors end it.
pub(super) fn load(file: &std::path::Path) -> Result<Config, Failure> {
    let (config, warnings) = Config::load(file).map_err(|problems| {
        problems.iter().for_each(say::aside);
        let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        let what = format!("{} cannot be used: {}", file.display(), say::count(errors, "error"));
        Failure::new(
            what,
            format!("mend the file; `ostler check -c {}` tells its problems again", file.display()),
        )
    })?;
    warnings.iter().for_each(say::aside);
    Ok(config)
}

/// Serves until told to stop.
pub(super) fn serve(config: Config) -> Result<(), Failure> {
    let runtime = workers()?;
    let served = runtime.block_on(assemble::serve(config));
    // What still runs by now (a watcher, a compilation) must not hold up the exit.
    runtime.shutdown_background();
    served.map_err(|error| Failure::new(error.to_string(), ""))
}

/// As many workers as there are cores.
pub(super) fn workers() -> Result<tokio::runtime::Runtime, Failure> {
    let built = tokio::runtime::Builder::new_multi_thread().thread_name("ostler-worker").enable_all().build();
    built.map_err(|error| {
        Failure::new(format!("cannot start worker threads: {error}"), "raise this user's limit of processes")
    })
}
