//! What PyPI carries (compilers too), each in a virtual environment of its own that leaves the author's Python alone.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::build::{BuildError, Words};
use crate::process;
use crate::tools::Tools;

/// A virtual environment with packages in it.
pub(crate) struct Venv {
    folder: PathBuf,
}

impl Venv {
    /// The one with `packages` (`name==version`), named by them; made with the Python of this machine if it is not there.
    pub(crate) fn bring(tools: &Tools<'_>, packages: &[&str], words: Words) -> Result<Venv, BuildError> {
        let name = packages.join("-").replace("==", "-");
        let folder = tools.folder(&name, |folder| {
            let mut venv = Command::new(python(&name)?);
            process::run(venv.args(["-I", "-m", "venv"]).arg(folder), words)?;
            let mut pip = Venv { folder: folder.to_path_buf() }.pip();
            process::run(pip.arg("install").args(packages), words)
        })?;
        Ok(Venv { folder })
    }

    /// Where its programs are.
    pub(crate) fn programs(&self) -> PathBuf {
        self.folder.join(if cfg!(windows) { "Scripts" } else { "bin" })
    }

    /// A program of the environment.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.programs().join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// Its pip, which asks nobody and keeps to what it is told.
    pub(crate) fn pip(&self) -> Command {
        let mut pip = Command::new(self.program("python"));
        pip.args(["-I", "-m", "pip", "--no-input", "--disable-pip-version-check", "--quiet"]);
        pip.env_remove("PIP_TARGET").env_remove("PIP_USER");
        pip
    }
}

/// A Python that can make environments. It runs isolated (`-I`), here as above: a project's own `json.py` is not its library.
fn python(what_for: &str) -> Result<&'static str, BuildError> {
    const CHECK: &str = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
    let works = |name: &&str| {
        let mut python = Command::new(name);
        let ended = python
            .args(["-I", "-c", CHECK])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        ended.is_ok_and(|status| status.success())
    };
    ["python3", "python"].into_iter().find(works).ok_or_else(|| BuildError::Tool {
        what: format!("Python 3.10 or later with its module venv (for {what_for})"),
        command: "`apt-get install python3-venv` (Debian, Ubuntu), `dnf install python3` (Fedora) or `brew install python` (macOS) brings it".into(),
    })
}
