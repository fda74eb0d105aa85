//! One connection of one guest, and the statements it carries out, one at a time.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rusqlite::{Connection, params_from_iter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout_at;

use super::connection::PATIENCE;
use super::{ANSWER_BYTES, Answer, Error, ROWS, Value};

/// Steps of SQLite's machine between two looks at the clock.
const STEPS: i32 = 1_000;

/// An open database. What it began and did not commit is undone when it is dropped.
pub struct Session {
    inner: Arc<Inner>,
    running: Arc<Semaphore>,
}

struct Inner {
    /// `None` only while it is dropped.
    connection: Mutex<Option<Connection>>,
    last_insert: AtomicI64,
    changes: AtomicU64,
    in_transaction: AtomicBool,
    _permit: OwnedSemaphorePermit,
}

/// Ends the statement whose caller has gone.
struct Caller(Arc<AtomicBool>);

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

impl Session {
    pub(super) fn new(connection: Connection, running: Arc<Semaphore>, permit: OwnedSemaphorePermit) -> Self {
        let inner = Inner {
            connection: Mutex::new(Some(connection)),
            last_insert: AtomicI64::new(0),
            changes: AtomicU64::new(0),
            in_transaction: AtomicBool::new(false),
            _permit: permit,
        };
        Session { inner: Arc::new(inner), running }
    }

    /// Carries out one statement until `deadline`, on a thread that may block. Dropping the future ends it.
    ///
    /// # Errors
    /// See [`Error`]; a statement that failed has changed nothing.
    pub async fn execute(
        &self,
        statement: String,
        parameters: Vec<Value>,
        deadline: Instant,
    ) -> Result<Answer, Error> {
        let turn = timeout_at(deadline.into(), self.running.clone().acquire_owned()).await;
        let turn = turn.map_err(|_| Error::Deadline)?.map_err(|_| Error::Busy)?;
        let gone = Arc::new(AtomicBool::new(false));
        let (caller, inner) = (Caller(gone.clone()), self.inner.clone());
        let answered = spawn_blocking(move || {
            let _turn = turn;
            inner.execute(&statement, &parameters, deadline, gone)
        })
        .await;
        drop(caller);
        answered.unwrap_or_else(|_| Err(Error::Unavailable("a thread panicked".into())))
    }

    /// Row id of the last `INSERT` of this connection; 0 before the first.
    pub fn last_insert_rowid(&self) -> i64 {
        self.inner.last_insert.load(Relaxed)
    }

    /// Rows that the last `INSERT`, `UPDATE` or `DELETE` of this connection touched.
    pub fn changes(&self) -> u64 {
        self.inner.changes.load(Relaxed)
    }

    /// Whether it has begun what it has neither committed nor undone.
    pub fn in_transaction(&self) -> bool {
        self.inner.in_transaction.load(Relaxed)
    }
}

impl Inner {
    fn execute(
        &self,
        statement: &str,
        parameters: &[Value],
        deadline: Instant,
        gone: Arc<AtomicBool>,
    ) -> Result<Answer, Error> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(connection) = connection.as_mut() else { return Err(Error::Busy) };
        let late = move || gone.load(Relaxed) || Instant::now() >= deadline;
        if late() {
            return Err(Error::Deadline);
        }
        connection.busy_timeout(deadline.saturating_duration_since(Instant::now()).min(PATIENCE))?;
        connection.progress_handler(STEPS, Some(late))?;
        let answer = answer(connection, statement, parameters);
        self.last_insert.store(connection.last_insert_rowid(), Relaxed);
        self.changes.store(connection.changes(), Relaxed);
        self.in_transaction.store(!connection.is_autocommit(), Relaxed);
        answer
    }
}

fn answer(connection: &Connection, statement: &str, parameters: &[Value]) -> Result<Answer, Error> {
    let mut statement = connection.prepare(statement)?;
    let columns: Vec<_> = statement.column_names().map(str::to_owned).collect();
    let width = columns.len();
    let mut answer = Answer { columns, rows: Vec::new() };
    let mut left = ANSWER_BYTES;
    let mut rows = statement.query(params_from_iter(parameters))?;
    while let Some(row) = rows.next()? {
        let values: Vec<Value> =
            (0..width).map(|column| Ok(row.get_ref(column)?.into())).collect::<rusqlite::Result<_>>()?;
        let bytes = values.iter().map(Value::bytes).sum();
        left = left.checked_sub(bytes).ok_or(Error::TooLarge)?;
        if answer.rows.len() == ROWS {
            return Err(Error::TooLarge);
        }
        answer.rows.push(values);
    }
    Ok(answer)
}

impl Drop for Inner {
    fn drop(&mut self) {
        let connection = self.connection.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // Closing may undo a transaction, which takes the disk.
        if let Ok(tokio) = tokio::runtime::Handle::try_current() {
            tokio.spawn_blocking(move || drop(connection));
        }
    }
}
