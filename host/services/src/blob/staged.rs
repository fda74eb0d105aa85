//! An object that is being written and has no name yet.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{Error, OBJECT_BYTES};

/// Bytes without a name; dropped without one, they are gone.
#[derive(Debug)]
pub struct Staged {
    pub(super) file: File,
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    /// Bytes of all that is staged.
    all: Arc<AtomicU64>,
    /// What these may be.
    most: u64,
}

impl Staged {
    pub(super) fn new(file: File, path: PathBuf, all: Arc<AtomicU64>, most: u64) -> Self {
        Staged { file, path, bytes: 0, all, most }
    }

    /// Writes further bytes. Blocks on the disk.
    ///
    /// # Errors
    /// `TooLarge`, `Busy`, `Unavailable`.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let more = bytes.len() as u64;
        if self.bytes + more > OBJECT_BYTES {
            return Err(Error::TooLarge);
        }
        let before = self.all.fetch_add(more, Relaxed);
        self.bytes += more;
        if before + more > self.most {
            return Err(Error::Busy);
        }
        Ok(self.file.write_all(bytes)?)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Relaxed);
        // Gone already if it has got a name.
        let _ = fs::remove_file(&self.path);
    }
}
