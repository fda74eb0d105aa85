//! Keys of a store: by prefix in the order of bytes, or all of them in the order in which they came.
//!
//! Both go on behind where they ended, so deleting what a page listed loses nothing. A page looks at a bounded number of
//! rows, so a heap of expired entries makes pages short, never slow.

use rusqlite::{Connection, Rows, params};

use super::entry::is_live;
use super::limits::{KEY_MAX, check_limit, check_store, invalid};
use super::{Error, Kv, cursor};

/// Rows one page looks at.
const LOOK: i64 = 4096;

/// Some keys with one prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In the order of bytes. May be fewer than asked for, even none, although there are more.
    pub keys: Vec<Vec<u8>>,
    /// Pass this to the next `list`; `None` at the end.
    pub cursor: Option<String>,
}

/// Some keys of a whole store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// In the order in which they were first set. May be fewer than asked for, even none, although there are more.
    pub keys: Vec<Vec<u8>>,
    /// Pass this to the next `scan`; `None` at the end.
    pub cursor: Option<u64>,
}

impl Kv {
    /// Keys that begin with `prefix` (any bytes), at most `limit` (capped at 1,000).
    ///
    /// # Errors
    /// `Invalid` for a store, prefix or limit outside its limits and for a cursor this list never returned; `Unavailable`.
    pub fn list(
        &self,
        store: &str,
        prefix: &[u8],
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, Error> {
        check_store(store)?;
        let limit = check_limit(limit)?;
        if prefix.len() > KEY_MAX {
            return invalid(format!("a prefix has at most {KEY_MAX} bytes; this one has {}", prefix.len()));
        }
        let after = cursor.map(|cursor| cursor::decode(store, prefix, cursor)).transpose()?;
        if let Some(held) = &self.held {
            return self.list_held(held, store, prefix, after.as_deref(), limit);
        }
        let now = self.clock.now_ms();
        self.database.read(|connection| {
            let taken = by_key(connection, store, prefix, after.as_deref(), limit, now)?;
            let cursor = taken.more_behind.map(|(_, key)| cursor::encode(store, prefix, &key));
            Ok(Page { keys: taken.keys, cursor })
        })
    }

    /// Keys of the whole store, at most `limit` (capped at 1,000). What is set meanwhile comes at the end.
    ///
    /// # Errors
    /// `Invalid` for a store, limit or cursor outside its limits; `Unavailable`.
    pub fn scan(&self, store: &str, cursor: Option<u64>, limit: usize) -> Result<Scan, Error> {
        check_store(store)?;
        let limit = check_limit(limit)?;
        match &self.held {
            None => self.scan_stored(store, cursor, limit),
            Some(held) => self.scan_held(held, store, cursor, limit),
        }
    }

    /// A page of what is in the database.
    pub(super) fn scan_stored(&self, store: &str, cursor: Option<u64>, limit: usize) -> Result<Scan, Error> {
        let Ok(after) = i64::try_from(cursor.unwrap_or(0)) else {
            return invalid("the cursor is not one this list returned; begin again without one".into());
        };
        let now = self.clock.now_ms();
        self.database.read(|connection| {
            let mut statement = connection.prepare_cached(BY_ID)?;
            let taken = take(statement.query(params![store, after, LOOK])?, limit, now)?;
            Ok(Scan { keys: taken.keys, cursor: taken.more_behind.map(|(id, _)| id as u64) })
        })
    }
}

pub(super) const BY_ID: &str = "SELECT id, key, expires FROM kv_entry \
    WHERE store = (SELECT id FROM kv_store WHERE name = ?1) AND id > ?2 ORDER BY id LIMIT ?3";

/// The upper bound is exclusive; with `?4` null there is none (an empty prefix, or one of 0xFF only).
pub(super) const BY_KEY: [&str; 2] = [
    "SELECT id, key, expires FROM kv_entry \
        WHERE store = (SELECT id FROM kv_store WHERE name = ?1) AND key >= ?2 ORDER BY key LIMIT ?3",
    "SELECT id, key, expires FROM kv_entry \
        WHERE store = (SELECT id FROM kv_store WHERE name = ?1) AND key >= ?2 AND key < ?4 ORDER BY key LIMIT ?3",
];

pub(super) fn by_key(
    connection: &Connection,
    store: &str,
    prefix: &[u8],
    after: Option<&[u8]>,
    limit: usize,
    now: i64,
) -> Result<Taken, Error> {
    // The first key behind another one is that one with a zero byte at its end.
    let first = after.map_or_else(|| prefix.to_vec(), |key| [key, &[0]].concat());
    match successor(prefix) {
        None => {
            let mut statement = connection.prepare_cached(BY_KEY[0])?;
            take(statement.query(params![store, first, LOOK])?, limit, now)
        }
        Some(end) => {
            let mut statement = connection.prepare_cached(BY_KEY[1])?;
            take(statement.query(params![store, first, LOOK, end])?, limit, now)
        }
    }
}

/// The least bytes behind everything that begins with `prefix`; `None` if nothing is.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

pub(super) struct Taken {
    pub(super) keys: Vec<Vec<u8>>,
    /// Id and key of the last row that is done with, if there may be more behind it.
    pub(super) more_behind: Option<(i64, Vec<u8>)>,
}

/// Takes live keys until `limit` are there and one more is in sight, or [`LOOK`] rows were looked at.
fn take(mut rows: Rows<'_>, limit: usize, now: i64) -> Result<Taken, Error> {
    let mut keys: Vec<Vec<u8>> = Vec::new();
    let mut last_id = 0;
    for looked in 1.. {
        let Some(row) = rows.next()? else { break };
        let id: i64 = row.get(0)?;
        let live = is_live(row.get(2)?, now);
        if live && keys.len() == limit {
            let key = keys.last().cloned().unwrap_or_default();
            return Ok(Taken { keys, more_behind: Some((last_id, key)) });
        }
        if live {
            keys.push(row.get(1)?);
            last_id = id;
        }
        if looked == LOOK {
            return Ok(Taken { keys, more_behind: Some((id, row.get(1)?)) });
        }
    }
    Ok(Taken { keys, more_behind: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_successor_ends_a_prefix_and_nothing_else() {
        assert_eq!(successor(b""), None);
        assert_eq!(successor(b"\xff\xff"), None);
        assert_eq!(successor(b"a"), Some(b"b".to_vec()));
        assert_eq!(successor(b"a\xff"), Some(b"b".to_vec()));
        assert_eq!(successor(b"\x00"), Some(b"\x01".to_vec()));
    }
}
