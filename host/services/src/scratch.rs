//! Folders for state that must not last: of releases on trial, and of requests that are only copies.
//!
//! **Invariant:** a scratch folder lies in the state folder, is private to this user, and is gone with its last owner; what a
//! dead host left behind goes at the next start.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempDir;

use crate::folder;

/// Name of the folder in the state folder that holds all of them.
const FOLDER: &str = "scratch";

/// A folder that comes to be when it is first asked for; clones share it, and the last one removes it.
#[derive(Debug, Clone)]
pub struct Scratch(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parent: PathBuf,
    made: Mutex<Option<TempDir>>,
}

impl Scratch {
    /// One in `state_dir`.
    pub fn new(state_dir: &Path) -> Self {
        Scratch(Arc::new(Inner { parent: state_dir.join(FOLDER), made: Mutex::default() }))
    }

    /// Removes what a dead host left behind in `state_dir`. For the start, while nobody has one.
    pub fn clear(state_dir: &Path) {
        let _ = std::fs::remove_dir_all(state_dir.join(FOLDER));
    }

    /// The folder, which is made now if it is not there. Blocks on the disk.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn path(&self) -> io::Result<PathBuf> {
        let mut made = self.0.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = &*made {
            return Ok(made.path().to_owned());
        }
        folder::private(&self.0.parent, None)?;
        let ours = Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().prefix("s").permissions(ours).tempdir_in(&self.0.parent)?;
        Ok(made.insert(folder).path().to_owned())
    }
}

/// A folder of a service: one that lasts, or one in a scratch folder, which is made with the first thing that lies in it.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Lasting(PathBuf),
    Scratch(Scratch, &'static str),
}

impl Place {
    /// The folder, if there can be anything in it.
    pub(crate) fn there(&self) -> Option<PathBuf> {
        match self {
            Place::Lasting(folder) => Some(folder.clone()),
            Place::Scratch(scratch, name) => {
                let made = scratch.0.made.lock().unwrap_or_else(PoisonError::into_inner);
                made.as_ref().map(|made| made.path().join(name))
            }
        }
    }

    /// Whether what lies there must survive the host.
    pub(crate) fn lasts(&self) -> bool {
        matches!(self, Place::Lasting(_))
    }

    /// The folder, to put something in. Blocks on the disk.
    pub(crate) fn make(&self) -> io::Result<PathBuf> {
        match self {
            Place::Lasting(folder) => Ok(folder.clone()),
            Place::Scratch(scratch, name) => Ok(scratch.path()?.join(name)),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let made = self.made.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let Some(made) = made else { return };
        match tokio::runtime::Handle::try_current() {
            Ok(tokio) => drop(tokio.spawn_blocking(move || drop(made))),
            Err(_) => drop(made),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_made_once_when_asked_for_and_goes_with_its_last_owner() {
        let home = tempfile::tempdir().unwrap();
        let scratch = Scratch::new(home.path());
        assert!(!home.path().join(FOLDER).exists());
        let path = scratch.path().unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        std::fs::write(path.join("x"), "x").unwrap();
        let other = scratch.clone();
        drop(scratch);
        assert_eq!(other.path().unwrap(), path);
        drop(other);
        assert!(!path.exists() && home.path().join(FOLDER).exists());
    }

    #[test]
    fn what_a_dead_host_left_is_cleared() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(home.path().join("scratch/s1/sqlite")).unwrap();
        Scratch::clear(home.path());
        assert!(!home.path().join(FOLDER).exists());
        Scratch::clear(home.path());
    }
}
