//! A key-value store in memory, with the limits of the contract.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::bindings::ostler::plugin::kv::Error;

/// One store: values by key, each with the time it disappears.
#[derive(Default)]
pub(crate) struct Store(BTreeMap<String, (Vec<u8>, Option<Duration>)>);

impl Store {
    pub(crate) fn get(&self, key: &str, now: Duration) -> Option<Vec<u8>> {
        let (value, end) = self.0.get(key)?;
        alive(*end, now).then(|| value.clone())
    }

    pub(crate) fn put(&mut self, key: &str, value: Vec<u8>, end: Option<Duration>) {
        self.0.insert(key.to_owned(), (value, end));
    }

    pub(crate) fn remove(&mut self, key: &str, now: Duration) -> bool {
        self.0.remove(key).is_some_and(|(_, end)| alive(end, now))
    }

    /// Keeps the time to live, as the host does.
    pub(crate) fn increment(&mut self, key: &str, delta: i64, now: Duration) -> Option<i64> {
        let found = self.0.get(key).filter(|(_, end)| alive(*end, now));
        let (before, end) = match found {
            Some((value, end)) => (std::str::from_utf8(value).ok()?.parse::<i64>().ok()?, *end),
            None => (0, None),
        };
        let sum = before.checked_add(delta)?;
        self.put(key, sum.to_string().into_bytes(), end);
        Some(sum)
    }

    pub(crate) fn list(
        &self,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
        now: Duration,
    ) -> (Vec<String>, Option<String>) {
        let mut keys = self.0.iter().filter(|(key, (_, end))| {
            key.starts_with(prefix) && cursor.is_none_or(|last| key.as_str() > last) && alive(*end, now)
        });
        let page: Vec<String> = keys.by_ref().take(limit).map(|(key, _)| key.clone()).collect();
        let cursor = keys.next().and_then(|_| page.last().cloned());
        (page, cursor)
    }
}

fn alive(end: Option<Duration>, now: Duration) -> bool {
    end.is_none_or(|end| now < end)
}

pub(crate) fn check_key(key: &str) -> Result<(), Error> {
    match key.len() {
        1..=512 => Ok(()),
        length => Err(Error::Invalid(format!("a key has 1 to 512 bytes, this one {length}"))),
    }
}

pub(crate) fn check_value(value: &[u8]) -> Result<(), Error> {
    match value.len() {
        0..=0x10_0000 => Ok(()),
        length => Err(Error::Invalid(format!("a value has at most 1 MiB, this one {length} bytes"))),
    }
}

pub(crate) fn check_batch(length: usize) -> Result<(), Error> {
    match length {
        0..=1000 => Ok(()),
        _ => Err(Error::Invalid(format!("a batch has at most 1,000 entries, this one {length}"))),
    }
}
