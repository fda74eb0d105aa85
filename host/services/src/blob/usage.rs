//! How much each container holds: read from the disk once, then kept.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use super::{Error, OBJECTS};

/// What the containers hold that were used since the start.
#[derive(Default)]
pub(super) struct Usages(HashMap<String, Usage>);

/// What one container holds.
#[derive(Clone, Copy, Default)]
pub(super) struct Usage {
    bytes: u64,
    objects: u64,
}

impl Usages {
    /// What `container` in `folder` holds.
    pub(super) fn of(&mut self, container: &str, folder: &Path) -> io::Result<&mut Usage> {
        if !self.0.contains_key(container) {
            self.0.insert(container.to_owned(), Usage::read(folder)?);
        }
        Ok(self.0.entry(container.to_owned()).or_default())
    }
}

impl Usage {
    fn read(folder: &Path) -> io::Result<Self> {
        let mut usage = Usage::default();
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(usage),
            Err(error) => return Err(error),
        };
        for entry in entries {
            usage.bytes += entry?.metadata()?.len();
            usage.objects += 1;
        }
        Ok(usage)
    }

    /// What it holds once an object of `new` bytes is there in place of one of `old`.
    pub(super) fn with(self, new: u64, old: Option<u64>, quota: u64) -> Result<Self, Error> {
        let bytes = self.bytes.saturating_sub(old.unwrap_or(0)) + new;
        let objects = self.objects + u64::from(old.is_none());
        match bytes <= quota && objects <= OBJECTS {
            true => Ok(Usage { bytes, objects }),
            false => Err(Error::Full),
        }
    }

    /// Takes off an object of `bytes` bytes.
    pub(super) fn without(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_sub(bytes);
        self.objects = self.objects.saturating_sub(1);
    }
}
