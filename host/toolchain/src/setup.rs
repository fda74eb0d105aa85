//! Installs what compiling guests needs: by rustup, or from Debian's archive where rustup's download is refused.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::c;
use crate::toolchain::{DEBIAN_COMMAND, Missing, RUSTUP_COMMAND, Toolchain};

/// Why it could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Neither way worked.
    #[error(
        "neither rustup nor Debian's packages could be installed.\n\
         rustup: {rustup}\nDebian: {debian}\nInstall one by hand: `{RUSTUP_COMMAND}`, or as root `{DEBIAN_COMMAND}`"
    )]
    BothFailed {
        /// The end of what rustup said.
        rustup: String,
        /// The end of what apt said, or why it was not asked.
        debian: String,
    },
    /// It was installed, and still nothing is found.
    #[error("the installation succeeded, yet {0}")]
    StillMissing(Missing),
}

/// Finds the toolchains for Rust and C, or installs them. `progress` is told each step and which way was taken, for people.
/// A C compiler that cannot be installed is no failure: builds bring one of their own.
pub fn setup(mut progress: impl FnMut(&str)) -> Result<Toolchain, SetupError> {
    let rust = setup_rust(&mut progress)?;
    if c::Compiler::installed().is_none() {
        progress(&format!("Guests in C are compiled by clang: {}", c::DEBIAN_COMMAND));
        if let Err(error) = debian(&mut progress, c::DEBIAN_COMMAND) {
            progress(&format!("It could not be installed ({error}); a build in C brings Zig's compiler."));
        }
    }
    Ok(rust)
}

fn setup_rust(mut progress: impl FnMut(&str)) -> Result<Toolchain, SetupError> {
    if let Ok(found) = Toolchain::find() {
        progress(&format!("Guests are compiled by {}.", found.describe()));
        return Ok(found);
    }
    progress(&format!("Guests need a WebAssembly target of Rust: {RUSTUP_COMMAND}"));
    let rustup = run(Command::new("rustup").args(RUSTUP_COMMAND.split(' ').skip(1)));
    if let Err(rustup) = rustup {
        progress(&format!(
            "rustup could not ({rustup}), so Debian's compiler and library source are taken: {DEBIAN_COMMAND}"
        ));
        debian(&mut progress, DEBIAN_COMMAND).map_err(|debian| SetupError::BothFailed { rustup, debian })?;
    }
    let found = Toolchain::find().map_err(SetupError::StillMissing)?;
    progress(&format!("Guests are compiled by {}.", found.describe()));
    Ok(found)
}

/// Installs the packages of an apt command; lists are refreshed only if the packages are unknown.
fn debian(progress: &mut impl FnMut(&str), command: &str) -> Result<(), String> {
    if !Path::new("/etc/debian_version").exists() {
        return Err("this is no Debian".into());
    }
    // A private archive folder: hooks that empty the shared one, or another apt beside this one, break an install half way.
    let archives = tempfile::tempdir().map_err(|error| error.to_string())?;
    std::fs::create_dir(archives.path().join("partial")).map_err(|error| error.to_string())?;
    if run(&mut apt(archives.path(), command)).is_ok() {
        return Ok(());
    }
    progress("The package lists may be old: apt-get update");
    run(Command::new("apt-get").args(["-o", "APT::Sandbox::User=root", "-qq", "update"]))?;
    progress("Installing (about 110 MB)");
    run(&mut apt(archives.path(), command))
}

/// `apt-get install ...` without questions.
fn apt(archives: &Path, command: &str) -> Command {
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    apt.arg("-o").arg(format!("Dir::Cache::archives={}", archives.display()));
    apt.args([
        "-o",
        "DPkg::Lock::Timeout=120",
        "-o",
        "APT::Sandbox::User=root",
        "-y",
        "-qq",
        "--no-install-recommends",
    ]);
    apt.args(command.split(' ').skip(1));
    apt
}

/// Runs a command to its end; an error is the last line it said.
fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let words = String::from_utf8_lossy(&output.stderr);
            Err(words.trim().lines().last().unwrap_or("it failed without a word").to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_command_is_quoted_by_its_last_line() {
        let error =
            run(Command::new("sh").args(["-c", "echo first >&2; echo last >&2; exit 1"])).unwrap_err();
        assert_eq!(error, "last");
        assert!(run(&mut Command::new("no-such-program-here")).is_err());
    }

    #[test]
    fn apt_is_asked_without_questions_and_for_what_the_message_names() {
        let apt = apt(Path::new("/a"), DEBIAN_COMMAND);
        let words: Vec<_> = apt.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        assert!(
            words.contains(&"-y".into()) && words.contains(&"Dir::Cache::archives=/a".into()),
            "{words:?}"
        );
        assert!(
            words.contains(&"install".into()) && words.ends_with(&["wasi-libc".into(), "lld".into()]),
            "{words:?}"
        );
    }
}
