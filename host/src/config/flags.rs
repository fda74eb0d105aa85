//! `[flags]`, and the files that it names: read as the start would, each problem told with its path in the JSON.

use std::net::SocketAddr;
use std::path::Path;

use ostler_core::settings::{Located, Section};
use ostler_policy::flags::Config as Requests;
use ostler_release::flags::{Config, FileError, Problem, Refused, check_file};

use super::listen::collide;

/// Reads `[flags]`: where flags are defined, and what they are to requests. `redis` tells whether there is a `[redis]`, `taken`
/// the addresses that this host listens on already.
pub(super) fn read(
    mut section: Section<'_>,
    base: &Path,
    redis: bool,
    taken: &[SocketAddr],
) -> (Config, Requests) {
    let config = Config::read(&mut section, redis, |section, told| {
        let file = base.join(&told.value);
        check(section, told, &file);
        file
    });
    let requests = Requests::read(&mut section);
    let own = requests.ofrep.as_ref().and_then(|ofrep| ofrep.listen);
    if let Some(own) = own
        && let Some(other) = taken.iter().find(|other| collide(**other, own))
    {
        let found = format!("{own}, where this host listens on {other}");
        section.problem("ofrep.listen", found, "an address of its own", "choose another port");
    }
    section.finish();
    (config, requests)
}

fn check(section: &Section<'_>, told: &Located<String>, file: &Path) {
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
