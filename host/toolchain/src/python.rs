//! Python: componentize-py runs the project's modules once and keeps the interpreter's memory as it then is.
//!
//! It writes into the folders that it reads (`__pycache__`), so it gets copies of the sources. Whatever environment the author
//! happens to be in is kept from it: only what `pyproject.toml` names is on the path.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::build::{BuildError, Compiled, Job, Words};
use crate::process;
use crate::venv::Venv;

mod kit;
mod manifest;
mod packages;
mod stage;
mod tool;

pub(crate) use kit::KIT;

use manifest::{Kind, Manifest, Sdk};
use packages::Packages;

/// Name of the module that componentize-py is given. It stands beside the SDK and makes the handler's class.
const ENTRY: &str = "ostler_entry";

/// Compiles the project in the job's folder.
pub(crate) fn compile(job: &Job<'_>) -> Result<Compiled, BuildError> {
    let dir = job.dir.canonicalize().map_err(BuildError::io(format!("finding {}", job.dir.display())))?;
    let manifest = Manifest::read(&dir)?;
    let source = manifest.source(&dir)?;
    let tool = tool::bring(job)?;
    let packages = Packages::install(job, &tool, &dir, &manifest)?;
    let stage = tempfile::tempdir_in(job.work).map_err(BuildError::io("making a temporary folder"))?;
    let path = lay_out(stage.path(), &source, &dir, &manifest, &packages)?;
    let output = stage.path().join("component.wasm");
    let wit = sdk_folder(&dir, &manifest, &packages).join("wit");
    let mut command = componentize(&tool, stage.path(), &wit, &path, &output);
    // It prints nothing unless it fails, so nobody misses words that are kept until then.
    let ran = process::run(&mut command, Words::Keep);
    ran.map_err(|failure| say_as(job.words, packages.explain(failure, &dir)))?;
    let bytes = std::fs::read(&output).map_err(BuildError::io(format!("reading {}", output.display())))?;
    Ok(Compiled { name: manifest.name, bytes })
}

/// A failure of the compiler as the author wants to hear it: in the error, or on the terminal at once.
fn say_as(words: Words, failure: BuildError) -> BuildError {
    match failure {
        BuildError::Compiler { words: said } if words == Words::Inherit => {
            // Without a terminal, nobody hears.
            let _ = writeln!(std::io::stderr(), "{said}");
            BuildError::Compiler { words: String::new() }
        }
        other => other,
    }
}

/// Copies what the build may write into, and tells the folders that modules are found in, the project's first: messages of
/// the compiler call them `/0`, `/1` and so on.
fn lay_out(
    stage: &Path,
    source: &Path,
    dir: &Path,
    manifest: &Manifest,
    packages: &Packages,
) -> Result<Vec<PathBuf>, BuildError> {
    let (app, sdk) = (stage.join("app"), stage.join("sdk"));
    stage::copy_sources(source, &app)?;
    if let Sdk::Folder(folder) = &manifest.sdk {
        stage::copy_sources(&dir.join(folder).join("ostler"), &sdk.join("ostler"))?;
    }
    stage::write(&sdk.join(format!("{ENTRY}.py")), &entry(manifest))?;
    // The environment that componentize-py is told it runs in: an empty one.
    stage::make(&stage.join("environment/lib/site-packages"))?;
    Ok([app, sdk].into_iter().chain(packages.folder.clone()).collect())
}

/// The SDK's folder with the contract in it.
fn sdk_folder(dir: &Path, manifest: &Manifest, packages: &Packages) -> PathBuf {
    match (&manifest.sdk, &packages.folder) {
        (Sdk::Published(_), Some(folder)) => folder.join("ostler"),
        (Sdk::Folder(folder), _) => dir.join(folder),
        (Sdk::Published(_), None) => dir.to_path_buf(),
    }
}

/// The module that componentize-py calls.
fn entry(manifest: &Manifest) -> String {
    let kind = match manifest.kind {
        Kind::App => "app",
        Kind::Wsgi => "wsgi",
        Kind::Asgi => "asgi",
    };
    let (module, object) = (&manifest.module, &manifest.object);
    format!(
        "\"\"\"Written by `ostler build`.\"\"\"\n\nfrom ostler._wasm import entry\n\n\
         HttpHandler = entry({module:?}, {object:?}, {kind:?})\n"
    )
}

fn componentize(tool: &Venv, stage: &Path, wit: &Path, path: &[PathBuf], output: &Path) -> Command {
    let mut command = Command::new(tool.program("componentize-py"));
    command.current_dir(stage).env("VIRTUAL_ENV", stage.join("environment"));
    command.env_remove("PYTHONPATH").env_remove("PYTHONHOME").env("RUST_BACKTRACE", "0");
    command.args(["--quiet", "--world", "typed", "--wit-path"]).arg(wit);
    command.arg("componentize").arg(ENTRY);
    let folders = path.iter().flat_map(|folder| [OsString::from("--python-path"), folder.into()]);
    command.args(folders).arg("--output").arg(output);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_names_what_the_manifest_names() {
        let manifest =
            Manifest::parse("[project]\nname = \"a\"\n[tool.ostler]\nwsgi = \"web.main:app\"").unwrap();
        assert!(entry(&manifest).contains("entry(\"web.main\", \"app\", \"wsgi\")"));
    }
}
