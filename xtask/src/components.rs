//! Everything that is built for Wasm: through the same crate that `ostler build` uses.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use ostler_toolchain::{Options, guests};

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
    step("looking for a compiler for guests", || Ok(ostler_toolchain::setup(tell).map(drop)?))
}

/// Builds the components of tests and bench, and returns their folder.
pub(crate) fn guests(workspace: &Workspace) -> Result<PathBuf> {
    toolchain()?;
    let list = workspace.root.join("tests/guests/guests.toml");
    let out = workspace.guests();
    step("building the guests of tests and bench", || {
        guests::build_all(&list, &out, &options(workspace), tell)?;
        Ok(out)
    })
}

/// Builds the components of the demo application (all of `plugins/`), and returns their folder.
pub(crate) fn demo(workspace: &Workspace) -> Result<PathBuf> {
    toolchain()?;
    let out = workspace.target.join("demo-out");
    let sources = workspace.root.join("plugins");
    let entries = fs::read_dir(&sources).with_context(|| format!("cannot read {}", sources.display()))?;
    let mut plugins = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    plugins.retain(|plugin| plugin.join("Cargo.toml").is_file());
    plugins.sort();
    for plugin in plugins {
        let name = plugin.file_name().context("a plugin's folder has a name")?.to_string_lossy().into_owned();
        let options = Options { output: Some(out.join(format!("{name}.wasm"))), ..options(workspace) };
        step(&format!("building plugins/{name}"), || Ok(ostler_toolchain::build(&plugin, &options)?))?;
    }
    Ok(out)
}

/// How everything here is built.
fn options(workspace: &Workspace) -> Options {
    Options {
        target_dir: Some(workspace.guests_target()),
        tools: Some(workspace.target.join("tools")),
        tell,
        ..Options::default()
    }
}

fn tell(line: &str) {
    eprintln!("    {line}");
}
