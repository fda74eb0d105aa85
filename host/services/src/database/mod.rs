//! The database of this host: one SQLite file in the state folder, one thread that writes, a few connections that read.
//!
//! Writes are `async` and return once they are on the disk; many share one sync. Reads are plain functions: they run on
//! the caller's thread in microseconds and never wait for a write.

mod connection;
mod error;
mod reader;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, Transaction};
use tokio::sync::{mpsc, oneshot};

pub use error::DatabaseError;
pub use rusqlite;

use crate::folder;
use reader::Readers;
use writer::{Counts, Job, Pending};

/// Name of the database file in the state folder.
pub const FILE: &str = "ostler.db";

/// Writes that may wait; the next one waits for a place in the queue, which is what slows down a flood.
const QUEUE: usize = 1024;

/// The database; clones share it. The last one to go waits for queued writes and closes the file.
#[derive(Clone)]
pub struct Database {
    shared: Arc<Shared>,
}

/// What the writer has done since the database was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Transactions committed, each with one sync of the disk.
    pub commits: u64,
    /// Writes run in them, failed ones included.
    pub jobs: u64,
}

struct Shared {
    path: PathBuf,
    readers: Readers,
    /// `None` only while closing.
    queue: Option<mpsc::Sender<Box<dyn Job>>>,
    writer: Option<JoinHandle<()>>,
    counts: Arc<Counts>,
    /// Held as long as the database is open; the kernel frees it when the process dies.
    _lock: File,
}

impl Database {
    /// Opens `state_dir/ostler.db`, makes folder (0700) and file (0600) where they are missing, and brings the schema up
    /// to date. Blocks on the disk: for start-up.
    ///
    /// # Errors
    /// The folder cannot be used or belongs to a running host; the file is damaged, another program's, or newer.
    pub fn open(state_dir: &Path) -> Result<Self, DatabaseError> {
        let lock = claim(state_dir)?;
        let path = state_dir.join(FILE);
        // SQLite gives -wal and -shm the mode of the file.
        folder::private_file(&path).map_err(DatabaseError::folder(&path))?;
        let mut connection =
            connection::writer(&path).map_err(|error| DatabaseError::sqlite(&path, error))?;
        schema::migrate(&mut connection, &path)?;
        let (queue, jobs) = mpsc::channel(QUEUE);
        let counts = Arc::<Counts>::default();
        let writer = thread::Builder::new()
            .name("database".into())
            .spawn({
                let counts = counts.clone();
                move || writer::serve(connection, jobs, counts)
            })
            .map_err(DatabaseError::folder(&path))?;
        let readers = Readers::new(&path);
        let shared = Shared { path, readers, queue: Some(queue), writer: Some(writer), counts, _lock: lock };
        Ok(Database { shared: Arc::new(shared) })
    }

    /// Runs `job` in a transaction and returns its value once that has reached the disk.
    ///
    /// If `job` fails or panics, its changes are undone and those of other jobs are not. Dropping the future does not
    /// undo a job that has been queued. `job` runs on the one thread that writes: keep it to SQL.
    ///
    /// # Errors
    /// What `job` returned, or a [`DatabaseError`] if the transaction could not be committed; then nothing was changed.
    pub async fn write<T, E>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DatabaseError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let queue = self.shared.queue.as_ref().ok_or(DatabaseError::Closed)?;
        queue.send(Pending::new(job, reply)).await.map_err(|_| DatabaseError::Closed)?;
        answer.await.unwrap_or_else(|_| Err(DatabaseError::Closed.into()))
    }

    /// [`Database::write`] for a thread of one's own; panics on a thread that drives async tasks, as it would stall them.
    ///
    /// # Errors
    /// As [`Database::write`].
    pub fn write_blocking<T, E>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DatabaseError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let queue = self.shared.queue.as_ref().ok_or(DatabaseError::Closed)?;
        queue.blocking_send(Pending::new(job, reply)).map_err(|_| DatabaseError::Closed)?;
        answer.blocking_recv().unwrap_or_else(|_| Err(DatabaseError::Closed.into()))
    }

    /// Runs `job` on a connection that can only read, on this thread. Use `prepare_cached` in it.
    ///
    /// It sees every write acknowledged before it began. Statements in one `unchecked_transaction` see one moment.
    ///
    /// # Errors
    /// What `job` returned, or a [`DatabaseError`] if no connection could be had.
    pub fn read<T, E: From<DatabaseError>>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.shared.readers.run(job)
    }

    /// Moves all that was acknowledged into the file itself, so that a copy of it alone is whole: for a stop, where not all
    /// clones can be waited for. Blocks on the disk.
    ///
    /// # Errors
    /// If the disk fails; nothing is lost by it.
    pub fn settle(&self) -> Result<(), DatabaseError> {
        let connection = connection::writer(&self.shared.path)?;
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// The folder it lies in, which belongs to this process while the database is open.
    pub fn state_dir(&self) -> &Path {
        self.shared.path.parent().unwrap_or(Path::new("."))
    }

    /// How many writes shared how many commits.
    pub fn stats(&self) -> Stats {
        let Counts { commits, jobs } = &*self.shared.counts;
        Stats { commits: commits.load(Ordering::Relaxed), jobs: jobs.load(Ordering::Relaxed) }
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Database({})", self.shared.path.display())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Readers first: the connection that closes last tidies up the WAL, and a reader may not.
        self.readers.close();
        self.queue = None;
        // A job may own the last handle; a thread cannot wait for itself.
        if let Some(writer) =
            self.writer.take().filter(|writer| writer.thread().id() != thread::current().id())
        {
            drop(writer.join());
        }
    }
}

/// Makes the folder and takes it for this process.
fn claim(state_dir: &Path) -> Result<File, DatabaseError> {
    folder::private(state_dir, Some(FILE)).map_err(DatabaseError::folder(state_dir))?;
    let path = state_dir.join("lock");
    let lock = folder::lock(&path).map_err(DatabaseError::folder(&path))?;
    lock.ok_or_else(|| DatabaseError::InUse { path: state_dir.to_owned() })
}
