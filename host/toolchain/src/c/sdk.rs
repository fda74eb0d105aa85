//! The SDK's files are compiled once for all projects that have the same: what an author waits for after a change is their own.

use std::path::{Path, PathBuf};
use std::process::Command;

use ostler_core::Digest;

use super::compiler::Compiler;
use super::{FLAGS, sources};
use crate::build::{BuildError, Words};
use crate::process;

/// Words that add the SDK in the folder `sdk` to the last call of the compiler: objects, or for Zig, whose `-c` takes one file and
/// which keeps objects itself, the sources.
pub(super) fn words(compiler: &Compiler, sdk: &Path, work: &Path) -> Result<Vec<PathBuf>, BuildError> {
    if let Compiler::Debian(_) = compiler {
        return objects(compiler, sdk, work);
    }
    let sdk = sdk.canonicalize().map_err(BuildError::io(format!("finding {}", sdk.display())))?;
    let mut words = vec!["-I".into(), sdk.join("src"), "-I".into(), sdk.join("bindings")];
    for part in ["src", "bindings"] {
        words.extend(sources(&sdk, Path::new(part))?.iter().map(|source| sdk.join(source)));
    }
    Ok(words)
}

/// Object files of the SDK, kept in a folder of `work` that is named after all that they are made of.
fn objects(compiler: &Compiler, sdk: &Path, work: &Path) -> Result<Vec<PathBuf>, BuildError> {
    let sdk = sdk.canonicalize().map_err(BuildError::io(format!("finding {}", sdk.display())))?;
    let made_of = digest(compiler, &sdk)?;
    let kept = work.join(format!("c-sdk-{}", &made_of[made_of.len() - 16..]));
    if !kept.is_dir() {
        let folder = tempfile::tempdir_in(work).map_err(BuildError::io("making a folder for objects"))?;
        process::run(&mut command(compiler, &sdk, folder.path())?, Words::Inherit)?;
        // If another build was quicker, its objects are as good.
        let _ = std::fs::rename(folder.path(), &kept);
    }
    let objects = kept.read_dir().map_err(BuildError::io(format!("reading {}", kept.display())))?;
    let mut objects: Vec<_> = objects.flatten().map(|entry| entry.path()).collect();
    objects.sort();
    Ok(objects)
}

/// The call that leaves one object per file in the folder it runs in.
fn command(compiler: &Compiler, sdk: &Path, folder: &Path) -> Result<Command, BuildError> {
    let mut command = compiler.command();
    command.current_dir(folder).args(FLAGS).arg("-c");
    for part in ["include", "src", "bindings"] {
        command.arg("-I").arg(sdk.join(part));
    }
    for part in ["src", "bindings"] {
        command.args(sources(sdk, Path::new(part))?.iter().map(|source| sdk.join(source)));
    }
    Ok(command)
}

/// Over the compiler, its flags and every file that may be read.
fn digest(compiler: &Compiler, sdk: &Path) -> Result<String, BuildError> {
    let mut all = format!("{} {FLAGS:?}", compiler.describe()).into_bytes();
    for part in ["include", "src", "bindings"] {
        let folder = sdk.join(part);
        let files = folder.read_dir().map_err(BuildError::io(format!("reading {}", folder.display())))?;
        let mut files: Vec<_> = files.flatten().map(|entry| entry.path()).collect();
        files.sort();
        for file in files {
            let text = std::fs::read(&file).map_err(BuildError::io(format!("reading {}", file.display())))?;
            all.extend(format!("\n{part}/{:?} {}\n", file.file_name(), text.len()).as_bytes());
            all.extend(text);
        }
    }
    Ok(Digest::of(&all).to_string())
}
