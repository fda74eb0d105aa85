//! `ostler dev`: build, serve, and swap in every change of the sources.
//!
//! The host runs as `ostler serve` would and watches the component file; this only builds that file anew. **Invariant:** a
//! build that fails leaves the file, and with it the version that serves, as it was.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use ostler_toolchain::Built;

use super::{Failure, build, say, serve};
use crate::config::Config;
use sources::Sources;
use swap::Swap;

mod project;
mod sources;
mod swap;

/// Build, serve, and swap in every change
///
/// Builds the plugin in the folder and serves it with the `ostler.toml` found there; if there is none, one is written that
/// serves the plugin on http://127.0.0.1:8080. Then the sources are watched: each change is built and swapped in without
/// dropping a request. A build that fails leaves the last good version serving, and shows what the compiler said.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  ostler dev hello")]
pub(super) struct Dev {
    /// Folder of the plugin's sources
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

impl Dev {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut sources = Sources::watch(&self.dir)?;
        let built = first_build(&self.dir, &mut sources)?;
        let file = self.dir.join("ostler.toml");
        if !file.exists() {
            project::write(&file, &self.dir, &built)?;
            say::aside(format_args!(
                "wrote {}, which serves the plugin; it is yours to change",
                file.display()
            ));
        }
        let config = serve::load(&file)?;
        match project::plugin_of(&config, &built.path) {
            Some(plugin) => {
                let swap = Swap::new(&config, plugin);
                announce(&config, &self.dir);
                std::thread::spawn(move || keep_building(&self.dir, sources, &built, &swap));
            }
            None => {
                let error = format!("no plugin of {} has the path {}", file.display(), built.path.display());
                return Err(Failure::new(
                    error,
                    "name that file as path of a plugin, so that changes are served",
                ));
            }
        }
        serve::serve(config)
    }
}

/// Builds until it succeeds once: without a component there is nothing to serve.
fn first_build(dir: &Path, sources: &mut Sources) -> Result<Built, Failure> {
    loop {
        let error = match ostler_toolchain::build(dir, &build::options()) {
            Ok(built) => return Ok(built),
            Err(error) => error,
        };
        if !matches!(error, ostler_toolchain::BuildError::Compiler { .. }) {
            return Err(build::failure(error));
        }
        build::failure(error).tell(false);
        say::aside("waiting for a change of the sources");
        sources.changed()?;
    }
}

fn keep_building(dir: &Path, mut sources: Sources, first: &Built, swap: &Swap) {
    let mut last = first.digest;
    while sources.changed().is_ok() {
        let begun = Instant::now();
        match ostler_toolchain::build(dir, &build::options()) {
            Err(error) => {
                build::failure(error).tell(false);
                say::aside("the last good version keeps serving");
            }
            Ok(built) if built.digest == last => say::aside("built; the component is the same as before"),
            Ok(built) => {
                last = built.digest;
                say::aside(swapped(begun.elapsed(), swap.wait_for(&built.digest)));
            }
        }
    }
}

fn swapped(build: Duration, swap: Option<Duration>) -> String {
    let build = format!("built in {:.1} s", build.as_secs_f64());
    match swap {
        Some(swap) => format!("{build}, swapped in {} ms", swap.as_millis()),
        None => format!("{build}; the host has not taken it: its log says why"),
    }
}

fn announce(config: &Config, dir: &Path) {
    for listen in &config.server.listen {
        let url = format!("{}://{}/", listen.scheme.as_str(), listen.address);
        say::aside(format_args!("serving {url} and watching {}; Ctrl-C ends it", dir.display()));
    }
}
