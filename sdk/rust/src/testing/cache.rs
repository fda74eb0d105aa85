//! A cache in memory, with the limits of the contract.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::store::{check_key, check_value};
use crate::bindings::ostler::plugin::{cache::Error, kv};

const TTL_MAX: u64 = 31_536_000_000;

/// One cache: values by key, and the keys somebody makes a value for.
#[derive(Default)]
pub(crate) struct Cache {
    values: BTreeMap<String, Kept>,
    pub(crate) locked: BTreeSet<String>,
    /// Whether every call is to answer that the shared store is gone.
    pub(crate) lost: bool,
}

struct Kept {
    value: Vec<u8>,
    end: Option<Duration>,
    tags: Vec<String>,
}

impl Cache {
    pub(crate) fn get(&self, key: &str, now: Duration) -> Option<Vec<u8>> {
        let kept = self.values.get(key)?;
        kept.end.is_none_or(|end| now < end).then(|| kept.value.clone())
    }

    /// Also gives back the right to make it.
    pub(crate) fn put(&mut self, key: &str, value: Vec<u8>, end: Option<Duration>, tags: Vec<String>) {
        self.locked.remove(key);
        self.values.insert(key.to_owned(), Kept { value, end, tags });
    }

    pub(crate) fn remove(&mut self, key: &str) {
        self.values.remove(key);
    }

    pub(crate) fn remove_tag(&mut self, tag: &str) {
        self.values.retain(|_, kept| kept.tags.iter().all(|own| own != tag));
    }
}

/// A call's key, value, time to live and tags, each as the contract bounds it.
pub(crate) fn check(key: &str, value: &[u8], ttl_ms: Option<u64>, tags: &[String]) -> Result<(), Error> {
    check_key(key).and_then(|()| check_value(value)).map_err(invalid)?;
    if let Some(ttl) = ttl_ms.filter(|ttl| !(1..=TTL_MAX).contains(ttl)) {
        return Err(Error::Invalid(format!("a time to live is 1 ms to 365 days, this one {ttl} ms")));
    }
    match tags.iter().find(|tag| tag.is_empty()) {
        Some(_) => Err(Error::Invalid("a tag has at least 1 byte".into())),
        None => Ok(()),
    }
}

fn invalid(error: kv::Error) -> Error {
    match error {
        kv::Error::Invalid(text) | kv::Error::Denied(text) | kv::Error::Unavailable(text) => {
            Error::Invalid(text)
        }
        kv::Error::NotANumber => Error::Invalid("not a number".into()),
    }
}
