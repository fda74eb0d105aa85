//! Node.js and npm: whether they are there, what they bring, and what the project itself needs.

use std::path::Path;
use std::process::Command;

use crate::build::{BuildError, Job};
use crate::process;

/// The oldest Node.js that the tools run on.
const OLDEST: u32 = 18;

/// Name of the tools' folder; it tells the versions that matter.
const FOLDER: &str = "componentize-js-0.23.0-esbuild-0.28.2";

/// Flags for npm where no one reads what it says: no advertisements, and no questions to anyone but the registry.
const QUIET: [&str; 3] = ["--no-audit", "--no-fund", "--loglevel=error"];

const TOOLS: [(&str, &str); 3] = [
    ("package.json", include_str!("tools/package.json")),
    ("package-lock.json", include_str!("tools/package-lock.json")),
    ("unused/package.json", include_str!("tools/unused/package.json")),
];

/// Refuses a machine without a Node.js that will do.
pub(super) fn check() -> Result<(), BuildError> {
    let version =
        Command::new("node").arg("--version").output().ok().filter(|output| output.status.success());
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    match version {
        Some(version) if major(&version).is_none_or(|major| major >= OLDEST) => Ok(()),
        found => Err(BuildError::Tool {
            what: format!(
                "Node.js {OLDEST} or later, by which JavaScript and TypeScript are built{},",
                found.map(|version| format!(" ({version} is there)")).unwrap_or_default()
            ),
            command: "install it from https://nodejs.org, or as root `apt-get install nodejs npm`".into(),
        }),
    }
}

/// 20 of `v20.1.0`.
fn major(version: &str) -> Option<u32> {
    version.trim_start_matches('v').split('.').next()?.parse().ok()
}

/// The folder of componentize-js and esbuild, in the versions of `tools/package-lock.json`.
pub(super) fn tools(job: &Job<'_>) -> Result<std::path::PathBuf, BuildError> {
    job.tools.folder(FOLDER, |folder| {
        for (path, text) in TOOLS {
            crate::build::write(&folder.join(path), text.as_bytes())?;
        }
        // Nothing that is brought runs while it is installed.
        process::run(npm(folder, "ci").arg("--ignore-scripts"), job.words)
            .map_err(missing)
            .map_err(unreachable)
    })
}

/// Installs what the project depends on, if nothing is installed yet.
pub(super) fn dependencies(job: &Job<'_>, dir: &Path) -> Result<(), BuildError> {
    if dir.join("node_modules").exists() {
        return Ok(());
    }
    let verb = if dir.join("package-lock.json").is_file() { "ci" } else { "install" };
    job.say(&format!("npm {verb} in {}", dir.display()));
    process::run(&mut npm(dir, verb), job.words).map_err(missing)
}

fn npm(dir: &Path, verb: &str) -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(dir).arg(verb).args(QUIET);
    npm
}

/// Node.js without npm, as some packagers have it.
fn missing(error: BuildError) -> BuildError {
    match error {
        BuildError::Io { cause, .. } if cause.kind() == std::io::ErrorKind::NotFound => BuildError::Tool {
            what: "npm, which installs packages for JavaScript and TypeScript,".into(),
            command: "it comes with Node.js from https://nodejs.org; Debian has it apart: as root `apt-get install npm`"
                .into(),
        },
        other => other,
    }
}

/// npm's words are shown; what it was called for is not among them.
fn unreachable(error: BuildError) -> BuildError {
    match error {
        BuildError::Compiler { words } => BuildError::Tool {
            what: format!(
                "{FOLDER}, which npm could not install ({}),",
                words.lines().last().unwrap_or("its words stand above")
            ),
            command:
                "the first build needs npm's registry, or a mirror that `npm config set registry URL` names"
                    .into(),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_node_writes_them() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("v9.0.0"), Some(9));
        assert_eq!(major("nightly"), None);
    }

    #[test]
    fn the_folder_tells_the_versions_that_are_brought() {
        let package: serde_json::Value = serde_json::from_str(TOOLS[0].1).unwrap();
        let version = |name: &str| package["dependencies"][name].as_str().unwrap().to_owned();
        let (componentize, esbuild) = (version("@bytecodealliance/componentize-js"), version("esbuild"));
        assert_eq!(FOLDER, format!("componentize-js-{componentize}-esbuild-{esbuild}"));
        assert!(!TOOLS[1].1.contains("\"resolved\": \"http"), "the lock names no registry: anyone's will do");
    }
}
