//! JavaScript and TypeScript: esbuild makes one file of a project and its npm packages, componentize-js starts its engine
//! (StarlingMonkey) with it.
//!
//! The work is done by `js/componentize.mjs` under the author's Node.js; this prepares what it needs. Types are checked if the
//! project has a TypeScript of its own, and only then.

use std::path::{Path, PathBuf};
use std::process::Command;

use ostler_core::Digest;
use serde_json::json;

use crate::build::{BuildError, Compiled, Job, write};
use crate::process;

mod kit;
mod node;
mod package;

pub(crate) use kit::{JAVASCRIPT, TYPESCRIPT};

use package::Package;

/// The program that does the work, and what it imports.
const DRIVER: [(&str, &str); 2] = [
    ("componentize.mjs", include_str!("js/componentize.mjs")),
    ("snapshot.mjs", include_str!("js/snapshot.mjs")),
];

/// Compiles the package in the job's folder to a core module.
pub(crate) fn compile(job: &Job<'_>) -> Result<Compiled, BuildError> {
    node::check()?;
    let dir = job.dir.canonicalize().map_err(BuildError::io(format!("finding {}", job.dir.display())))?;
    let package = Package::read(&dir)?;
    let tools = node::tools(job)?;
    if package.depends {
        node::dependencies(job, &dir)?;
    }
    let work = folder_of(job.work, &dir);
    let (shared, sdk) = (job.work.join("js"), job.work.join("js/sdk"));
    DRIVER.iter().try_for_each(|(path, text)| keep(&shared.join(path), text))?;
    kit::SDK.iter().try_for_each(|(path, text)| keep(&sdk.join(path), text))?;
    std::fs::create_dir_all(&work).map_err(BuildError::io(format!("making {}", work.display())))?;
    let told = json!({
        "dir": dir,
        "entry": dir.join(&package.entry),
        "name": package.name,
        "sdk": sdk,
        "tools": tools,
        "work": work,
    });
    // Node.js warns that its WASI is experimental: the author cannot help it.
    let mut node = Command::new("node");
    node.arg("--no-warnings").arg(shared.join(DRIVER[0].0)).arg(told.to_string());
    process::run(&mut node, job.words)?;
    let module = work.join("core.wasm");
    let bytes = std::fs::read(&module).map_err(BuildError::io(format!("reading {}", module.display())))?;
    Ok(Compiled { name: package.name, bytes })
}

/// A project's own folder among the intermediate files, which projects share.
fn folder_of(work: &Path, dir: &Path) -> PathBuf {
    work.join("js").join(Digest::of(dir.to_string_lossy().as_bytes()).short())
}

/// Writes what is not there already: builds run side by side.
fn keep(path: &Path, text: &str) -> Result<(), BuildError> {
    match std::fs::read_to_string(path) {
        Ok(there) if there == text => Ok(()),
        _ => write(path, text.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projects_do_not_share_a_folder() {
        let work = Path::new("/w");
        assert_ne!(folder_of(work, Path::new("/a")), folder_of(work, Path::new("/b")));
        assert!(folder_of(work, Path::new("/a")).starts_with("/w/js"));
    }
}
