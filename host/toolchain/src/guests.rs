//! The guests of a `guests.toml`: every component the host's tests need, built into one folder, each only when its sources changed.
//!
//! A guest is a source folder (`dir`, built like any plugin, or by its own shell script `build` if it follows another contract
//! than Ostler's, or as another host's SDK for Python does), or a core module in text form (`wat`) that follows the typed
//! contract by hand, for what no compiler would write.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use ostler_core::Digest;
use serde::Deserialize;

use crate::build::{self, BuildError, Options};
use crate::c::Compiler;
use crate::tools::Tools;
use crate::{component, go, process};

mod python;

use python::Python;

/// The list's file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    guest: Vec<Guest>,
    /// Folders whose change makes every guest stale.
    #[serde(default)]
    shared: Vec<PathBuf>,
    /// Folder of the contract that modules in text form follow.
    wit: PathBuf,
}

/// One guest; paths are relative to the list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Guest {
    name: String,
    dir: Option<PathBuf>,
    /// In `dir`: gets the file for the core module, which says itself which world it follows, and a folder for tools that
    /// it brings.
    build: Option<PathBuf>,
    wat: Option<PathBuf>,
    /// Folders outside `dir` whose change makes it stale, such as its SDK's.
    #[serde(default)]
    also: Vec<PathBuf>,
    /// If `dir` is no plugin of Ostler's but one that another host's SDK for Python makes.
    python: Option<Python>,
}

/// Builds every guest of the list `guests_toml` into `out` as `NAME.wasm`, as `options` say (but for their output).
/// `progress` hears of each that has to be built. Returns the files in the list's order.
pub fn build_all(
    guests_toml: &Path,
    out: &Path,
    options: &Options,
    mut progress: impl FnMut(&str),
) -> Result<Vec<PathBuf>, BuildError> {
    let text = std::fs::read_to_string(guests_toml)
        .map_err(BuildError::io(format!("reading {}", guests_toml.display())))?;
    let wrong = |problem: String| BuildError::Manifest { path: guests_toml.to_path_buf(), problem };
    let list: List = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let here = guests_toml.parent().unwrap_or(Path::new("."));
    let shared =
        list.shared.iter().map(|path| here.join(path)).chain([here.join(&list.wit)]).collect::<Vec<_>>();
    let mut files = Vec::with_capacity(list.guest.len());
    for guest in &list.guest {
        let (file, stamp) =
            (out.join(format!("{}.wasm", guest.name)), out.join(format!(".{}.stamp", guest.name)));
        let source = match (&guest.dir, &guest.wat) {
            (Some(source), None) | (None, Some(source)) => here.join(source),
            _ => return Err(wrong(format!("guest {:?} needs one of dir and wat", guest.name))),
        };
        let also: Vec<_> = guest.also.iter().map(|path| here.join(path)).collect();
        let sources = fingerprint([&source].into_iter().chain(&also).chain(&shared))?;
        if file.is_file() && std::fs::read_to_string(&stamp).is_ok_and(|last| last == sources) {
            files.push(file);
            continue;
        }
        progress(&guest.name);
        match (&guest.wat, &guest.build, &guest.python) {
            (Some(_), ..) => build::write(&file, &from_text(&source, &here.join(&list.wit))?)?,
            (None, Some(script), _) => {
                build::write(&file, &from_script(&source.join(script), options)?)?;
            }
            (None, None, Some(python)) => python.build(&source, options, &file)?,
            (None, None, None) => {
                build::build(&source, &Options { output: Some(file.clone()), ..options.clone() })?;
            }
        }
        build::write(&stamp, sources.as_bytes())?;
        files.push(file);
    }
    Ok(files)
}

/// Gives a module in text form the interface of the typed contract.
fn from_text(wat: &Path, wit: &Path) -> Result<Vec<u8>, BuildError> {
    let wrong = |problem: String| BuildError::Manifest { path: wat.to_path_buf(), problem };
    let mut module = wat::parse_file(wat).map_err(|error| wrong(error.to_string()))?;
    component::embed_typed(&mut module, wit).map_err(wrong)?;
    let component = component::encode(&module)?;
    component::check(&component)?;
    Ok(component)
}

/// Runs the guest's own script, which is told a C compiler for WASI that also links, as `CC`, and a Go compiler as `GO`.
fn from_script(script: &Path, options: &Options) -> Result<Vec<u8>, BuildError> {
    let work = options.target_dir.clone().unwrap_or_else(std::env::temp_dir);
    let tools = options.tools.clone().unwrap_or_else(|| work.join("tools"));
    let tools =
        std::path::absolute(&tools).map_err(BuildError::io(format!("finding {}", tools.display())))?;
    let kept = Tools::new(&tools, &options.tell);
    let (found, go) = (Compiler::find(&kept)?, go::Compiler::find(&kept)?);
    let mut compiler = found.command();
    compiler.args(found.linker());
    let words = std::iter::once(compiler.get_program()).chain(compiler.get_args());
    let compiler = words.collect::<Vec<_>>().join(OsStr::new(" "));
    let folder = tempfile::tempdir().map_err(BuildError::io("making a folder for the module"))?;
    let module = folder.path().join("module.wasm");
    let mut command = Command::new("sh");
    command.arg(script).arg(&module).arg(&tools).env("CC", compiler).env("GO", go.program());
    process::run(&mut command, options.words)?;
    let module = std::fs::read(&module).map_err(BuildError::io("reading the module"))?;
    let component = component::encode(&module)?;
    component::check(&component)?;
    Ok(component)
}

/// A text that changes whenever a file under one of `paths` does; what builds leave behind does not count.
fn fingerprint<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> Result<String, BuildError> {
    let mut all = Vec::new();
    for path in paths {
        gather(path, &mut all).map_err(BuildError::io(format!("reading {}", path.display())))?;
    }
    Ok(Digest::of(&all).hex())
}

/// Names of what builds leave beside sources.
const LEFT: [&str; 6] = ["target", "Cargo.lock", ".git", "node_modules", ".ostler", "__pycache__"];

fn gather(path: &Path, all: &mut Vec<u8>) -> std::io::Result<()> {
    if path.is_file() {
        all.extend_from_slice(path.to_string_lossy().as_bytes());
        all.extend_from_slice(Digest::of(&std::fs::read(path)?).hex().as_bytes());
        return Ok(());
    }
    let mut entries = path.read_dir()?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(|entry| entry.file_name());
    for entry in entries {
        if !LEFT.iter().any(|left| entry.file_name() == *left) {
            gather(&entry.path(), all)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_sees_sources_and_not_what_builds_leave() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_path_buf();
        let now = || fingerprint([&path].into_iter()).unwrap();
        std::fs::create_dir_all(path.join("src")).unwrap();
        std::fs::write(path.join("src/lib.rs"), "a").unwrap();
        let before = now();
        std::fs::create_dir(path.join("target")).unwrap();
        std::fs::write(path.join("target/x"), "x").unwrap();
        assert_eq!(now(), before);
        std::fs::write(path.join("src/lib.rs"), "b").unwrap();
        assert_ne!(now(), before);
    }
}
