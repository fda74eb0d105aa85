//! Files that settings name.

use std::io::Read;
use std::path::Path;

use ostler_core::settings::Section;

/// Largest file.
const FILE_MAX: u64 = 4 << 20;

/// The bytes of the regular file that `key` names, relative to `base`; a problem if they cannot be had.
pub(crate) fn read(section: &mut Section<'_>, base: &Path, key: &'static str) -> Option<Vec<u8>> {
    let name = section.string(key)?.value;
    let path = base.join(&name);
    let read = || {
        let file = std::fs::File::open(&path)?;
        if !file.metadata()?.is_file() {
            return Err(std::io::Error::other("it is no regular file"));
        }
        let mut bytes = Vec::new();
        file.take(FILE_MAX + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > FILE_MAX {
            Err(std::io::Error::other("it is larger than 4 MiB"))
        } else {
            Ok(bytes)
        }
    };
    match read() {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            section.problem(
                key,
                format!("{name:?}: {error}"),
                "a file that can be read",
                "name another file",
            );
            None
        }
    }
}
