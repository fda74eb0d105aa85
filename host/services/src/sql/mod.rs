//! SQLite databases for plugins, a file for each name under `sqlite/` in the state folder.
//!
//! Statements are a guest's own text, so everything is bounded: the file, the rows, the time. They run on threads that may
//! block. **Invariant:** no statement reaches another file than its own, or outlives its caller's deadline by more than
//! an instant.

mod connection;
mod error;
mod rules;
mod session;
#[cfg(test)]
mod tests;
mod value;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ostler_core::plugin::is_name;
use tokio::sync::Semaphore;

use crate::folder;
use crate::scratch::{Place, Scratch};
pub use error::Error;
pub use session::Session;
pub use value::{Answer, Value};

/// What one database may hold, in bytes: 1 GiB.
pub const DATABASE_BYTES: u64 = 1 << 30;

/// Bytes of one statement: 1 MiB.
pub const STATEMENT_BYTES: usize = 1 << 20;

/// Bytes of one value or row: 8 MiB.
pub const VALUE_BYTES: usize = 8 << 20;

/// Rows of one answer.
pub const ROWS: usize = 100_000;

/// Bytes of all values of one answer: 16 MiB.
pub const ANSWER_BYTES: usize = 16 << 20;

/// Connections of all plugins open at once: each costs three file handles.
pub const CONNECTIONS: usize = 256;

/// Statements of all plugins that run at once; more wait within their deadline.
pub const RUNNING: usize = 16;

/// What a database may hold that is copied for one who may not change it: 8 MiB.
pub const COPIED_BYTES: u64 = 8 << 20;

/// Connections to copies open at once.
const CONNECTIONS_HELD: usize = 32;

/// Statements on copies that run at once.
const RUNNING_HELD: usize = 2;

/// Name of the folder of the databases.
const FOLDER: &str = "sqlite";

/// The databases of this host, by name; clones share them. A database comes to be when it is first opened.
///
/// Who may use which is for the caller to decide; here every well-formed name is good.
#[derive(Clone)]
pub struct Sql {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    place: Place,
    /// What the databases begin as, for one who may not change those.
    behind: Option<Arc<Shared>>,
    /// Bytes of one database.
    quota: u64,
    open: Arc<Semaphore>,
    running: Arc<Semaphore>,
    /// One connection per database that nobody uses: when the last one closes, SQLite folds the write-ahead log into the
    /// file, which is not for a request to wait for.
    kept: Mutex<HashMap<String, rusqlite::Connection>>,
}

impl Sql {
    /// Databases in `state_dir`; nothing is made before it is used.
    pub fn new(state_dir: &Path) -> Self {
        Sql { shared: Arc::new(Shared::new(Place::Lasting(state_dir.join(FOLDER)))) }
    }

    /// The same databases with another quota: bytes each may hold.
    pub fn with_quota(self, quota: u64) -> Self {
        let place = self.shared.place.clone();
        Sql { shared: Arc::new(Shared { quota, ..Shared::new(place) }) }
    }

    /// The same databases for one who may change nothing: one of at most [`COPIED_BYTES`] is copied to `scratch` when it is
    /// first opened, and statements see the copy; a larger one can only be read.
    pub fn holding_back(&self, scratch: &Scratch) -> Self {
        let shared = Shared {
            quota: 2 * COPIED_BYTES,
            behind: Some(self.shared.clone()),
            open: Arc::new(Semaphore::new(CONNECTIONS_HELD)),
            running: Arc::new(Semaphore::new(RUNNING_HELD)),
            ..Shared::new(Place::Scratch(scratch.clone(), FOLDER))
        };
        Sql { shared: Arc::new(shared) }
    }

    /// The same again with nothing copied yet, if this one holds writes back; else the same. All that were made of one
    /// another share its bounds.
    pub fn afresh(&self, scratch: &Scratch) -> Self {
        if self.shared.behind.is_none() {
            return self.clone();
        }
        let Shared { quota, behind, open, running, .. } = &*self.shared;
        let (behind, open, running) = (behind.clone(), open.clone(), running.clone());
        let place = Place::Scratch(scratch.clone(), FOLDER);
        Sql { shared: Arc::new(Shared { quota: *quota, behind, open, running, ..Shared::new(place) }) }
    }

    /// Opens the database `name` on a thread that may block.
    ///
    /// # Errors
    /// `Invalid` for a name outside its limits, `Busy` if too many connections are open, `Unavailable`.
    pub async fn open(&self, name: &str) -> Result<Session, Error> {
        if !is_name(name) {
            return Err(Error::Invalid("a database has a name of 1 to 63 of a-z, 0-9, - and _".into()));
        }
        let permit = self.shared.open.clone().try_acquire_owned().map_err(|_| Error::Busy)?;
        let (shared, name) = (self.shared.clone(), name.to_owned());
        let opened = tokio::task::spawn_blocking(move || shared.open(&name)).await;
        let connection = opened.map_err(|_| Error::Unavailable("a thread panicked".into()))??;
        Ok(Session::new(connection, self.shared.running.clone(), permit))
    }
}

impl Shared {
    fn new(place: Place) -> Self {
        Shared {
            place,
            behind: None,
            quota: DATABASE_BYTES,
            open: Arc::new(Semaphore::new(CONNECTIONS)),
            running: Arc::new(Semaphore::new(RUNNING)),
            kept: Mutex::default(),
        }
    }

    fn open(&self, name: &str) -> Result<rusqlite::Connection, Error> {
        if let Some(real) = &self.behind {
            return self.open_copy(real, name);
        }
        let path = self.keep(name, connection::keeper)?;
        Ok(connection::guests(&path, self.quota, true)?)
    }

    /// Opens what the database `name` of `real` is now, to be changed here; one that is too large to copy, to be read.
    fn open_copy(&self, real: &Shared, name: &str) -> Result<rusqlite::Connection, Error> {
        let Some(source) = real.there(name) else {
            let path = self.keep(name, connection::keeper)?;
            return Ok(connection::guests(&path, self.quota, false)?);
        };
        real.keep(name, connection::keeper)?;
        let source = connection::reader(&source)?;
        if connection::bytes(&source)? > COPIED_BYTES {
            return Ok(connection::bounded(source)?);
        }
        let path = self.keep(name, |path| connection::copy(&source, path))?;
        Ok(connection::guests(&path, self.quota, false)?)
    }

    /// The file of the database `name`, which is made and kept open with `keeper` if it is not yet.
    fn keep(
        &self,
        name: &str,
        keeper: impl FnOnce(&Path) -> rusqlite::Result<rusqlite::Connection>,
    ) -> Result<PathBuf, Error> {
        let unavailable = |error: io::Error| Error::Unavailable(error.to_string());
        let folder = self.place.make().map_err(unavailable)?;
        let path = folder.join(format!("{name}.db"));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.contains_key(name) {
            folder::private(&folder, None).map_err(unavailable)?;
            folder::private_file(&path).map_err(unavailable)?;
            kept.insert(name.to_owned(), keeper(&path)?);
        }
        Ok(path)
    }

    /// The file of the database `name`, if it is there.
    fn there(&self, name: &str) -> Option<PathBuf> {
        let path = self.place.there()?.join(format!("{name}.db"));
        path.is_file().then_some(path)
    }
}
