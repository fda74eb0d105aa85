//! Files that are there whole or not at all.
//!
//! **Invariant:** a name without the temporary ending is a file that was synced, and so was its folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Ends the name of a file that is still being written.
const TEMPORARY: &str = ".tmp";

/// Writes `folder/name` (mode 0600) so that a crash leaves the old file or the new one, and this one once it returns.
pub(crate) fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let temporary = folder.join(format!("{name}.{}{TEMPORARY}", COUNT.fetch_add(1, Ordering::Relaxed)));
    let written = write_new(&temporary, bytes).and_then(|()| fs::rename(&temporary, folder.join(name)));
    if let Err(error) = written {
        // It may never have come to be; the next start takes what stays.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    // The name is an entry of the folder, and reaches the disk with the folder only.
    File::open(folder)?.sync_all()
}

/// Removes `path`; whether it was there does not matter.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes every file of `folder` whose name `keep` does not want, torn ones always.
pub(crate) fn clear(folder: &Path, keep: impl Fn(&str) -> bool) -> io::Result<()> {
    for entry in folder.read_dir()? {
        let entry = entry?;
        let name = entry.file_name();
        let wanted = name.to_str().is_some_and(|name| !name.ends_with(TEMPORARY) && keep(name));
        if !wanted && entry.file_type()?.is_file() {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn names(folder: &Path) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<_> = folder.read_dir().unwrap().map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_private_and_replaced_whole() {
        let home = tempfile::tempdir().unwrap();
        write(home.path(), "a", b"long ago").unwrap();
        write(home.path(), "a", b"now").unwrap();
        assert_eq!(fs::read(home.path().join("a")).unwrap(), b"now");
        assert_eq!(home.path().join("a").metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(names(home.path()), ["a"]);
    }

    #[test]
    fn a_write_that_fails_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("taken")).unwrap();
        write(home.path(), "taken", b"x").unwrap_err();
        assert_eq!(names(home.path()), ["taken"]);
    }

    #[test]
    fn clearing_takes_torn_and_unwanted_files_and_no_folder() {
        let home = tempfile::tempdir().unwrap();
        for name in ["keep", "drop", "keep.7.tmp"] {
            fs::write(home.path().join(name), "").unwrap();
        }
        fs::create_dir(home.path().join("folder")).unwrap();
        clear(home.path(), |name| name.starts_with("keep")).unwrap();
        assert_eq!(names(home.path()), ["folder", "keep"]);
    }
}
