//! The files behind the containers. Everything here blocks on the disk.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use super::{Error, Id, STAGED_BYTES, Shared, Staged, name, sync};
use crate::folder;

/// Folder of objects without a name; no container is called so.
pub(super) const UNFINISHED: &str = ".unfinished";

/// An object, open for reading.
#[derive(Debug)]
pub struct Object {
    /// Its bytes.
    pub file: File,
    /// How many there are.
    pub bytes: u64,
}

/// Facts about an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Info {
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was written, in seconds since 1970.
    pub created: u64,
}

impl Shared {
    pub(super) fn new(folder: PathBuf, quota: u64) -> Self {
        let usages = Mutex::default();
        Shared { folder, quota, usages, staged: Arc::default(), serial: AtomicU64::new(0) }
    }

    pub(super) fn stage(&self) -> Result<Staged, Error> {
        let folder = self.folder.join(UNFINISHED);
        folder::private(&folder, None)?;
        let path = folder.join(self.serial.fetch_add(1, Relaxed).to_string());
        let file = OpenOptions::new().create_new(true).read(true).write(true).mode(0o600).open(&path)?;
        Ok(Staged::new(file, path, self.staged.clone(), self.quota.min(STAGED_BYTES)))
    }

    pub(super) fn commit(&self, staged: Staged, id: &Id) -> Result<(), Error> {
        let (folder, path) = (self.container(&id.container)?, self.path(id)?);
        staged.file.sync_all()?;
        folder::private(&folder, None)?;
        let mut usages = self.usages.lock().unwrap_or_else(PoisonError::into_inner);
        let usage = usages.of(&id.container, &folder)?;
        let old = found(fs::metadata(&path))?.map(|old| old.len());
        let after = usage.with(staged.bytes, old, self.quota)?;
        fs::rename(&staged.path, &path)?;
        *usage = after;
        drop(usages);
        Ok(sync(&folder)?)
    }

    pub(super) fn object(&self, id: &Id) -> Result<Object, Error> {
        let file = found(File::open(self.path(id)?))?.ok_or_else(|| missing(id))?;
        let bytes = file.metadata()?.len();
        Ok(Object { file, bytes })
    }

    pub(super) fn info(&self, id: &Id) -> Result<Info, Error> {
        let metadata = found(fs::metadata(self.path(id)?))?.ok_or_else(|| missing(id))?;
        Ok(Info { bytes: metadata.len(), created: written(&metadata) })
    }

    pub(super) fn list(&self, container: &str) -> Result<Vec<String>, Error> {
        let Some(entries) = found(fs::read_dir(self.container(container)?))? else { return Ok(Vec::new()) };
        let names = entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
        let mut names: Vec<_> = names.iter().filter_map(|file| name::object(file.to_str()?)).collect();
        names.sort_unstable();
        Ok(names)
    }

    pub(super) fn created(&self, container: &str) -> Result<u64, Error> {
        let metadata = found(fs::metadata(self.container(container)?))?;
        let created = metadata.and_then(|metadata| metadata.created().or_else(|_| metadata.modified()).ok());
        Ok(created.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map_or(0, |age| age.as_secs()))
    }

    pub(super) fn delete(&self, container: &str, names: &[String]) -> Result<(), Error> {
        let folder = self.container(container)?;
        let mut usages = self.usages.lock().unwrap_or_else(PoisonError::into_inner);
        let usage = usages.of(container, &folder)?;
        let mut any = false;
        for name in names {
            let path = folder.join(name::file(name)?);
            let Some(metadata) = found(fs::metadata(&path))? else { continue };
            fs::remove_file(&path)?;
            usage.without(metadata.len());
            any = true;
        }
        drop(usages);
        if any {
            sync(&folder)?;
        }
        Ok(())
    }

    pub(super) fn copy(&self, from: &Id, to: &Id) -> Result<(), Error> {
        let mut object = self.object(from)?;
        let mut staged = self.stage()?;
        let mut buffer = vec![0; 64 << 10];
        loop {
            match io::Read::read(&mut object.file, &mut buffer)? {
                0 => return self.commit(staged, to),
                read => staged.write(&buffer[..read])?,
            }
        }
    }

    fn container(&self, name: &str) -> Result<PathBuf, Error> {
        Ok(self.folder.join(name::container(name)?))
    }

    fn path(&self, id: &Id) -> Result<PathBuf, Error> {
        Ok(self.container(&id.container)?.join(name::file(&id.object)?))
    }
}

fn missing(id: &Id) -> Error {
    Error::Missing(id.container.clone(), id.object.clone())
}

fn written(metadata: &Metadata) -> u64 {
    let modified = metadata.modified().ok();
    modified.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map_or(0, |age| age.as_secs())
}

/// None for what is not there.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}
