//! Containers of objects for plugins: a folder for each container under `blob/` in the state folder, a file for each object.
//!
//! An object is written beside the others and takes its place whole. **Invariant:** a reader sees an object as it was when
//! it was opened, whatever happens to its name; what was acknowledged survives `kill -9` and loss of power.

mod error;
mod files;
mod name;
mod staged;
#[cfg(test)]
mod tests;
mod usage;

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

pub use error::Error;
pub use files::{Info, Object};
pub use staged::Staged;
use usage::Usages;

use crate::scratch::{Place, Scratch};

/// What one container may hold, in bytes: 1 GiB.
pub const CONTAINER_BYTES: u64 = 1 << 30;

/// Objects in one container.
pub const OBJECTS: u64 = 10_000;

/// Bytes of one object: 256 MiB.
pub const OBJECT_BYTES: u64 = 256 << 20;

/// Longest name of an object, in bytes; the shortest is 1.
pub const OBJECT_NAME: usize = 120;

/// Bytes of all objects that are being written and have no name yet: 1 GiB.
pub const STAGED_BYTES: u64 = 1 << 30;

/// Bytes that one who may change nothing writes to a container: 16 MiB.
pub const HELD_BYTES: u64 = 16 << 20;

/// Name of the folder of the containers.
const FOLDER: &str = "blob";

/// The containers of this host; clones share them. A container comes to be with its first object.
///
/// Who may use which is for the caller to decide; here every well-formed name is good. All calls run on threads that may
/// block.
#[derive(Clone)]
pub struct Blobs {
    shared: Arc<Shared>,
}

struct Shared {
    place: Place,
    /// What is read where there is nothing here, for one who may not change that.
    behind: Option<Behind>,
    /// Bytes of one container.
    quota: u64,
    /// Held while an object takes or leaves its place, so that the sums stay true.
    usages: Mutex<Usages>,
    staged: Arc<AtomicU64>,
    serial: AtomicU64,
}

/// The real containers behind those of one who may not change them.
struct Behind {
    real: Arc<Shared>,
    /// What was deleted, or replaced and then deleted.
    hidden: Mutex<HashSet<Id>>,
}

/// An object by container and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Id {
    /// Name of the container.
    pub container: String,
    /// Name of the object, any text.
    pub object: String,
}

impl Blobs {
    /// Containers in `state_dir`; nothing is made before it is used. What a dead host had not finished is removed.
    pub fn new(state_dir: &Path) -> Self {
        let folder = state_dir.join(FOLDER);
        let _ = std::fs::remove_dir_all(folder.join(files::UNFINISHED));
        Blobs { shared: Arc::new(Shared::new(Place::Lasting(folder), CONTAINER_BYTES)) }
    }

    /// The same containers with another quota: bytes each may hold, and all that is being written.
    pub fn with_quota(self, quota: u64) -> Self {
        Blobs { shared: Arc::new(Shared::new(self.shared.place.clone(), quota)) }
    }

    /// The same containers for one who may change nothing: objects are written to `scratch`, [`HELD_BYTES`] at most per
    /// container, and read from there before the real ones; what is deleted is hidden.
    pub fn holding_back(&self, scratch: &Scratch) -> Self {
        let place = Place::Scratch(scratch.clone(), FOLDER);
        let behind = Behind { real: self.shared.clone(), hidden: Mutex::default() };
        Blobs { shared: Arc::new(Shared { behind: Some(behind), ..Shared::new(place, HELD_BYTES) }) }
    }

    /// The same again with nothing written yet, if this one holds writes back; else the same.
    pub fn afresh(&self, scratch: &Scratch) -> Self {
        match &self.shared.behind {
            Some(behind) => Blobs { shared: behind.real.clone() }.holding_back(scratch),
            None => self.clone(),
        }
    }

    /// Begins an object; [`Blobs::commit`] gives it a name.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn stage(&self) -> Result<Staged, Error> {
        self.run(Shared::stage).await
    }

    /// Makes what was staged the object `id`, in place of an earlier one.
    ///
    /// # Errors
    /// `Invalid` for a name outside its limits, `Full`, `Unavailable`.
    pub async fn commit(&self, staged: Staged, id: Id) -> Result<(), Error> {
        self.run(move |shared| shared.commit(staged, &id)).await
    }

    /// Opens the object `id` as it is now.
    ///
    /// # Errors
    /// `Missing`, `Invalid`, `Unavailable`.
    pub async fn open(&self, id: Id) -> Result<Object, Error> {
        self.run(move |shared| shared.object(&id)).await
    }

    /// Size and age of the object `id`.
    ///
    /// # Errors
    /// `Missing`, `Invalid`, `Unavailable`.
    pub async fn info(&self, id: Id) -> Result<Info, Error> {
        self.run(move |shared| shared.info(&id)).await
    }

    /// Names of all objects in `container`, in the order of bytes.
    ///
    /// # Errors
    /// `Invalid`, `Unavailable`.
    pub async fn list(&self, container: String) -> Result<Vec<String>, Error> {
        self.run(move |shared| shared.list(&container)).await
    }

    /// When `container` got its first object, in seconds since 1970; 0 if it has none.
    ///
    /// # Errors
    /// `Invalid`, `Unavailable`.
    pub async fn created(&self, container: String) -> Result<u64, Error> {
        self.run(move |shared| shared.created(&container)).await
    }

    /// Deletes objects; one that is not there is none of its concern.
    ///
    /// # Errors
    /// `Invalid`, `Unavailable`.
    pub async fn delete(&self, container: String, names: Vec<String>) -> Result<(), Error> {
        self.run(move |shared| shared.delete(&container, &names)).await
    }

    /// Deletes all objects of `container`.
    ///
    /// # Errors
    /// `Invalid`, `Unavailable`.
    pub async fn clear(&self, container: String) -> Result<(), Error> {
        self.run(move |shared| shared.delete(&container, &shared.list(&container)?)).await
    }

    /// Copies an object, over another if need be.
    ///
    /// # Errors
    /// `Missing`, `Invalid`, `Full`, `Unavailable`.
    pub async fn copy(&self, from: Id, to: Id) -> Result<(), Error> {
        self.run(move |shared| shared.copy(&from, &to)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Shared) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let shared = self.shared.clone();
        let done = tokio::task::spawn_blocking(move || job(&shared)).await;
        done.unwrap_or_else(|_| Err(Error::Unavailable("a thread panicked".into())))
    }
}

/// Makes what a folder holds last.
fn sync(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}
