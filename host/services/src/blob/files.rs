//! The files behind the containers. Everything here blocks on the disk.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use super::{Behind, Error, Id, STAGED_BYTES, Shared, Staged, name, sync};
use crate::folder;
use crate::scratch::Place;

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
    pub(super) fn new(place: Place, quota: u64) -> Self {
        let usages = Mutex::default();
        Shared { place, behind: None, quota, usages, staged: Arc::default(), serial: AtomicU64::new(0) }
    }

    pub(super) fn stage(&self) -> Result<Staged, Error> {
        let folder = self.place.make()?.join(UNFINISHED);
        folder::private(&folder, None)?;
        let path = folder.join(self.serial.fetch_add(1, Relaxed).to_string());
        let file = OpenOptions::new().create_new(true).read(true).write(true).mode(0o600).open(&path)?;
        Ok(Staged::new(file, path, self.staged.clone(), self.quota.min(STAGED_BYTES)))
    }

    pub(super) fn commit(&self, staged: Staged, id: &Id) -> Result<(), Error> {
        let folder = self.place.make()?.join(name::container(&id.container)?);
        let path = folder.join(name::file(&id.object)?);
        if self.place.lasts() {
            staged.file.sync_all()?;
        }
        folder::private(&folder, None)?;
        let mut usages = self.usages.lock().unwrap_or_else(PoisonError::into_inner);
        let usage = usages.of(&id.container, &folder)?;
        let old = found(fs::metadata(&path))?.map(|old| old.len());
        let after = usage.with(staged.bytes, old, self.quota)?;
        fs::rename(&staged.path, &path)?;
        *usage = after;
        drop(usages);
        if self.place.lasts() {
            sync(&folder)?;
        }
        Ok(())
    }

    pub(super) fn object(&self, id: &Id) -> Result<Object, Error> {
        let own = self.path(id)?.map(File::open).map(found).transpose()?.flatten();
        let Some(file) = own else {
            return self.real(id).ok_or_else(|| missing(id))?.object(id);
        };
        let bytes = file.metadata()?.len();
        Ok(Object { file, bytes })
    }

    pub(super) fn info(&self, id: &Id) -> Result<Info, Error> {
        let own = self.path(id)?.map(fs::metadata).map(found).transpose()?.flatten();
        let Some(metadata) = own else {
            return self.real(id).ok_or_else(|| missing(id))?.info(id);
        };
        Ok(Info { bytes: metadata.len(), created: written(&metadata) })
    }

    pub(super) fn list(&self, container: &str) -> Result<Vec<String>, Error> {
        let entries = self.container(container)?.map(fs::read_dir).map(found).transpose()?.flatten();
        let names = entries.into_iter().flatten().map(|entry| Ok(entry?.file_name()));
        let names = names.collect::<io::Result<Vec<_>>>()?;
        let mut names: Vec<_> = names.iter().filter_map(|file| name::object(file.to_str()?)).collect();
        if let Some(behind) = &self.behind {
            let id = |object: String| Id { container: container.to_owned(), object };
            let hidden = behind.hidden.lock().unwrap_or_else(PoisonError::into_inner);
            let there = behind.real.list(container)?.into_iter().map(id);
            names.extend(there.filter(|id| !hidden.contains(id)).map(|id| id.object));
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    pub(super) fn created(&self, container: &str) -> Result<u64, Error> {
        if let Some(behind) = &self.behind
            && let created @ 1.. = behind.real.created(container)?
        {
            return Ok(created);
        }
        let metadata = self.container(container)?.map(fs::metadata).map(found).transpose()?.flatten();
        let created = metadata.and_then(|metadata| metadata.created().or_else(|_| metadata.modified()).ok());
        Ok(created.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map_or(0, |age| age.as_secs()))
    }

    pub(super) fn delete(&self, container: &str, names: &[String]) -> Result<(), Error> {
        if let Some(behind) = &self.behind {
            behind.hide(container, names)?;
        }
        let Some(folder) = self.container(container)? else { return Ok(()) };
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
        if any && self.place.lasts() {
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

    /// The folder of a container, if there can be anything in it.
    fn container(&self, name: &str) -> Result<Option<PathBuf>, Error> {
        let name = name::container(name)?;
        Ok(self.place.there().map(|folder| folder.join(name)))
    }

    fn path(&self, id: &Id) -> Result<Option<PathBuf>, Error> {
        let file = name::file(&id.object)?;
        Ok(self.container(&id.container)?.map(|folder| folder.join(file)))
    }

    /// Where an object is looked for that is not here.
    fn real(&self, id: &Id) -> Option<&Shared> {
        let behind = self.behind.as_ref()?;
        let hidden = behind.hidden.lock().unwrap_or_else(PoisonError::into_inner);
        (!hidden.contains(id)).then_some(&*behind.real)
    }
}

impl Behind {
    /// Remembers that these are deleted, as far as they are there: so there are never more than a container's objects.
    fn hide(&self, container: &str, names: &[String]) -> Result<(), Error> {
        for object in names {
            let id = Id { container: container.to_owned(), object: object.clone() };
            match self.real.info(&id) {
                Ok(_) => drop(self.hidden.lock().unwrap_or_else(PoisonError::into_inner).insert(id)),
                Err(Error::Missing(..)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
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
