//! Runs compilers and installers, whose words reach the author unchanged.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::process::{Command, ExitStatus, Stdio};

use crate::build::{BuildError, Words};

/// Where a program's words go while it runs.
pub(crate) struct Ear {
    kept: Option<File>,
}

/// Runs `command` to its end. What it prints, on either stream, goes where `words` says: standard output is for what the
/// build itself has to tell.
pub(crate) fn run(command: &mut Command, words: Words) -> Result<(), BuildError> {
    let ear = Ear::new(words)?;
    command.stdin(Stdio::null()).stdout(ear.stream()?).stderr(ear.stream()?);
    let program = command.get_program().to_string_lossy().into_owned();
    ear.verdict(command.status().map_err(BuildError::io(format!("starting {program}")))?)
}

impl Ear {
    pub(crate) fn new(words: Words) -> Result<Self, BuildError> {
        let kept = match words {
            Words::Inherit => None,
            Words::Keep => Some(tempfile::tempfile().map_err(BuildError::io("making a temporary file"))?),
        };
        Ok(Ear { kept })
    }

    /// A stream for the program to print to.
    pub(crate) fn stream(&self) -> Result<Stdio, BuildError> {
        match &self.kept {
            Some(file) => Ok(file.try_clone().map_err(BuildError::io("sharing a temporary file"))?.into()),
            None => Ok(std::io::stderr().into()),
        }
    }

    /// What the program's end means; an error holds what it said.
    pub(crate) fn verdict(self, status: ExitStatus) -> Result<(), BuildError> {
        if status.success() {
            return Ok(());
        }
        let mut text = Vec::new();
        if let Some(mut file) = self.kept {
            let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut text));
            read.map_err(BuildError::io("reading a temporary file"))?;
        }
        Err(BuildError::Compiler { words: String::from_utf8_lossy(&text).trim_end().to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_is_quoted_from_both_streams() {
        let mut program = Command::new("sh");
        program.args(["-c", "echo one; echo two >&2; exit 3"]);
        match run(&mut program, Words::Keep) {
            Err(BuildError::Compiler { words }) => assert_eq!(words, "one\ntwo"),
            other => panic!("{other:?}"),
        }
        assert!(run(&mut Command::new("true"), Words::Keep).is_ok());
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = run(&mut Command::new("no-such-program-here"), Words::Keep).unwrap_err().to_string();
        assert!(error.contains("starting no-such-program-here"), "{error}");
    }
}
