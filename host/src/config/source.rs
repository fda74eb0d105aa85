//! The bytes of the configuration file: bounded, and text.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use ostler_core::settings::{Problems, Severity};

/// Largest configuration file, in bytes: 1 MiB, some ten thousand routes.
pub(super) const FILE_BYTES_MAX: u64 = 1 << 20;

/// The text of `file`, or a problem.
pub(super) fn text(file: &Path, problems: &Problems) -> Option<String> {
    let refuse = |line, found: String, allowed: &str, repair: &str| {
        problems.add(Severity::Error, line, "(file)", found, allowed, repair);
    };
    let bytes = match read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
            refuse(0, "a folder".into(), "a TOML file", "name the file in it");
            return None;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            refuse(
                0,
                "no such file".into(),
                "a TOML file",
                "name it with -c, or start one with `ostler new`",
            );
            return None;
        }
        Err(error) => {
            refuse(
                0,
                format!("a file that cannot be read: {error}"),
                "a TOML file",
                "make it readable for this user",
            );
            return None;
        }
    };
    if bytes.len() as u64 > FILE_BYTES_MAX {
        refuse(0, format!("more than {FILE_BYTES_MAX} bytes"), "at most 1MiB", "name the right file");
        return None;
    }
    match String::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            refuse(line, "bytes that are no UTF-8".into(), "a TOML file in UTF-8", "save it as UTF-8");
            None
        }
    }
}

/// At most one byte more than allowed, whatever the file is (a device has no end).
pub(super) fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
