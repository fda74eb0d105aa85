//! What a store takes, kept in one row per store and changed in the transaction that changes the entries.

use rusqlite::{Connection, OptionalExtension, params};

use super::Error;
use super::limits::ENTRY_COST;

/// The row of one store, read at the start of a job and written at its end.
pub(super) struct Account {
    pub(super) store: i64,
    bytes: i64,
}

impl Account {
    /// The account of `store`, which comes to be if it is new.
    pub(super) fn open(connection: &Connection, store: &str) -> Result<Self, Error> {
        if let Some(account) = Account::find(connection, store)? {
            return Ok(account);
        }
        connection.prepare_cached("INSERT INTO kv_store (name, bytes) VALUES (?1, 0)")?.execute([store])?;
        Ok(Account { store: connection.last_insert_rowid(), bytes: 0 })
    }

    /// The account of `store`, if it has ever held an entry.
    pub(super) fn find(connection: &Connection, store: &str) -> Result<Option<Self>, Error> {
        let mut statement = connection.prepare_cached("SELECT id, bytes FROM kv_store WHERE name = ?1")?;
        let account =
            statement.query_row([store], |row| Ok(Account { store: row.get(0)?, bytes: row.get(1)? }));
        Ok(account.optional()?)
    }

    /// Books an entry whose key and value have `bytes` together.
    pub(super) fn add(&mut self, bytes: i64) {
        self.bytes += cost(bytes);
    }

    /// Books it out again.
    pub(super) fn remove(&mut self, bytes: i64) {
        self.bytes -= cost(bytes);
    }

    /// Writes the row, unless the store grew beyond `quota` since `before`; what shrinks is always good.
    pub(super) fn settle(
        &self,
        connection: &Connection,
        before: i64,
        quota: u64,
        name: &str,
    ) -> Result<(), Error> {
        if self.bytes > before && self.bytes > i64::try_from(quota).unwrap_or(i64::MAX) {
            return Err(Error::QuotaExceeded { store: name.to_owned(), quota });
        }
        let mut statement = connection.prepare_cached("UPDATE kv_store SET bytes = ?2 WHERE id = ?1")?;
        statement.execute(params![self.store, self.bytes])?;
        Ok(())
    }

    pub(super) fn bytes(&self) -> i64 {
        self.bytes
    }
}

/// What an entry counts for whose key and value have `bytes` together.
pub(super) fn cost(bytes: i64) -> i64 {
    bytes + ENTRY_COST as i64
}
