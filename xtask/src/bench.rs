//! `cargo xtask bench`: host, guests and bench in release, then the bench alone on the machine.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::workspace::Workspace;
use crate::{components, step, tools};

/// Builds everything and becomes the bench, run at the root, with `arguments`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<ExitCode> {
    tools::require(&tools::BENCH)?;
    let guests = components::guests(workspace)?;
    // One by one: together their dependencies have other features, and the demo's build would not be reused.
    for package in ["ostler", "bench"] {
        let mut build = workspace.cargo("build");
        build.args(["--release", "-p", package]);
        step::command(&format!("building {package} in release"), &mut build)?;
    }
    let mut bench = Command::new(workspace.binary("release", "bench"));
    bench.current_dir(&workspace.root).args(arguments);
    bench.arg("--ostler").arg(workspace.binary("release", "ostler")).arg("--guests").arg(guests);
    // Returns only if it could not start: nothing of ours runs beside the bench.
    Err(bench.exec()).context("cannot start the bench")
}
