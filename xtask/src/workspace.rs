//! Where things are. Cargo is asked, so that `CARGO_TARGET_DIR` and its configuration files count.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The folders of this repository.
pub(crate) struct Workspace {
    /// Of the repository.
    pub(crate) root: PathBuf,
    /// Cargo's build output.
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// Asks Cargo about the workspace that the current folder belongs to.
    pub(crate) fn find() -> Result<Self> {
        let mut command = Command::new("cargo");
        command.args(["metadata", "--no-deps", "--format-version", "1"]);
        let output = command.output().context("cannot run cargo")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let folder = |key: &str| {
            metadata[key].as_str().map(PathBuf::from).with_context(|| format!("cargo tells no {key}"))
        };
        Ok(Workspace { root: folder("workspace_root")?, target: folder("target_directory")? })
    }

    /// `cargo SUBCOMMAND`, run at the root.
    pub(crate) fn cargo(&self, subcommand: &str) -> Command {
        let mut command = Command::new("cargo");
        command.arg(subcommand).current_dir(&self.root);
        command
    }

    /// A program that Cargo has built, in `debug` or `release`.
    pub(crate) fn binary(&self, profile: &str, name: &str) -> PathBuf {
        self.target.join(profile).join(name)
    }

    /// The components for tests and bench.
    pub(crate) fn guests(&self) -> PathBuf {
        self.target.join("guests-out")
    }

    /// Cargo's build output for Wasm: one folder for all guests, so that the standard library is compiled once.
    pub(crate) fn guests_target(&self) -> PathBuf {
        self.target.join("guests")
    }

    /// A path as the reader knows it: relative to the root where possible.
    pub(crate) fn shown<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(&self.root).unwrap_or(path).display()
    }
}
