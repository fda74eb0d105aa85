//! `cargo xtask demo`: from a fresh clone to the demo application in a browser.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::workspace::Workspace;
use crate::{components, step};

/// Builds host and components in release and becomes `ostler demo`.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let components = components::demo(workspace)?;
    let mut build = workspace.cargo("build");
    step::command("building the host in release", build.args(["--release", "-p", "ostler"]))?;
    let mut demo = Command::new(workspace.binary("release", "ostler"));
    demo.arg("demo").arg("--components").arg(components);
    // Returns only if it could not start: the demo gets this process, its terminal and its signals.
    Err(demo.exec()).context("cannot start the demo")
}
