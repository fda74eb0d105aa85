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

/// The databases of this host, by name; clones share them. A database comes to be when it is first opened.
///
/// Who may use which is for the caller to decide; here every well-formed name is good.
#[derive(Clone)]
pub struct Sql {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    folder: PathBuf,
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
        Sql { shared: Arc::new(Shared::new(state_dir.join("sqlite"))) }
    }

    /// The same databases with another quota: bytes each may hold.
    pub fn with_quota(self, quota: u64) -> Self {
        let folder = self.shared.folder.clone();
        Sql { shared: Arc::new(Shared { quota, ..Shared::new(folder) }) }
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
    fn new(folder: PathBuf) -> Self {
        Shared {
            folder,
            quota: DATABASE_BYTES,
            open: Arc::new(Semaphore::new(CONNECTIONS)),
            running: Arc::new(Semaphore::new(RUNNING)),
            kept: Mutex::default(),
        }
    }

    fn open(&self, name: &str) -> Result<rusqlite::Connection, Error> {
        let path = self.folder.join(format!("{name}.db"));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.contains_key(name) {
            self.make(&path).map_err(|error| Error::Unavailable(error.to_string()))?;
            kept.insert(name.to_owned(), connection::keeper(&path)?);
        }
        drop(kept);
        Ok(connection::guests(&path, self.quota)?)
    }

    fn make(&self, path: &Path) -> io::Result<()> {
        folder::private(&self.folder, None)?;
        folder::private_file(path).map(drop)
    }
}
