//! Writes that are held back: whoever made them sees them, nobody else does, and they are gone with their owner.
//!
//! **Invariant:** with something to hold back in, no call of [`Kv`] changes the database; what is not in here is read from it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::entry::is_live;
use super::limits::{ENTRY_COST, invalid};
use super::{Error, Kv, Page, Scan, cursor, list};

/// Marks a scan's cursor that stands among the keys that are only in here.
const OWN: u64 = 1 << 63;

/// What one owner wrote.
#[derive(Debug)]
pub(super) struct Held {
    /// Bytes that may be held.
    most: u64,
    changes: Mutex<Changes>,
}

#[derive(Debug, Default)]
pub(super) struct Changes {
    stores: HashMap<String, BTreeMap<Vec<u8>, Change>>,
    bytes: u64,
    serial: u64,
}

#[derive(Debug)]
struct Change {
    /// None for a key that was deleted.
    value: Option<Vec<u8>>,
    expires: Option<i64>,
    /// Where it stands in a scan.
    serial: u64,
}

/// A key with what it becomes, and until when.
pub(super) type Write = (Vec<u8>, Option<Vec<u8>>, Option<i64>);

impl Kv {
    /// The same stores for one who may change nothing: writes, at most `most` bytes of them, are kept apart. Reads see them
    /// before what is in the stores. Clones share what is kept; it goes with the last of them.
    pub fn holding_back(&self, most: u64) -> Kv {
        Kv { held: Some(Arc::new(Held { most, changes: Mutex::default() })), ..self.clone() }
    }

    /// The same again with nothing written yet, if this one holds writes back; else the same.
    pub fn afresh(&self) -> Kv {
        self.held.as_ref().map_or_else(|| self.clone(), |held| self.holding_back(held.most))
    }

    /// What `key` holds for whoever writes to `held`.
    pub(super) fn seen(
        &self,
        changes: &Changes,
        store: &str,
        key: &[u8],
        now: i64,
    ) -> Result<Option<Vec<u8>>, Error> {
        match changes.get(store, key) {
            Some(change) => Ok(change.live(now).cloned()),
            None => self.stored(store, key, now),
        }
    }

    /// A page of [`Kv::list`] with what is held.
    pub(super) fn list_held(
        &self,
        held: &Held,
        store: &str,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Page, Error> {
        let (changes, now) = (held.lock(), self.clock.now_ms());
        let taken =
            self.database.read(|connection| list::by_key(connection, store, prefix, after, limit, now))?;
        let end = taken.more_behind.map(|(_, key)| key);
        let mut keys: Vec<_> =
            taken.keys.into_iter().filter(|key| changes.get(store, key).is_none()).collect();
        let within = |key: &&Vec<u8>| {
            key.starts_with(prefix)
                && after.is_none_or(|after| key.as_slice() > after)
                && end.as_ref().is_none_or(|end| *key <= end)
        };
        keys.extend(changes.live(store, now).map(|(key, _)| key).filter(within).cloned());
        keys.sort_unstable();
        let more = keys.len() > limit;
        keys.truncate(limit);
        let end = if more { keys.last().cloned() } else { end };
        Ok(Page { cursor: end.map(|key| cursor::encode(store, prefix, &key)), keys })
    }

    /// A page of [`Kv::scan`] with what is held: what is only there comes last.
    pub(super) fn scan_held(
        &self,
        held: &Held,
        store: &str,
        at: Option<u64>,
        limit: usize,
    ) -> Result<Scan, Error> {
        let (changes, now) = (held.lock(), self.clock.now_ms());
        let (mut keys, mut last) = (Vec::new(), at.unwrap_or(0) & !OWN);
        if at.unwrap_or(0) & OWN == 0 {
            let page = self.scan_stored(store, at, limit)?;
            let there = |key: &Vec<u8>| changes.get(store, key).is_none_or(|it| it.live(now).is_some());
            keys = page.keys.into_iter().filter(there).collect();
            if page.cursor.is_some() {
                return Ok(Scan { keys, cursor: page.cursor });
            }
            last = 0;
        }
        let mut own: Vec<_> = changes.live(store, now).map(|(key, change)| (change.serial, key)).collect();
        own.retain(|(serial, _)| *serial > last);
        own.sort_unstable();
        for (serial, key) in own {
            if self.stored(store, key, now)?.is_some() {
                continue;
            }
            if keys.len() == limit {
                return Ok(Scan { keys, cursor: Some(OWN | last) });
            }
            keys.push(key.clone());
            last = serial;
        }
        Ok(Scan { keys, cursor: None })
    }
}

impl Held {
    pub(super) fn lock(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes all of `writes` or, if they do not fit, none.
    pub(super) fn write(&self, changes: &mut Changes, store: &str, writes: Vec<Write>) -> Result<(), Error> {
        let more: u64 = writes.iter().map(|(key, value, _)| cost(key, value.as_deref())).sum();
        if changes.bytes + more > self.most {
            return invalid(format!(
                "this is a copy of a request: it may write at most {} bytes, which nobody else sees",
                self.most
            ));
        }
        for (key, value, expires) in writes {
            changes.put(store, key, value, expires);
        }
        Ok(())
    }
}

impl Changes {
    fn get(&self, store: &str, key: &[u8]) -> Option<&Change> {
        self.stores.get(store)?.get(key)
    }

    fn live(&self, store: &str, now: i64) -> impl Iterator<Item = (&Vec<u8>, &Change)> {
        let all = self.stores.get(store).into_iter().flatten();
        all.filter(move |(_, change)| change.live(now).is_some())
    }

    fn put(&mut self, store: &str, key: Vec<u8>, value: Option<Vec<u8>>, expires: Option<i64>) {
        self.serial += 1;
        self.bytes += cost(&key, value.as_deref());
        if !self.stores.contains_key(store) {
            self.stores.insert(store.to_owned(), BTreeMap::new());
        }
        let Some(entries) = self.stores.get_mut(store) else { return };
        let mut change = Change { value, expires, serial: self.serial };
        if let Some(before) = entries.get(&key) {
            self.bytes -= cost(&key, before.value.as_deref());
            change.serial = before.serial;
        }
        entries.insert(key, change);
    }
}

impl Change {
    fn live(&self, now: i64) -> Option<&Vec<u8>> {
        self.value.as_ref().filter(|_| is_live(self.expires, now))
    }
}

fn cost(key: &[u8], value: Option<&[u8]>) -> u64 {
    (key.len() + value.map_or(0, <[u8]>::len)) as u64 + ENTRY_COST
}
