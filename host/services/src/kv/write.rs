//! Writes of whole values: set and delete, one or many. A batch is one job, so it happens whole or not at all.

use std::time::Duration;

use rusqlite::Transaction;

use super::account::Account;
use super::entry::{find, put, remove};
use super::limits::{check_entries, check_key, check_keys, check_store, check_ttl, check_value, invalid};
use super::{Entry, Error, Kv};

impl Kv {
    /// Sets `key` to `value`, for `ttl` (to the millisecond) or for ever; an earlier lifetime is forgotten.
    ///
    /// # Errors
    /// `Invalid` for anything outside its limits; `QuotaExceeded`; `Unavailable`.
    pub async fn set(
        &self,
        store: &str,
        key: &[u8],
        value: Vec<u8>,
        ttl: Option<Duration>,
    ) -> Result<(), Error> {
        check_key(key)?;
        check_value(&value)?;
        check_ttl(ttl)?;
        let expires = ttl.map(|ttl| self.clock.deadline_ms(ttl));
        let key = key.to_vec();
        if let Some(held) = &self.held {
            check_store(store)?;
            return held.write(&mut held.lock(), store, vec![(key, Some(value), expires)]);
        }
        self.change(store, move |tx, account, _| {
            let found = find(tx, account.store, &key)?;
            put(tx, account, found.as_ref(), &key, &value, expires)
        })
        .await
    }

    /// Deletes `key`; whether there was something to delete.
    ///
    /// # Errors
    /// `Invalid` for a store or key outside its limits; `Unavailable`.
    pub async fn delete(&self, store: &str, key: &[u8]) -> Result<bool, Error> {
        check_key(key)?;
        let key = key.to_vec();
        if let Some(held) = &self.held {
            check_store(store)?;
            let mut changes = held.lock();
            let there = self.seen(&changes, store, &key, self.clock.now_ms())?.is_some();
            held.write(&mut changes, store, vec![(key, None, None)])?;
            return Ok(there);
        }
        self.change(store, move |tx, account, now| {
            let Some(found) = find(tx, account.store, &key)? else { return Ok(false) };
            remove(tx, account, &found)?;
            Ok(found.is_live(now))
        })
        .await
    }

    /// Sets all `entries` for ever, or none of them. Of entries with one key the last counts.
    ///
    /// # Errors
    /// `Invalid` also for more than 1,000 entries or 16 MiB; `QuotaExceeded`; `Unavailable`.
    pub async fn set_many(&self, store: &str, entries: Vec<Entry>) -> Result<(), Error> {
        check_entries(&entries)?;
        if let Some(held) = &self.held {
            check_store(store)?;
            let writes = entries.into_iter().map(|entry| (entry.key, Some(entry.value), None)).collect();
            return held.write(&mut held.lock(), store, writes);
        }
        self.change(store, move |tx, account, _| {
            for Entry { key, value } in &entries {
                let found = find(tx, account.store, key)?;
                put(tx, account, found.as_ref(), key, value, None)?;
            }
            Ok(())
        })
        .await
    }

    /// Deletes all `keys`, or none of them; those that are absent do not matter.
    ///
    /// # Errors
    /// `Invalid` also for more than 1,000 keys; `Unavailable`.
    pub async fn delete_many(&self, store: &str, keys: Vec<Vec<u8>>) -> Result<(), Error> {
        check_keys(&keys)?;
        if let Some(held) = &self.held {
            check_store(store)?;
            let writes = keys.into_iter().map(|key| (key, None, None)).collect();
            return held.write(&mut held.lock(), store, writes);
        }
        self.change(store, move |tx, account, _| {
            for key in &keys {
                if let Some(found) = find(tx, account.store, key)? {
                    remove(tx, account, &found)?;
                }
            }
            Ok(())
        })
        .await
    }

    /// Runs `job` on the account of `store` and settles it: the one way in which entries change. `job` is given the time at
    /// which its turn came, since it may have waited for it.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        store: &str,
        job: impl FnOnce(&Transaction<'_>, &mut Account, i64) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        check_store(store)?;
        if self.held.is_some() {
            // Each write has held itself back before; a new one that forgets to must not slip through.
            return invalid("this is a copy of a request: it may not write".into());
        }
        let (store, quota, clock) = (store.to_owned(), self.quota, self.clock.clone());
        self.database
            .write(move |tx| {
                let mut account = Account::open(tx, &store)?;
                let before = account.bytes();
                let value = job(tx, &mut account, clock.now_ms())?;
                account.settle(tx, before, quota, &store)?;
                Ok(value)
            })
            .await
    }
}
