//! `cargo xtask test`: all tests there are, on a machine that may lack everything but Cargo. Nothing is skipped silently:
//! what cannot be built or started counts as failed, and the last line is the sum.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};

use crate::tally::Tally;
use crate::workspace::Workspace;
use crate::{components, servers, step, tools};

/// Folders outside the root workspace that hold crates with tests of their own.
const ELSEWHERE: [&str; 3] = ["sdk", "plugins", "examples"];

/// Runs them all; exit code 1 if one failed.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    tools::require(&tools::TEST)?;
    let guests = components::guests(workspace)?;
    let servers = servers::bring(workspace)?;
    // Everything at once: the host alone has other features in its dependencies, and would be compiled twice.
    let mut build = workspace.cargo("build");
    let built =
        step::command("building the host and its tests", build.args(["--workspace", "--all-targets"]));
    if let Err(error) = built {
        // Then the first run cannot be built either, and counts as failed; the others still have something to say.
        eprintln!("{error:#}");
    }
    let mut total = Tally::default();
    for mut run in runs(workspace)? {
        run.command.env("OSTLER_BIN", workspace.binary("debug", "ostler")).env("OSTLER_GUESTS", &guests);
        run.command.env("OSTLER_SERVERS", &servers);
        total.add(run.tally()?);
    }
    if total.ignored > 0 {
        println!("{} ignored", total.ignored);
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    Ok(if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One `cargo test`.
struct Run {
    title: String,
    command: Command,
}

impl Run {
    /// Shows its output and counts its tests. A run that fails without a failed test (it did not compile, or a test
    /// process died) counts as one failure.
    fn tally(mut self) -> Result<Tally> {
        eprintln!("==> {}", self.title);
        let mut child = self.command.stdout(Stdio::piped()).spawn().context("cannot run cargo")?;
        let mut tally = Tally::default();
        if let Some(output) = child.stdout.take() {
            tally.read(output, |line| print!("{line}"))?;
        }
        let status = child.wait()?;
        if !status.success() && tally.failed == 0 {
            eprintln!("{}: ended with {status} and no failed test; counted as one", self.title);
            tally.failed = 1;
        }
        Ok(tally)
    }
}

fn runs(workspace: &Workspace) -> Result<Vec<Run>> {
    let mut all = workspace.cargo("test");
    all.args(["--workspace", "--no-fail-fast"]);
    let mut runs = vec![Run { title: "testing the host".to_owned(), command: all }];
    let host = native()?;
    for folder in ELSEWHERE {
        for crate_folder in crates(&workspace.root.join(folder))? {
            let mut command = Command::new("cargo");
            // The native target by name: a crate may have made Wasm its default. One target folder serves them all.
            command.args(["test", "--workspace", "--no-fail-fast", "--target", &host]);
            command.arg("--target-dir").arg(workspace.target.join("native")).current_dir(&crate_folder);
            runs.push(Run { title: format!("testing {}", workspace.shown(&crate_folder)), command });
        }
    }
    Ok(runs)
}

/// The outermost crates or workspaces below `folder`, sorted.
fn crates(folder: &Path) -> Result<Vec<PathBuf>> {
    if folder.join("Cargo.toml").is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("target") {
            found.extend(crates(&path)?);
        }
    }
    found.sort();
    Ok(found)
}

/// The target that rustc builds for by itself.
fn native() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("cannot run rustc")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc -vV names no host")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_dies_counts_as_a_failure() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo 'test result: ok. 2 passed; 0 failed; 0 ignored'; exit 101"]);
        let run = Run { title: "a run".to_owned(), command };
        assert_eq!(run.tally().unwrap(), Tally { passed: 2, failed: 1, ignored: 0 });
    }

    #[test]
    fn this_compiler_has_a_native_target() {
        assert!(native().unwrap().split('-').count() >= 3);
    }
}
