//! Guests in Python as other hosts' SDKs make them: packages from the registry in a folder of their own, componentize-py
//! with the SDK's own world.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::build::{BuildError, Options};
use crate::process;
use crate::tools::Tools;
use crate::venv::Venv;

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
    /// Makes `app.py` in `dir` the component `output`.
    pub(super) fn build(&self, dir: &Path, options: &Options, output: &Path) -> Result<(), BuildError> {
        let output =
            std::path::absolute(output).map_err(BuildError::io(format!("finding {}", output.display())))?;
        let root = options.tools.clone().unwrap_or_else(|| ".ostler/tools".into());
        let packages: Vec<_> = self.packages.iter().map(String::as_str).collect();
        let venv = Venv::bring(&Tools::new(&root, &options.tell), &packages, options.words)?;
        let mut command = Command::new(venv.program("componentize-py"));
        command.args(["-w", &self.world, "componentize", "app", "-o"]).arg(output).current_dir(dir);
        // It asks the environment's own interpreter where packages are.
        let system = ["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from);
        let path = std::env::join_paths([venv.programs()].into_iter().chain(system)).unwrap_or_default();
        process::run(command.env("PATH", path).env("PYTHONDONTWRITEBYTECODE", "1"), options.words)
    }
}
