//! Guests in Python as other hosts' SDKs make them: packages from the registry in a folder of their own, componentize-py
//! with the SDK's own world.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::build::BuildError;

/// How such a guest is made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Python {
    /// The world that `componentize-py` is told.
    world: String,
    /// Packages with their versions, componentize-py among them.
    packages: Vec<String>,
}

impl Python {
    /// Makes `app.py` in `dir` the component `output`, with packages kept in `target_dir`.
    pub(super) fn build(&self, dir: &Path, target_dir: &Path, output: &Path) -> Result<(), BuildError> {
        let absolute = |path: &Path| {
            std::path::absolute(path).map_err(BuildError::io(format!("finding {}", path.display())))
        };
        let programs = self.packages(&absolute(target_dir)?)?.join("bin");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let search = std::env::join_paths([programs.clone()].into_iter().chain(std::env::split_paths(&path)))
            .unwrap_or(path);
        let mut command = Command::new(programs.join("componentize-py"));
        command.args(["-w", &self.world, "componentize", "app", "-o"]).arg(absolute(output)?);
        command.current_dir(dir).env("PATH", search).env("PYTHONDONTWRITEBYTECODE", "1");
        run(&mut command, "componentize-py")
    }

    /// The folder of the packages; what is there already is used again.
    fn packages(&self, target_dir: &Path) -> Result<PathBuf, BuildError> {
        let folder = target_dir.join("python").join(self.packages.join("-").replace("==", "_"));
        if folder.join("complete").is_file() {
            return Ok(folder);
        }
        let mut venv = Command::new("python3");
        run(
            venv.args(["-m", "venv", "--clear"]).arg(&folder),
            "python3 -m venv (apt-get install python3-venv)",
        )?;
        let mut pip = Command::new(folder.join("bin/pip"));
        run(
            pip.args(["install", "--quiet", "--disable-pip-version-check"]).args(&self.packages),
            "pip install",
        )?;
        let complete = folder.join("complete");
        std::fs::write(&complete, "").map_err(BuildError::io(format!("writing {}", complete.display())))?;
        Ok(folder)
    }
}

fn run(command: &mut Command, what: &str) -> Result<(), BuildError> {
    let output = command.output().map_err(BuildError::io(format!("starting {what}")))?;
    if output.status.success() {
        return Ok(());
    }
    let words = [output.stdout, output.stderr].concat();
    Err(BuildError::Compiler { words: String::from_utf8_lossy(&words).trim_end().to_owned() })
}
