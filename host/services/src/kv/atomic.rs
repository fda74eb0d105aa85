//! Changes that depend on what is there: each is one job, and jobs run one after another.
//!
//! Both keep the lifetime of the entry they change, so that renewing a lock never makes it eternal. What is held back lasts no
//! longer than a request, and needs no lifetime.

use rusqlite::{Connection, params};

use super::entry::{find, put, remove};
use super::limits::{check_key, check_store, check_value};
use super::{Error, Kv};

impl Kv {
    /// Adds `delta` to the decimal integer at `key` (absent counts as 0) and returns the sum.
    ///
    /// # Errors
    /// `NotANumber` if the value is no integer or the sum no `i64`; `Invalid`; `QuotaExceeded`; `Unavailable`.
    pub async fn increment(&self, store: &str, key: &[u8], delta: i64) -> Result<i64, Error> {
        check_key(key)?;
        let key = key.to_vec();
        if let Some(held) = &self.held {
            check_store(store)?;
            let mut changes = held.lock();
            let before = self.seen(&changes, store, &key, self.clock.now_ms())?;
            let sum = before.as_deref().map_or(Ok(0), parse)?.checked_add(delta).ok_or(Error::NotANumber)?;
            held.write(&mut changes, store, vec![(key, Some(sum.to_string().into()), None)])?;
            return Ok(sum);
        }
        self.change(store, move |tx, account, now| {
            let found = find(tx, account.store, &key)?;
            let live = found.as_ref().filter(|found| found.is_live(now));
            let number = if live.is_some() { number(tx, account.store, &key)? } else { 0 };
            let sum = number.checked_add(delta).ok_or(Error::NotANumber)?;
            let expires = live.and_then(|live| live.expires);
            put(tx, account, found.as_ref(), &key, sum.to_string().as_bytes(), expires)?;
            Ok(sum)
        })
        .await
    }

    /// Sets `key` to `value` (`None` deletes) if its present value is `expected` (`None`: absent); whether it did.
    ///
    /// # Errors
    /// `Invalid` for anything outside its limits; `QuotaExceeded`; `Unavailable`.
    pub async fn compare_and_swap(
        &self,
        store: &str,
        key: &[u8],
        expected: Option<Vec<u8>>,
        value: Option<Vec<u8>>,
    ) -> Result<bool, Error> {
        check_key(key)?;
        value.as_deref().map_or(Ok(()), check_value)?;
        let key = key.to_vec();
        if let Some(held) = &self.held {
            check_store(store)?;
            let mut changes = held.lock();
            let same = self.seen(&changes, store, &key, self.clock.now_ms())? == expected;
            if same {
                held.write(&mut changes, store, vec![(key, value, None)])?;
            }
            return Ok(same);
        }
        self.change(store, move |tx, account, now| {
            let found = find(tx, account.store, &key)?;
            let live = found.as_ref().filter(|found| found.is_live(now));
            let same = match (live, expected) {
                (None, None) => true,
                (Some(_), Some(expected)) => holds(tx, account.store, &key, &expected)?,
                _ => false,
            };
            if !same {
                return Ok(false);
            }
            let expires = live.and_then(|live| live.expires);
            match (found, value) {
                (found, Some(value)) => put(tx, account, found.as_ref(), &key, &value, expires)?,
                (Some(found), None) => remove(tx, account, &found)?,
                (None, None) => {}
            }
            Ok(true)
        })
        .await
    }
}

fn number(connection: &Connection, store: i64, key: &[u8]) -> Result<i64, Error> {
    let mut statement =
        connection.prepare_cached("SELECT value FROM kv_entry WHERE store = ?1 AND key = ?2")?;
    let mut rows = statement.query(params![store, key])?;
    let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    let value = row.get_ref(0)?.as_blob().unwrap_or_default();
    parse(value)
}

fn parse(value: &[u8]) -> Result<i64, Error> {
    std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).ok_or(Error::NotANumber)
}

/// Compares inside SQLite, so that a large value is not copied to be compared.
fn holds(connection: &Connection, store: i64, key: &[u8], expected: &[u8]) -> Result<bool, Error> {
    let sql = "SELECT value = ?3 FROM kv_entry WHERE store = ?1 AND key = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(params![store, key, expected], |row| row.get(0))?)
}
