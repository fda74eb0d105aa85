//! Caches of the plugin's definition (`grant = { cache = ["totals"] }`): values that can be made again, and may be gone at any
//! time. Keys are 1 to 512 bytes, values at most 1 MiB.
//!
//! ```
//! # use std::time::Duration;
//! # use ostler_sdk::{Error, testing::Host};
//! # let _host = Host::new().cache("totals").install();
//! use ostler_sdk::cache;
//! let totals = cache::open("totals");
//! let minute = Some(Duration::from_secs(60));
//! let sum: u64 = totals.get_or_compute_json("acme", minute, &["orders"], || Ok::<_, Error>(6 * 7))?;
//! totals.delete_tag("orders")?;
//! # assert_eq!(sum, 42);
//! # Ok::<(), Error>(())
//! ```

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::ostler::plugin::cache as wit;
use crate::context;
use crate::host::cache as host;

/// Why a cache did not do it.
#[derive(Debug)]
pub enum Error {
    /// Not granted; the text names the missing grant.
    Denied(String),
    /// A key, value, tag or time to live is outside its limits; the text says which.
    Invalid(String),
    /// The shared store is gone.
    Unavailable(String),
    /// A value is not the JSON that was asked for, or has no JSON form.
    Json(serde_json::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Denied(text) | Error::Invalid(text) | Error::Unavailable(text) => f.write_str(text),
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
            wit::Error::Unavailable(text) => Error::Unavailable(text),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Error::Json(error)
    }
}

/// A cache by its name. Opening costs nothing; whether it is granted shows at the first use.
#[derive(Clone, Debug)]
pub struct Cache {
    name: String,
}

/// The cache `name`.
pub fn open(name: &str) -> Cache {
    Cache { name: name.to_owned() }
}

/// The right to make a value, given back unless the value was kept; also when making it fails or panics.
struct Right<'a> {
    cache: &'a Cache,
    key: &'a str,
    used: bool,
}

impl Drop for Right<'_> {
    fn drop(&mut self) {
        if !self.used {
            // The host gives it back by itself in the end; there is nothing better to do about an error here.
            let _ = self.cache.unlock(self.key);
        }
    }
}

impl Cache {
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

    /// Puts `value` under `key` for `ttl` (1 ms to 365 days; none: as long as there is room). `tags` are names by which it is
    /// dropped with others.
    pub fn set(
        &self,
        key: &str,
        value: impl AsRef<[u8]>,
        ttl: Option<Duration>,
        tags: &[&str],
    ) -> Result<(), Error> {
        let ttl = ttl.map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX));
        let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        Ok(host::set(&self.name, key, value.as_ref(), ttl, &tags)?)
    }

    /// [`set`](Cache::set) for a value as JSON.
    pub fn set_json(
        &self,
        key: &str,
        value: &impl Serialize,
        ttl: Option<Duration>,
        tags: &[&str],
    ) -> Result<(), Error> {
        self.set(key, serde_json::to_vec(value)?, ttl, tags)
    }

    /// Drops the value under `key`.
    pub fn delete(&self, key: &str) -> Result<(), Error> {
        Ok(host::delete(&self.name, key)?)
    }

    /// Drops all values of this cache that were set with `tag`, on all hosts that share it.
    pub fn delete_tag(&self, tag: &str) -> Result<(), Error> {
        Ok(host::delete_tag(&self.name, tag)?)
    }

    /// The value under `key`; if there is none it is made by `make` and kept for `ttl` under `tags`.
    ///
    /// Of many that ask at once one makes the value while the others wait, for up to half of what is left of their deadline. If
    /// making it fails, the next one tries. A cache that is out of reach makes this slower, not fail.
    pub fn get_or_compute<E: From<Error>>(
        &self,
        key: &str,
        ttl: Option<Duration>,
        tags: &[&str],
        make: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<Vec<u8>, E> {
        match self.get_or_lock(key, context::deadline_left() / 2) {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => {}
            Err(Error::Unavailable(_)) => return make(),
            Err(error) => return Err(error.into()),
        }
        let mut right = Right { cache: self, key, used: false };
        let value = make()?;
        match self.set(key, &value, ttl, tags) {
            Ok(()) => right.used = true,
            Err(Error::Unavailable(_)) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(value)
    }

    /// [`get_or_compute`](Cache::get_or_compute) for a value as JSON.
    pub fn get_or_compute_json<T: Serialize + DeserializeOwned, E: From<Error>>(
        &self,
        key: &str,
        ttl: Option<Duration>,
        tags: &[&str],
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let mut made = None;
        let value = self.get_or_compute(key, ttl, tags, || {
            let value = make()?;
            let json = serde_json::to_vec(&value).map_err(Error::from)?;
            made = Some(value);
            Ok::<_, E>(json)
        })?;
        match made {
            Some(value) => Ok(value),
            None => Ok(serde_json::from_slice(&value).map_err(Error::from)?),
        }
    }

    /// The value under `key`, or none and the right to make it: then [`set`](Cache::set) it, or [`unlock`](Cache::unlock) the
    /// key. Waits for up to `wait` while somebody else has that right.
    /// [`get_or_compute`](Cache::get_or_compute) does all of it.
    pub fn get_or_lock(&self, key: &str, wait: Duration) -> Result<Option<Vec<u8>>, Error> {
        let wait = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
        match host::get_or_compute_lock(&self.name, key, wait)? {
            wit::Found::Value(value) => Ok(Some(value)),
            wit::Found::Compute => Ok(None),
        }
    }

    /// Gives the right of [`get_or_lock`](Cache::get_or_lock) back.
    pub fn unlock(&self, key: &str) -> Result<(), Error> {
        Ok(host::unlock(&self.name, key)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Host;

    const MINUTE: Option<Duration> = Some(Duration::from_secs(60));

    #[test]
    fn values_are_kept_for_their_time_and_dropped_with_their_tag() {
        let host = Host::new().cache("c").install();
        let cache = open("c");
        cache.set("a", "1", MINUTE, &["x", "y"]).unwrap();
        cache.set("b", "2", None, &["y"]).unwrap();
        cache.set_json("j", &[1, 2], None, &[]).unwrap();
        cache.delete_tag("x").unwrap();
        assert_eq!(cache.get("a").unwrap(), None);
        assert_eq!(cache.get("b").unwrap().as_deref(), Some(b"2".as_slice()));
        cache.set("a", "3", MINUTE, &[]).unwrap();
        host.advance(Duration::from_secs(60));
        assert_eq!(
            (cache.get("a").unwrap(), host.cached("c", "b").as_deref()),
            (None, Some(b"2".as_slice()))
        );
        cache.delete("b").unwrap();
        assert_eq!(host.cached("c", "b"), None);
        assert_eq!(cache.get_json::<Vec<u8>>("j").unwrap(), Some(vec![1, 2]));
        assert!(matches!(cache.get_json::<bool>("j"), Err(Error::Json(_))));
    }

    #[test]
    fn a_value_is_made_once_until_its_tag_is_dropped() {
        let _host = Host::new().cache("c").install();
        let cache = open("c");
        let mut made = 0;
        let mut ask = || {
            cache.get_or_compute_json("k", MINUTE, &["t"], || {
                made += 1;
                Ok::<_, Error>(made)
            })
        };
        assert_eq!((ask().unwrap(), ask().unwrap()), (1, 1));
        cache.delete_tag("t").unwrap();
        assert_eq!(ask().unwrap(), 2);
    }

    #[test]
    fn the_right_to_make_a_value_is_given_back_when_that_fails() {
        let host = Host::new().cache("c").install();
        let cache = open("c");
        let failed =
            cache.get_or_compute("k", MINUTE, &[], || Err::<Vec<u8>, _>(crate::Error::conflict("not now")));
        assert_eq!(failed.unwrap_err().status(), 409);
        assert!(!host.is_locked("c", "k"));
        let too_large = cache.get_or_compute("k", MINUTE, &[], || Ok::<_, Error>(vec![0; (1 << 20) + 1]));
        assert!(matches!(too_large, Err(Error::Invalid(_))));
        assert!(!host.is_locked("c", "k"));
        assert_eq!(cache.get_or_lock("k", Duration::ZERO).unwrap(), None);
        assert!(host.is_locked("c", "k"));
        cache.set("k", "1", None, &[]).unwrap();
        assert!(!host.is_locked("c", "k"));
    }

    #[test]
    fn a_cache_out_of_reach_is_done_without() {
        let host = Host::new().cache("c").install();
        host.lose_cache("c");
        let value = open("c").get_or_compute("k", MINUTE, &[], || Ok::<_, Error>(b"made".to_vec()));
        assert_eq!(value.unwrap(), b"made");
        assert!(matches!(open("c").get("k"), Err(Error::Unavailable(_))));
    }

    #[test]
    fn what_is_not_granted_or_out_of_bounds_is_refused() {
        let _host = Host::new().cache("c").install();
        assert!(matches!(open("other").get("a"), Err(Error::Denied(text)) if text.contains("other")));
        assert!(matches!(open("c").set("", "1", None, &[]), Err(Error::Invalid(_))));
        assert!(matches!(open("c").set("k", "1", Some(Duration::ZERO), &[]), Err(Error::Invalid(_))));
        assert!(matches!(open("c").set("k", "1", None, &[""]), Err(Error::Invalid(_))));
        assert!(matches!(open("c").set("k", vec![0; (1 << 20) + 1], None, &[]), Err(Error::Invalid(_))));
    }
}
