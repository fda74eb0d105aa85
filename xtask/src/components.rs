//! Everything that is built for Wasm: through the same crate that `ostler build` uses.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use crate::step::step;
use crate::workspace::Workspace;

/// `cargo xtask guests`: the components of tests and bench.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let folder = guests(workspace)?;
    eprintln!("the components are in {}", workspace.shown(&folder));
    Ok(ExitCode::SUCCESS)
}

/// Sees to it that guests can be compiled.
pub(crate) fn toolchain() -> Result<()> {
    anyhow::bail!("this tree has no guest toolchain yet")
}

/// Builds the components of tests and bench, and returns their folder.
pub(crate) fn guests(workspace: &Workspace) -> Result<PathBuf> {
    toolchain()?;
    step("building the guests of tests and bench", || Ok(workspace.guests()))
}

/// Builds the components of the demo application, and returns their folder.
pub(crate) fn demo(workspace: &Workspace) -> Result<PathBuf> {
    toolchain()?;
    step("building the demo's components", || Ok(workspace.target.join("demo-out")))
}
