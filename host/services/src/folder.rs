//! The state folder: private to the user who runs the host, and to one running host.
//!
//! **Invariant:** a folder made here has mode 0700; a folder of somebody else's files is never changed.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Makes `path` and its parents with mode 0700 where they are missing.
///
/// A folder that is there already is narrowed to 0700 if it is empty or holds `landmark` (so it is ours); any other keeps
/// its mode, since a slip such as `dir = "/tmp"` must not lock everybody else out.
pub fn private(path: &Path, landmark: Option<&str>) -> io::Result<()> {
    if !path.is_dir() {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        // A folder reaches the disk as an entry of its parent; without it nothing inside is found after a loss of power.
        for parent in path.ancestors().skip(1).filter(|parent| parent.is_dir()) {
            File::open(parent)?.sync_all()?;
        }
    }
    let mode = path.metadata()?.permissions().mode();
    let ours = landmark.is_none_or(|name| path.join(name).exists()) || path.read_dir()?.next().is_none();
    if mode & 0o077 != 0 && ours {
        std::fs::set_permissions(path, Permissions::from_mode(0o700))?;
    } else if mode & 0o022 != 0 {
        tracing::warn!(folder = %path.display(), "others can write to the state folder; use one of its own");
    }
    Ok(())
}

/// Makes the file at `path` with mode 0600 where it is missing, and opens it for writing.
pub fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)
}

/// Locks the file at `path` for as long as the result lives, also across `kill -9`; `None` if another host holds it.
pub fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = private_file(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn only_our_own_folders_are_narrowed() {
        let home = tempfile::tempdir().unwrap();
        let (made, empty, foreign) =
            (home.path().join("a/b"), home.path().join("empty"), home.path().join("foreign"));
        std::fs::create_dir(&empty).unwrap();
        std::fs::create_dir(&foreign).unwrap();
        std::fs::set_permissions(&foreign, Permissions::from_mode(0o755)).unwrap();
        std::fs::write(foreign.join("letter"), "").unwrap();
        for folder in [&made, &empty, &foreign] {
            private(folder, Some("ostler.db")).unwrap();
        }
        assert_eq!((mode(&made), mode(&empty), mode(&foreign)), (0o700, 0o700, 0o755));
    }

    #[test]
    fn a_lock_is_held_by_one_and_freed_with_its_file() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("lock");
        let held = lock(&path).unwrap();
        assert!(held.is_some() && lock(&path).unwrap().is_none());
        drop(held);
        assert!(lock(&path).unwrap().is_some());
        assert_eq!(mode(&path), 0o600);
    }
}
