//! Durable key-value stores of the plugin's definition: `grant = { kv = ["links"] }`.
//!
//! What was acknowledged survives the death of the host. Keys are 1 to 512 bytes, values at most 1 MiB, a batch at most 1,000.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::ostler::plugin::kv as wit;
use crate::host::kv as host;

/// Why a store did not do it.
#[derive(Debug)]
pub enum Error {
    /// Not granted; the text names the missing grant.
    Denied(String),
    /// A key, value or batch is outside its limits; the text says which.
    Invalid(String),
    /// `increment` met a value that is not a decimal integer, or the sum does not fit 64 bits.
    NotANumber,
    /// The store failed; trying again may help.
    Unavailable(String),
    /// A value is not the JSON that was asked for, or has no JSON form.
    Json(serde_json::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Denied(text) | Error::Invalid(text) | Error::Unavailable(text) => f.write_str(text),
            Error::NotANumber => {
                f.write_str("the value is not a 64-bit decimal integer, or the sum would not be")
            }
            Error::Json(error) => write!(f, "the value is not the JSON expected: {error}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<wit::Error> for Error {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::Denied(text) => Error::Denied(text),
            wit::Error::Invalid(text) => Error::Invalid(text),
            wit::Error::NotANumber => Error::NotANumber,
            wit::Error::Unavailable(text) => Error::Unavailable(text),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Error::Json(error)
    }
}

/// Some keys of a store, and where to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// In byte order.
    pub keys: Vec<String>,
    /// Pass this to the next [`Store::list`]; none at the end.
    pub cursor: Option<String>,
}

/// A store by its name. Opening costs nothing; whether it is granted shows at the first use.
#[derive(Clone, Debug)]
pub struct Store {
    name: String,
}

/// The store `name`.
pub fn open(name: &str) -> Store {
    Store { name: name.to_owned() }
}

impl Store {
    /// The value under `key`.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(host::get(&self.name, key)?)
    }

    /// The value under `key` read as JSON.
    pub fn get_json<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        match self.get(key)? {
            Some(value) => Ok(Some(serde_json::from_slice(&value)?)),
            None => Ok(None),
        }
    }

    /// The decimal integer under `key`, as `increment` leaves it; 0 if there is none.
    pub fn get_count(&self, key: &str) -> Result<i64, Error> {
        match self.get(key)? {
            Some(value) => {
                std::str::from_utf8(&value).ok().and_then(|text| text.parse().ok()).ok_or(Error::NotANumber)
            }
            None => Ok(0),
        }
    }

    /// Puts `value` under `key`.
    pub fn set(&self, key: &str, value: impl AsRef<[u8]>) -> Result<(), Error> {
        Ok(host::set(&self.name, key, value.as_ref(), None)?)
    }

    /// Puts `value` under `key`; it disappears after `ttl`.
    pub fn set_with_ttl(&self, key: &str, value: impl AsRef<[u8]>, ttl: Duration) -> Result<(), Error> {
        let ttl = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        Ok(host::set(&self.name, key, value.as_ref(), Some(ttl))?)
    }

    /// Puts `value` under `key` as JSON.
    pub fn set_json(&self, key: &str, value: &impl Serialize) -> Result<(), Error> {
        self.set(key, serde_json::to_vec(value)?)
    }

    /// Puts `value` under `key` as JSON; it disappears after `ttl`.
    pub fn set_json_with_ttl(&self, key: &str, value: &impl Serialize, ttl: Duration) -> Result<(), Error> {
        self.set_with_ttl(key, serde_json::to_vec(value)?, ttl)
    }

    /// Removes `key`. Whether there was something to remove.
    pub fn delete(&self, key: &str) -> Result<bool, Error> {
        Ok(host::delete(&self.name, key)?)
    }

    /// Whether there is a value under `key`.
    pub fn exists(&self, key: &str) -> Result<bool, Error> {
        Ok(host::exists(&self.name, key)?)
    }

    /// Keys that begin with `prefix` in byte order, `limit` at most (the host caps it at 1,000).
    pub fn list(&self, prefix: &str, cursor: Option<&str>, limit: u32) -> Result<Page, Error> {
        let page = host::list_keys(&self.name, prefix, cursor, limit)?;
        Ok(Page { keys: page.keys, cursor: page.cursor })
    }

    /// Adds `delta` to the decimal integer under `key` (absent counts as 0) and returns the sum, atomically.
    pub fn increment(&self, key: &str, delta: i64) -> Result<i64, Error> {
        Ok(host::increment(&self.name, key, delta)?)
    }

    /// Puts `value` (none: removes) if what is there equals `expected` (none: nothing is there). Whether it did.
    pub fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: Option<&[u8]>,
    ) -> Result<bool, Error> {
        Ok(host::compare_and_swap(&self.name, key, expected, value)?)
    }

    /// Puts `value` under `key` only if nothing is there. Whether it did.
    pub fn set_if_absent(&self, key: &str, value: impl AsRef<[u8]>) -> Result<bool, Error> {
        self.compare_and_swap(key, None, Some(value.as_ref()))
    }

    /// Values in the order of `keys`.
    pub fn get_many<K: Into<String>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let keys: Vec<String> = keys.into_iter().map(Into::into).collect();
        Ok(host::get_many(&self.name, &keys)?)
    }

    /// Puts all or nothing.
    pub fn set_many<K: Into<String>, V: Into<Vec<u8>>>(
        &self,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<(), Error> {
        let entry = |(key, value): (K, V)| wit::Entry { key: key.into(), value: value.into() };
        let entries: Vec<_> = entries.into_iter().map(entry).collect();
        Ok(host::set_many(&self.name, &entries)?)
    }

    /// Removes all or nothing.
    pub fn delete_many<K: Into<String>>(&self, keys: impl IntoIterator<Item = K>) -> Result<(), Error> {
        let keys: Vec<String> = keys.into_iter().map(Into::into).collect();
        Ok(host::delete_many(&self.name, &keys)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Host;

    #[test]
    fn values_come_back_as_they_were_put() {
        let _host = Host::new().kv("s").install();
        let store = open("s");
        store.set("a", "1").unwrap();
        store.set_json("j", &[1, 2]).unwrap();
        assert_eq!(store.get("a").unwrap().as_deref(), Some(b"1".as_slice()));
        assert_eq!(store.get_json::<Vec<u8>>("j").unwrap(), Some(vec![1, 2]));
        assert!(store.delete("a").unwrap() && !store.delete("a").unwrap());
        assert!(!store.exists("a").unwrap());
    }

    #[test]
    fn a_value_disappears_after_its_time_to_live() {
        let host = Host::new().kv("s").install();
        let store = open("s");
        store.set_with_ttl("a", "1", Duration::from_secs(5)).unwrap();
        host.advance(Duration::from_secs(4));
        assert!(store.exists("a").unwrap());
        host.advance(Duration::from_secs(1));
        assert!(!store.exists("a").unwrap());
    }

    #[test]
    fn counters_add_up_and_refuse_what_is_no_number() {
        let _host = Host::new().kv_value("s", "word", "x").install();
        let store = open("s");
        assert_eq!((store.increment("n", 2).unwrap(), store.increment("n", -5).unwrap()), (2, -3));
        assert_eq!((store.get_count("n").unwrap(), store.get_count("none").unwrap()), (-3, 0));
        assert!(matches!(store.increment("word", 1), Err(Error::NotANumber)));
        store.set("top", i64::MAX.to_string()).unwrap();
        assert!(matches!(store.increment("top", 1), Err(Error::NotANumber)));
    }

    #[test]
    fn compare_and_swap_needs_what_it_expects() {
        let _host = Host::new().kv("s").install();
        let store = open("s");
        assert!(store.set_if_absent("a", "1").unwrap() && !store.set_if_absent("a", "2").unwrap());
        assert!(!store.compare_and_swap("a", Some(b"2"), Some(b"3")).unwrap());
        assert!(store.compare_and_swap("a", Some(b"1"), None).unwrap());
        assert!(!store.exists("a").unwrap());
    }

    #[test]
    fn pages_follow_each_other_without_gap() {
        let _host = Host::new().kv("s").install();
        let store = open("s");
        store.set_many([("a1", "x"), ("a2", "y"), ("a3", "z"), ("b", "w")]).unwrap();
        let first = store.list("a", None, 2).unwrap();
        assert_eq!(first.keys, ["a1", "a2"]);
        let second = store.list("a", first.cursor.as_deref(), 2).unwrap();
        assert_eq!((second.keys, second.cursor), (vec!["a3".to_owned()], None));
        assert_eq!(store.get_many(["b", "none"]).unwrap(), [Some(b"w".to_vec()), None]);
        store.delete_many(["a1", "b"]).unwrap();
        assert_eq!(store.list("", None, 10).unwrap().keys, ["a2", "a3"]);
    }

    #[test]
    fn what_is_not_granted_or_too_large_is_refused() {
        let _host = Host::new().kv("s").install();
        assert!(matches!(open("other").get("a"), Err(Error::Denied(text)) if text.contains("other")));
        assert!(matches!(open("s").set("", "1"), Err(Error::Invalid(_))));
        assert!(matches!(open("s").set(&"k".repeat(513), "1"), Err(Error::Invalid(_))));
        assert!(matches!(open("s").set("k", vec![0; (1 << 20) + 1]), Err(Error::Invalid(_))));
    }
}
