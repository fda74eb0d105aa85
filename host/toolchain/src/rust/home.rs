//! Where cargo keeps the sources of dependencies, asked of cargo itself.
//!
//! Panic messages hold the paths of sources. Unless that folder is renamed, a component differs from machine to machine
//! and tells the name of whoever built it.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::toolchain::Target;

/// The flag that renames the folder of dependencies; none if `dir` has none, or if its name cannot stand in a variable
/// that cargo splits at spaces.
pub(super) fn renaming(dir: &Path, target: Target) -> Option<String> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(dir).args(["metadata", "--format-version", "1", "--filter-platform", target.triple()]);
    let output = cargo.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    let packages = metadata.get("packages")?.as_array()?;
    let mut manifests = packages.iter().filter_map(|package| package.get("manifest_path")?.as_str());
    let home = manifests.find_map(|path| path.split_once("/registry/src/").map(|(home, _)| home))?;
    (!home.contains(char::is_whitespace)).then(|| format!("--remap-path-prefix={home}=/cargo"))
}
