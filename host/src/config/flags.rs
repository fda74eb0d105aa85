//! `[flags]`, and the files that it names: read as the start would, each problem told with its path in the JSON.

use std::path::{Path, PathBuf};

use ostler_core::settings::{Located, Section};
use ostler_release::flags::{Config, FileError, Problem, Refused, check_file};

/// Reads `[flags]`; `redis` tells whether there is a `[redis]`.
pub(super) fn read(section: Section<'_>, base: &Path, redis: bool) -> Config {
    Config::read(section, redis, |section, told| {
        let file = base.join(&told.value);
        check(section, told, &file);
        file
    })
}

fn check(section: &Section<'_>, told: &Located<String>, file: &PathBuf) {
    let name = &told.value;
    match check_file(file) {
        Ok(()) => {}
        Err(FileError::Io(error)) => {
            let repair = "write the file, or take it out of the list";
            section.problem(
                "files",
                format!("{name:?}: {error}"),
                "a file of flags in flagd's format",
                repair,
            );
        }
        Err(FileError::Refused(Refused { problems, more })) => {
            for Problem { path, found, allowed, repair } in problems {
                section.problem("files", format!("{name:?}: {path}: {found}"), allowed, repair);
            }
            if more > 0 {
                section.problem("files", format!("{name:?}: {more} more problems"), "", "");
            }
        }
    }
}
