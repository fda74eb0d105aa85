//! One thread that writes: it runs whatever is queued in one transaction, syncs once, then answers everybody.
//!
//! **Invariant:** a job is answered with success only after the commit that holds its changes has reached the disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::DatabaseError;

/// Jobs of one transaction, at most.
const BATCH: usize = 256;

/// A transaction takes no more jobs after this, so that the first one's answer is not put off by the last.
const BATCH_TIME: Duration = Duration::from_millis(10);

/// What the writer has done since the database was opened.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) commits: AtomicU64,
    pub(super) jobs: AtomicU64,
}

/// A job in the queue, whatever its result type.
pub(super) trait Job: Send {
    /// Runs it; whether its changes shall stay.
    fn run(&mut self, transaction: &Transaction<'_>) -> bool;
    /// Tells the caller, after the commit or its failure.
    fn answer(self: Box<Self>, failure: Option<DatabaseError>);
}

/// A job with its result and whom to tell.
pub(super) struct Pending<F, T, E> {
    job: Option<F>,
    outcome: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Pending<F, T, E> {
    pub(super) fn new(job: F, reply: oneshot::Sender<Result<T, E>>) -> Box<Self> {
        Box::new(Pending { job: Some(job), outcome: None, reply })
    }
}

impl<F, T, E> Job for Pending<F, T, E>
where
    F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<DatabaseError> + Send,
{
    fn run(&mut self, transaction: &Transaction<'_>) -> bool {
        let Some(job) = self.job.take() else { return false };
        // The savepoint undoes what a panicking job did; the thread must live on for the others.
        self.outcome = catch_unwind(AssertUnwindSafe(|| job(transaction))).ok();
        matches!(self.outcome, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, failure: Option<DatabaseError>) {
        let answer = match (self.outcome, failure) {
            (Some(Err(own)), _) => Err(own),
            (_, Some(failure)) => Err(failure.into()),
            (Some(Ok(value)), None) => Ok(value),
            (None, None) => Err(DatabaseError::Panicked.into()),
        };
        // The caller may have gone away; what was written stays written.
        drop(self.reply.send(answer));
    }
}

/// The thread's whole life: until every handle of the queue is gone and the queue is empty.
pub(super) fn serve(
    mut connection: Connection,
    mut queue: mpsc::Receiver<Box<dyn Job>>,
    counts: Arc<Counts>,
) {
    while let Some(first) = queue.blocking_recv() {
        let mut batch = vec![first];
        let failure = run_batch(&mut connection, &mut batch, &mut queue).err();
        counts.commits.fetch_add(failure.is_none().into(), Ordering::Relaxed);
        counts.jobs.fetch_add(batch.len() as u64, Ordering::Relaxed);
        for job in batch {
            job.answer(failure.clone());
        }
    }
}

/// Runs the first job and those that wait behind it, and commits.
fn run_batch(
    connection: &mut Connection,
    batch: &mut Vec<Box<dyn Job>>,
    queue: &mut mpsc::Receiver<Box<dyn Job>>,
) -> Result<(), DatabaseError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let started = Instant::now();
    while let Some(job) = batch.last_mut() {
        run_job(&transaction, job.as_mut())?;
        if batch.len() == BATCH || started.elapsed() > BATCH_TIME {
            break;
        }
        let Ok(next) = queue.try_recv() else { break };
        batch.push(next);
    }
    Ok(transaction.commit()?)
}

/// Runs one job inside a savepoint, so that its failure undoes nobody else's work.
fn run_job(transaction: &Transaction<'_>, job: &mut dyn Job) -> Result<(), DatabaseError> {
    transaction.prepare_cached("SAVEPOINT job")?.execute([])?;
    let stays = job.run(transaction);
    // A full disk or a failing one can make SQLite roll back everything, and savepoints with it.
    if transaction.is_autocommit() {
        return Err(DatabaseError::GivenUp);
    }
    if !stays {
        transaction.prepare_cached("ROLLBACK TO job")?.execute([])?;
    }
    transaction.prepare_cached("RELEASE job")?.execute([])?;
    Ok(())
}
