//! componentize-py, brought once into an environment of its own.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::build::{BuildError, Job};
use crate::process;

/// The tool with its version: another version may make other components of the same sources.
const NAME: &str = "componentize-py";
const VERSION: &str = "0.25.1";
/// The Python that it puts into components, for pip.
pub(super) const GUEST: &str = "3.14";

/// The environment.
pub(super) struct Tool {
    folder: PathBuf,
}

impl Tool {
    /// Finds it, or makes it with the Python of this machine.
    pub(super) fn bring(job: &Job<'_>) -> Result<Tool, BuildError> {
        let folder = job.tools.folder(&format!("{NAME}-{VERSION}"), |folder| {
            let python = python()?;
            let mut venv = Command::new(python);
            process::run(venv.args(["-I", "-m", "venv"]).arg(folder), job.words)?;
            let mut pip = Tool { folder: folder.to_path_buf() }.pip();
            process::run(pip.args(["install", &format!("{NAME}=={VERSION}")]), job.words)
        })?;
        job.say(&format!(
            "compiling with {NAME} {VERSION}, Python {GUEST} (in its messages, /0 is this folder)"
        ));
        Ok(Tool { folder })
    }

    /// A program of the environment.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        match cfg!(windows) {
            true => self.folder.join("Scripts").join(format!("{name}.exe")),
            false => self.folder.join("bin").join(name),
        }
    }

    /// Its pip, which asks nobody and keeps to what it is told.
    pub(super) fn pip(&self) -> Command {
        let mut pip = Command::new(self.program("python"));
        pip.args(["-I", "-m", "pip", "--no-input", "--disable-pip-version-check", "--quiet"]);
        pip.env_remove("PIP_TARGET").env_remove("PIP_USER");
        pip
    }
}

/// A Python that can make environments. It runs isolated (`-I`), here as above: a project's own `json.py` is not its library.
fn python() -> Result<&'static str, BuildError> {
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
        what: format!("Python 3.10 or later with its module venv (for {NAME})"),
        command: "`apt-get install python3-venv` (Debian, Ubuntu), `dnf install python3` (Fedora) or `brew install python` (macOS) brings it".into(),
    })
}
