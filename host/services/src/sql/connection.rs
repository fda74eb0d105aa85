//! How a plugin's database is opened.

use std::path::Path;
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use super::{STATEMENT_BYTES, VALUE_BYTES, rules};

/// Bytes of one page, SQLite's own default.
const PAGE: u64 = 4096;

/// How long a statement waits for another's write, if its deadline allows.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// The connection that keeps a database open; it sets what lasts in the file.
pub(super) fn keeper(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open(path)?;
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = 67108864;")?;
    // Until it is read, the connection does not hold the file.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

/// The same for a copy of what `source` is now.
pub(super) fn copy(source: &Connection, path: &Path) -> rusqlite::Result<Connection> {
    let mut connection = open(path)?;
    connection.execute_batch("PRAGMA synchronous = OFF;")?;
    Backup::new(source, &mut connection)?.run_to_completion(i32::MAX, Duration::ZERO, None)?;
    connection.execute_batch("PRAGMA journal_mode = WAL;")?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

/// What a database holds.
pub(super) fn bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
    let page: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    Ok(pages.saturating_mul(page).unsigned_abs())
}

/// A connection for a guest's own statements; what they write reaches the disk at once if it is to last.
pub(super) fn guests(path: &Path, quota: u64, lasts: bool) -> rusqlite::Result<Connection> {
    let connection = open(path)?;
    let synchronous = if lasts { "FULL" } else { "OFF" };
    connection.execute_batch(&format!(
        "PRAGMA synchronous = {synchronous}; PRAGMA cache_size = -2048; PRAGMA max_page_count = {};",
        (quota / PAGE).max(1)
    ))?;
    bounded(connection)
}

/// A connection for a guest's own statements of which none can change anything.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open_for(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -2048;")?;
    Ok(connection)
}

/// Sets what no statement of a guest can change.
pub(super) fn bounded(mut connection: Connection) -> rusqlite::Result<Connection> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_SQL_LENGTH, STATEMENT_BYTES),
        (Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
        (Limit::SQLITE_LIMIT_COLUMN, 500),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 200),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 100),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 10),
        (Limit::SQLITE_LIMIT_VDBE_OP, 1_000_000),
    ] {
        connection.set_limit(limit, value as i32)?;
    }
    connection.authorizer(Some(rules::judge))?;
    Ok(connection)
}

/// Without SQLite's own mutex: a connection here belongs to one thread at a time. A file that is gone is not made again.
fn open(path: &Path) -> rusqlite::Result<Connection> {
    open_for(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

fn open_for(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let access = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NOFOLLOW)?;
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}
