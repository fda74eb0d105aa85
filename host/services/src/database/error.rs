//! What can go wrong with the database, told with its repair.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::ErrorCode;

/// Why the database could not be opened, read or written. Cloned when one failed commit answers many jobs.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DatabaseError {
    /// The folder or a file in it cannot be made or opened.
    #[error("cannot use the state folder: {}: {source}; check its owner, mode and disk", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// Another running host holds the folder.
    #[error("{} belongs to a running host; stop that one or give this one a state folder of its own", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A database, but not one of Ostler's.
    #[error("{} is a database of another program; name another state folder", path.display())]
    Foreign {
        /// The database file.
        path: PathBuf,
    },
    /// Written by a version of Ostler that knows more tables than this one.
    #[error(
        "{} has schema {found}, this version knows {known}; start the newer version, or restore a backup from before it",
        path.display()
    )]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema this version knows.
        known: i64,
    },
    /// The file is no whole database.
    #[error(
        "{} is damaged ({source}); stop the host, move the file away with its -wal and -shm, and restore a backup, \
         or rescue what is left: sqlite3 damaged.db .recover | sqlite3 ostler.db",
        path.display()
    )]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What SQLite said.
        source: Arc<rusqlite::Error>,
    },
    /// The disk (or a quota on it) has no room left. Nothing was changed.
    #[error("no room left for the database ({0}); free some on the disk of the state folder")]
    Full(#[source] Arc<rusqlite::Error>),
    /// A write shared its transaction with one that made SQLite give it up. Nothing was changed.
    #[error("the database gave up a transaction; the write was not made and may be tried again")]
    GivenUp,
    /// All read connections stayed in use for seconds.
    #[error("no read connection became free in time; try again")]
    Busy,
    /// The database is being closed.
    #[error("the database is closed")]
    Closed,
    /// A job panicked; its changes were undone.
    #[error("a database job panicked; its changes were undone")]
    Panicked,
    /// Anything else that SQLite reports.
    #[error("the database failed: {0}")]
    Failed(#[source] Arc<rusqlite::Error>),
}

impl DatabaseError {
    /// The failure of I/O at `path`.
    pub(super) fn folder(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| DatabaseError::Folder { path: path.to_owned(), source: Arc::new(source) }
    }

    /// What SQLite reported about the file at `path`.
    pub(super) fn sqlite(path: &Path, error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => DatabaseError::Full(Arc::new(error)),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                DatabaseError::Damaged { path: path.to_owned(), source: Arc::new(error) }
            }
            _ => DatabaseError::Failed(Arc::new(error)),
        }
    }
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        DatabaseError::sqlite(Path::new(super::FILE), error)
    }
}
