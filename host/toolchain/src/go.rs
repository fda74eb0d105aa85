//! Go: the Go compiler makes a core module of a folder's package main, a library that the host calls (`c-shared`).

use std::path::Path;
use std::process::Command;

use crate::build::{BuildError, Compiled, Job};
use crate::component::{self, ComponentError};
use crate::process;

mod compiler;
mod kit;
mod module;

pub(crate) use kit::KIT;

pub(crate) use compiler::Compiler;
use module::Module;

/// Variables of the author's that would change what is compiled, or for what.
const OUTER: [&str; 6] = ["GOOS", "GOARCH", "GOFLAGS", "GOEXPERIMENT", "GOWASM", "GO111MODULE"];

/// Compiles the package main in the job's folder.
pub(crate) fn compile(job: &Job<'_>) -> Result<Compiled, BuildError> {
    let module = Module::read(job.dir)?;
    let compiler = Compiler::find(&job.tools)?;
    job.say(&format!("compiling with {}", compiler.describe()));
    let folder = tempfile::tempdir_in(job.work).map_err(BuildError::io("making a folder for the module"))?;
    let wasm = folder.path().join("handler.wasm");
    process::run(&mut command(&compiler, job.dir, &wasm), job.words)?;
    let mut bytes = std::fs::read(&wasm).map_err(BuildError::io("reading the module"))?;
    let wit = job.dir.join(&module.sdk).join("wit");
    component::embed_typed(&mut bytes, &wit).map_err(ComponentError::Encode)?;
    Ok(Compiled { name: module.name, bytes })
}

/// The call of the compiler. No path and no state of version control gets into the module. The SDK's bindings reach into the
/// runtime's allocator, which the linker allows only if it is told (`checklinkname`).
fn command(compiler: &Compiler, dir: &Path, wasm: &Path) -> Command {
    let mut command = compiler.command();
    OUTER.into_iter().for_each(|name| {
        command.env_remove(name);
    });
    command.current_dir(dir).envs([("GOOS", "wasip1"), ("GOARCH", "wasm"), ("CGO_ENABLED", "0")]);
    command.args(["build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false"]);
    command.arg("-ldflags=-checklinkname=0 -s -w -buildid=").arg("-o").arg(wasm).arg(".");
    command
}
