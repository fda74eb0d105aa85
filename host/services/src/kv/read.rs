//! Reads: one key or many, on the caller's thread.

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::held::Changes;
use super::limits::{check_bytes, check_key, check_keys, check_store};
use super::{Error, Kv};

const GET: &str = "SELECT value FROM kv_entry \
    WHERE store = (SELECT id FROM kv_store WHERE name = ?1) AND key = ?2 AND (expires IS NULL OR expires > ?3)";

const EXISTS: &str = "SELECT 1 FROM kv_entry \
    WHERE store = (SELECT id FROM kv_store WHERE name = ?1) AND key = ?2 AND (expires IS NULL OR expires > ?3)";

impl Kv {
    /// The value at `key`, if there is one.
    ///
    /// # Errors
    /// `Invalid` for a store or key outside its limits; `Unavailable`.
    pub fn get(&self, store: &str, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        check_store(store)?;
        check_key(key)?;
        let now = self.clock.now_ms();
        match &self.held {
            None => self.stored(store, key, now),
            Some(held) => self.seen(&held.lock(), store, key, now),
        }
    }

    /// The value in the database.
    pub(super) fn stored(&self, store: &str, key: &[u8], now: i64) -> Result<Option<Vec<u8>>, Error> {
        self.database.read(|connection| value(&mut connection.prepare_cached(GET)?, store, key, now))
    }

    /// Whether there is a value at `key`.
    ///
    /// # Errors
    /// As [`Kv::get`].
    pub fn exists(&self, store: &str, key: &[u8]) -> Result<bool, Error> {
        check_store(store)?;
        check_key(key)?;
        let now = self.clock.now_ms();
        if let Some(held) = &self.held {
            return Ok(self.seen(&held.lock(), store, key, now)?.is_some());
        }
        self.database
            .read(|connection| Ok(connection.prepare_cached(EXISTS)?.exists(params![store, key, now])?))
    }

    /// The values at `keys`, in their order, all of one moment.
    ///
    /// # Errors
    /// `Invalid` also for more than 1,000 keys, or values of more than 16 MiB together; `Unavailable`.
    pub fn get_many<K: AsRef<[u8]>>(&self, store: &str, keys: &[K]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        check_store(store)?;
        check_keys(keys)?;
        let now = self.clock.now_ms();
        if let Some(held) = &self.held {
            return self.seen_many(&held.lock(), store, keys, now);
        }
        self.database.read(|connection| values(connection, store, keys, now))
    }
}

impl Kv {
    fn seen_many<K: AsRef<[u8]>>(
        &self,
        changes: &Changes,
        store: &str,
        keys: &[K],
        now: i64,
    ) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let mut bytes = 0;
        let seen = keys.iter().map(|key| {
            let value = self.seen(changes, store, key.as_ref(), now)?;
            bytes += value.as_ref().map_or(0, Vec::len);
            check_bytes(bytes)?;
            Ok(value)
        });
        seen.collect()
    }
}

fn values<K: AsRef<[u8]>>(
    connection: &Connection,
    store: &str,
    keys: &[K],
    now: i64,
) -> Result<Vec<Option<Vec<u8>>>, Error> {
    let one_moment = connection.unchecked_transaction()?;
    let mut statement = one_moment.prepare_cached(GET)?;
    let mut values = Vec::with_capacity(keys.len());
    let mut bytes = 0;
    for key in keys {
        let value = value(&mut statement, store, key.as_ref(), now)?;
        bytes += value.as_ref().map_or(0, Vec::len);
        check_bytes(bytes)?;
        values.push(value);
    }
    Ok(values)
}

fn value(
    statement: &mut CachedStatement<'_>,
    store: &str,
    key: &[u8],
    now: i64,
) -> Result<Option<Vec<u8>>, Error> {
    Ok(statement.query_row(params![store, key, now], |row| row.get(0)).optional()?)
}
