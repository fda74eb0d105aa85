//! What a project depends on, installed by pip into a folder of the project's: `.ostler/packages`.
//!
//! Packages are taken for the Python of the component, whatever this machine has. Compiled parts cannot run there and are left
//! out: many packages (MarkupSafe) have the same in Python and fall back to it; one that has not cannot be imported, and then
//! the author is told which one it was.

use std::path::{Path, PathBuf};

use crate::build::{BuildError, Job};
use crate::process;
use crate::venv::Venv;

use super::manifest::{Manifest, Sdk};
use super::stage;
use super::tool::GUEST;

/// The file in the folder that tells what was asked for; it is written last.
const ASKED: &str = ".asked";
/// The file in the folder that tells which compiled parts were left out.
const LEFT_OUT: &str = ".left-out";

/// Installed packages.
pub(super) struct Packages {
    /// None if the project depends on nothing.
    pub(super) folder: Option<PathBuf>,
    /// Compiled parts that were left out, by their path: `markupsafe/_speedups.cpython-314-x86_64-linux-gnu.so`.
    left_out: Vec<String>,
}

impl Packages {
    /// Installs what is not there yet.
    pub(super) fn install(
        job: &Job<'_>,
        tool: &Venv,
        dir: &Path,
        manifest: &Manifest,
    ) -> Result<Packages, BuildError> {
        let wanted = requirements(manifest);
        if wanted.is_empty() {
            return Ok(Packages { folder: None, left_out: Vec::new() });
        }
        let folder = dir.join(".ostler/packages");
        let asked = format!("Python {GUEST}\n{}\n", wanted.join("\n"));
        if std::fs::read_to_string(folder.join(ASKED)).ok().as_deref() != Some(&*asked) {
            job.say(&format!("installing {} in {}", wanted.join(", "), folder.display()));
            bring(job, tool, &folder, &wanted)?;
            stage::write(&folder.join(ASKED), &asked)?;
        }
        let left_out = std::fs::read_to_string(folder.join(LEFT_OUT)).unwrap_or_default();
        let left_out: Vec<String> = left_out.lines().map(str::to_owned).collect();
        if !left_out.is_empty() {
            let packages = packages_of(&left_out).join(", ");
            job.say(&format!("left out the compiled parts of {packages}: they do not run in a component"));
        }
        Ok(Packages { folder: Some(folder), left_out })
    }

    /// What a failed build means to the author. The words are Python's, unless they are about a part that was left out here.
    pub(super) fn explain(&self, failure: BuildError, dir: &Path) -> BuildError {
        let BuildError::Compiler { words } = &failure else { return failure };
        let Some(part) = self.left_out.iter().find(|part| lacks(words, &module_of(part))) else {
            return failure;
        };
        let package = package_of(part);
        let problem = format!(
            "{package} cannot run in a component: {part} is compiled code, and it has no replacement for it in Python. Depend \
             on another package, or on a release that is Python alone. Python said:\n{words}"
        );
        BuildError::Manifest { path: dir.join("pyproject.toml"), problem }
    }
}

/// What pip is asked for.
fn requirements(manifest: &Manifest) -> Vec<String> {
    let sdk = match &manifest.sdk {
        Sdk::Published(version) => Some(format!("ostler-sdk=={version}.*")),
        Sdk::Folder(_) => None,
    };
    manifest.dependencies.iter().cloned().chain(sdk).collect()
}

fn bring(job: &Job<'_>, tool: &Venv, folder: &Path, wanted: &[String]) -> Result<(), BuildError> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(BuildError::io(format!("clearing {}", folder.display())))?;
    }
    let mut pip = tool.pip();
    pip.args(["install", "--no-compile", "--target"]).arg(folder);
    // Wheels alone: building would run code of the package's, for this machine. The platforms are those whose wheels also hold
    // what is Python; the same everywhere, so that every machine gets the same files.
    pip.args(["--only-binary", ":all:", "--python-version", GUEST, "--implementation", "cp"]);
    for abi in ["cp314", "abi3", "none"] {
        pip.args(["--abi", abi]);
    }
    for platform in ["any", "manylinux2014_x86_64", "manylinux_2_28_x86_64"] {
        pip.args(["--platform", platform]);
    }
    process::run(pip.arg("--").args(wanted), job.words)?;
    let mut left_out = Vec::new();
    leave_out(folder, folder, &mut left_out)?;
    left_out.sort();
    stage::write(&folder.join(LEFT_OUT), &left_out.join("\n"))
}

/// Removes compiled parts for other machines.
fn leave_out(root: &Path, folder: &Path, found: &mut Vec<String>) -> Result<(), BuildError> {
    let entries = folder.read_dir().map_err(BuildError::io(format!("reading {}", folder.display())))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            leave_out(root, &path, found)?;
        } else if is_compiled(&path) {
            std::fs::remove_file(&path).map_err(BuildError::io(format!("removing {}", path.display())))?;
            let part = path.strip_prefix(root).unwrap_or(&path);
            found.push(part.to_string_lossy().replace('\\', "/"));
        }
    }
    Ok(())
}

fn is_compiled(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let compiled = [".so", ".pyd", ".dylib", ".dll"].iter().any(|end| name.ends_with(end));
    compiled && !name.ends_with("wasm32-wasi.so")
}

/// Whether Python says that it lacks a module, in one of the ways that it has.
fn lacks(words: &str, module: &str) -> bool {
    let (package, last) = module.rsplit_once('.').unwrap_or(("", module));
    words.contains(&format!("No module named '{module}'"))
        || words.contains(&format!("'{module}' (unknown location)"))
        || words.contains(&format!("cannot import name '{last}' from '{package}'"))
}

/// The packages that parts belong to, each once.
fn packages_of(parts: &[String]) -> Vec<String> {
    let mut packages: Vec<String> = parts.iter().map(|part| package_of(part)).collect();
    packages.dedup();
    packages
}

fn package_of(part: &str) -> String {
    module_of(part).split('.').next().unwrap_or_default().to_owned()
}

/// `pydantic_core._pydantic_core` for `pydantic_core/_pydantic_core.cpython-314-x86_64-linux-gnu.so`.
fn module_of(part: &str) -> String {
    let (folders, file) = part.rsplit_once('/').unwrap_or(("", part));
    let module = file.split('.').next().unwrap_or(file);
    match folders.is_empty() {
        true => module.to_owned(),
        false => format!("{}.{module}", folders.replace('/', ".")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiled_part_is_known_by_its_module() {
        for (part, module) in [
            ("pydantic_core/_pydantic_core.cpython-314-x86_64-linux-gnu.so", "pydantic_core._pydantic_core"),
            ("_yaml.abi3.so", "_yaml"),
        ] {
            assert!(is_compiled(Path::new(part)));
            assert_eq!(module_of(part), module);
        }
        assert!(!is_compiled(Path::new("a.cpython-314-wasm32-wasi.so")) && !is_compiled(Path::new("a.py")));
    }

    #[test]
    fn a_failure_for_want_of_a_compiled_part_names_the_package() {
        let packages = Packages { folder: None, left_out: vec!["core/_core.abi3.so".into()] };
        let explain = |words: &str| {
            packages.explain(BuildError::Compiler { words: words.into() }, Path::new("/project"))
        };
        for words in [
            "No module named 'core._core'",
            "cannot import name 'A' from 'core._core' (unknown location)",
            "cannot import name '_core' from 'core' (/2/core/__init__.py)",
        ] {
            let told = explain(words).to_string();
            assert!(told.contains("core cannot run in a component"), "{told}");
        }
        for words in ["SyntaxError", "cannot import name 'A' from 'core._core' (/2/core/_core.py)"] {
            assert!(matches!(explain(words), BuildError::Compiler { .. }), "{words}");
        }
    }

    #[test]
    fn the_published_sdk_is_one_more_requirement() {
        let text = "[project]\nname = \"a\"\ndependencies = [\"flask\"]\n[tool.ostler]\nsdk = \"0.1\"";
        let manifest = Manifest::parse(text).unwrap();
        assert_eq!(requirements(&manifest), ["flask", "ostler-sdk==0.1.*"]);
    }
}
