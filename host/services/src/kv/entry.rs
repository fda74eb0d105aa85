//! One entry inside a write: found, put, removed. The account follows each change.

use rusqlite::{Connection, OptionalExtension, params};

use super::Error;
use super::account::Account;

/// What a write needs to know about an entry that is there, expired or not.
pub(super) struct Found {
    id: i64,
    /// Bytes of key and value together.
    bytes: i64,
    pub(super) expires: Option<i64>,
}

impl Found {
    pub(super) fn is_live(&self, now: i64) -> bool {
        is_live(self.expires, now)
    }
}

pub(super) fn is_live(expires: Option<i64>, now: i64) -> bool {
    expires.is_none_or(|at| now < at)
}

/// The entry at `key`, without its value.
pub(super) fn find(connection: &Connection, store: i64, key: &[u8]) -> Result<Option<Found>, Error> {
    let sql = "SELECT id, length(key) + length(value), expires FROM kv_entry WHERE store = ?1 AND key = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row(params![store, key], |row| {
        Ok(Found { id: row.get(0)?, bytes: row.get(1)?, expires: row.get(2)? })
    });
    Ok(found.optional()?)
}

/// Sets `key`, over `found` if there is something. An entry keeps its place in a scan when it is set again.
pub(super) fn put(
    connection: &Connection,
    account: &mut Account,
    found: Option<&Found>,
    key: &[u8],
    value: &[u8],
    expires: Option<i64>,
) -> Result<(), Error> {
    if let Some(found) = found {
        let mut statement =
            connection.prepare_cached("UPDATE kv_entry SET value = ?2, expires = ?3 WHERE id = ?1")?;
        statement.execute(params![found.id, value, expires])?;
        account.remove(found.bytes);
    } else {
        let sql = "INSERT INTO kv_entry (store, key, value, expires) VALUES (?1, ?2, ?3, ?4)";
        connection.prepare_cached(sql)?.execute(params![account.store, key, value, expires])?;
    }
    account.add((key.len() + value.len()) as i64);
    Ok(())
}

/// Removes what was found.
pub(super) fn remove(connection: &Connection, account: &mut Account, found: &Found) -> Result<(), Error> {
    connection.prepare_cached("DELETE FROM kv_entry WHERE id = ?1")?.execute([found.id])?;
    account.remove(found.bytes);
    Ok(())
}
