//! C: clang compiles the files of a folder, and links them with the SDK to a core module.
//!
//! The compiler runs in the folder itself and gets paths relative to it, so that no path of this machine gets into the module.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::build::{BuildError, Compiled, Job};
use crate::component::{self, ComponentError};
use crate::process;

mod compiler;
mod kit;
mod manifest;
mod sdk;

pub(crate) use compiler::{Compiler, DEBIAN_COMMAND};
pub(crate) use kit::KIT;

use manifest::Manifest;

/// Stack in bytes. Below it lies nothing, so that a handler that overruns it traps.
const STACK: u32 = 256 << 10;

/// Words of every compilation.
const FLAGS: [&str; 7] =
    ["-std=c11", "-D_DEFAULT_SOURCE", "-Os", "-g0", "-Wall", "-ffunction-sections", "-fdata-sections"];

/// Compiles the C files in the job's folder.
pub(crate) fn compile(job: &Job<'_>) -> Result<Compiled, BuildError> {
    let manifest = Manifest::read(job.dir)?;
    let compiler = Compiler::find(&job.tools)?;
    job.say(&format!("compiling with {}", compiler.describe()));
    // The linker writes the file's name into the module, so only the folder's is made up.
    let folder = tempfile::tempdir_in(job.work).map_err(BuildError::io("making a folder for the module"))?;
    let module = folder.path().join("handler.wasm");
    let mut command = command(&compiler, job.dir, &manifest)?;
    command.args(sdk::words(&compiler, &job.dir.join(&manifest.sdk), job.work)?).arg("-o").arg(&module);
    process::run(&mut command, job.words)?;
    let mut bytes = std::fs::read(&module).map_err(BuildError::io("reading the module"))?;
    let wit = job.dir.join(&manifest.sdk).join("wit");
    component::embed_typed(&mut bytes, &wit).map_err(ComponentError::Encode)?;
    Ok(Compiled { name: manifest.name, bytes })
}

/// The call of the compiler for the project's own files.
fn command(compiler: &Compiler, dir: &Path, manifest: &Manifest) -> Result<Command, BuildError> {
    let mut command = compiler.command();
    command.current_dir(dir).args(FLAGS).args(compiler.linker());
    command.arg(format!("-Wl,-z,stack-size={STACK}"));
    command.arg("-I").arg(manifest.sdk.join("include")).args(["-I", "."]).args(&manifest.flags);
    for folder in [".", "src"] {
        command.args(sources(dir, Path::new(folder))?);
    }
    Ok(command)
}

/// The C files of a folder by their path from `dir`, in the order of their names; tests are not part of the plugin.
fn sources(dir: &Path, folder: &Path) -> Result<Vec<PathBuf>, BuildError> {
    let entries = match dir.join(folder).read_dir() {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(BuildError::io(format!("reading {}", dir.join(folder).display()))(error)),
    };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(".c") && !name.ends_with("_test.c")).collect();
    names.sort();
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_folder_are_taken_in_order_and_without_tests() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.c", "a.c", "a_test.c", "a.h"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let found = sources(dir.path(), Path::new(".")).unwrap();
        assert_eq!(found, [PathBuf::from("./a.c"), "./b.c".into()]);
        assert!(sources(dir.path(), Path::new("src")).unwrap().is_empty());
    }
}
