//! What names, keys, values and batches must look like. Checked before anything is queued or copied.

use std::time::Duration;

use ostler_core::plugin::is_name;

use super::{Entry, Error};

/// Longest key, in bytes; the shortest is 1.
pub const KEY_MAX: usize = 512;

/// Longest value, in bytes: 1 MiB.
pub const VALUE_MAX: usize = 1 << 20;

/// Keys or entries of one batch.
pub const BATCH_MAX: usize = 1000;

/// Bytes of keys and values that one batch may carry, in either direction: 16 MiB.
pub const BATCH_BYTES_MAX: usize = 16 << 20;

/// Keys of one page.
pub const LIST_MAX: usize = 1000;

/// Bytes an entry counts for beside its key and value, so that a quota bounds the number of entries as well.
pub const ENTRY_COST: u64 = 64;

pub(super) fn check_store(store: &str) -> Result<(), Error> {
    if is_name(store) {
        return Ok(());
    }
    invalid(format!("{:?} names no store: use 1 to 63 of a-z, 0-9, - and _", excerpt(store)))
}

pub(super) fn check_key(key: &[u8]) -> Result<(), Error> {
    match key.len() {
        1..=KEY_MAX => Ok(()),
        len => invalid(format!("a key has 1 to {KEY_MAX} bytes; this one has {len}")),
    }
}

pub(super) fn check_value(value: &[u8]) -> Result<(), Error> {
    match value.len() {
        0..=VALUE_MAX => Ok(()),
        len => invalid(format!("a value has at most {VALUE_MAX} bytes; this one has {len}")),
    }
}

pub(super) fn check_ttl(ttl: Option<Duration>) -> Result<(), Error> {
    match ttl {
        Some(ttl) if ttl < Duration::from_millis(1) => {
            invalid("an entry lives at least one millisecond".into())
        }
        _ => Ok(()),
    }
}

pub(super) fn check_limit(limit: usize) -> Result<usize, Error> {
    match limit {
        0 => invalid(format!("a page has 1 to {LIST_MAX} keys")),
        _ => Ok(limit.min(LIST_MAX)),
    }
}

pub(super) fn check_keys<K: AsRef<[u8]>>(keys: &[K]) -> Result<(), Error> {
    check_count(keys.len())?;
    keys.iter().try_for_each(|key| check_key(key.as_ref()))
}

pub(super) fn check_entries(entries: &[Entry]) -> Result<(), Error> {
    check_count(entries.len())?;
    entries.iter().try_for_each(|entry| check_key(&entry.key).and(check_value(&entry.value)))?;
    check_bytes(entries.iter().map(|entry| entry.key.len() + entry.value.len()).sum())
}

pub(super) fn check_bytes(bytes: usize) -> Result<(), Error> {
    match bytes {
        0..=BATCH_BYTES_MAX => Ok(()),
        _ => invalid(format!("a batch carries at most {BATCH_BYTES_MAX} bytes; split it")),
    }
}

pub(super) fn invalid<T>(text: String) -> Result<T, Error> {
    Err(Error::Invalid(text))
}

fn check_count(count: usize) -> Result<(), Error> {
    match count {
        0..=BATCH_MAX => Ok(()),
        _ => invalid(format!("a batch has at most {BATCH_MAX} keys; this one has {count}")),
    }
}

/// The beginning of a hostile text, short enough for a message.
fn excerpt(text: &str) -> String {
    text.chars().take(80).collect()
}
