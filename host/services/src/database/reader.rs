//! A pool of connections that only read; in WAL they never wait for the writer.
//!
//! **Invariant:** a connection comes back to the pool without an open transaction, or not at all.

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::{DatabaseError, connection};

/// Connections open at once. Reads take microseconds, so few serve many threads.
const CONNECTIONS: usize = 8;

/// How long a read waits for a connection before it is refused.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Readers {
    path: PathBuf,
    pool: Mutex<Pool>,
    freed: Condvar,
}

#[derive(Default)]
struct Pool {
    idle: Vec<Connection>,
    open: usize,
}

/// A connection on loan.
struct Loan<'a> {
    readers: &'a Readers,
    connection: Option<Connection>,
}

impl Readers {
    pub(super) fn new(path: &Path) -> Self {
        Readers { path: path.to_owned(), pool: Mutex::default(), freed: Condvar::new() }
    }

    /// Runs `job` on a connection; opens one if none is idle and fewer than [`CONNECTIONS`] are open.
    pub(super) fn run<T, E: From<DatabaseError>>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut loan = self.borrow()?;
        match &mut loan.connection {
            Some(connection) => job(connection),
            empty => job(empty.insert(connection::reader(&self.path).map_err(DatabaseError::from)?)),
        }
    }

    /// Closes what is idle.
    pub(super) fn close(&self) {
        self.lock().idle.clear();
    }

    fn borrow(&self) -> Result<Loan<'_>, DatabaseError> {
        let mut pool = self.lock();
        let started = Instant::now();
        while pool.idle.is_empty() && pool.open == CONNECTIONS {
            let left = PATIENCE.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Err(DatabaseError::Busy);
            }
            pool = self.freed.wait_timeout(pool, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let connection = pool.idle.pop();
        if connection.is_none() {
            pool.open += 1;
        }
        Ok(Loan { readers: self, connection })
    }

    /// A panic inside the lock is impossible short of memory running out, and leaves the pool whole.
    fn lock(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        let whole = !std::thread::panicking();
        let back = self.connection.take().filter(|connection| whole && connection.is_autocommit());
        let mut pool = self.readers.lock();
        match back {
            Some(connection) => pool.idle.push(connection),
            None => pool.open -= 1,
        }
        drop(pool);
        self.readers.freed.notify_one();
    }
}
