//! Kept values for one who may change nothing: what it sets and drops is seen by it alone, and it never holds a right to make
//! a value, for which others would wait.
//!
//! **Invariant:** the real cache is only read.

use std::collections::HashSet;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::{Cache, Config, Error};

/// Bytes of what is set.
const BYTES: u64 = 4 << 20;

/// Keys that may be dropped one by one; beyond it all of their cache are.
const DROPPED: usize = 1_000;

/// A cache that holds back what is done to it.
pub struct HeldCache {
    real: Cache,
    /// Made when something is set first.
    own: OnceLock<Cache>,
    dropped: Mutex<Dropped>,
}

#[derive(Default)]
struct Dropped {
    keys: HashSet<(String, String)>,
    /// Caches of which nothing real is seen any more.
    caches: HashSet<String>,
}

impl HeldCache {
    /// In front of `real`.
    pub fn new(real: Cache) -> Self {
        HeldCache { real, own: OnceLock::new(), dropped: Mutex::default() }
    }

    /// The same with nothing done yet.
    pub fn afresh(&self) -> Self {
        HeldCache::new(self.real.clone())
    }

    /// As [`Cache::value`].
    ///
    /// # Errors
    /// As there.
    pub async fn value(&self, cache: &str, key: &str) -> Result<Option<Bytes>, Error> {
        if let Some(own) = self.own.get()
            && let Some(value) = own.value(cache, key).await?
        {
            return Ok(Some(value));
        }
        match self.is_dropped(cache, key) {
            true => Ok(None),
            false => self.real.value(cache, key).await,
        }
    }

    /// As [`Cache::set_value`].
    ///
    /// # Errors
    /// As there.
    pub fn set_value(
        &self,
        cache: &str,
        key: &str,
        value: Bytes,
        ttl: Option<Duration>,
        tags: &[String],
    ) -> Result<(), Error> {
        self.own().set_value(cache, key, value, ttl, tags, None)?;
        // A value may be forgotten at any time, but never for the one that it took the place of.
        self.hide(cache, key);
        Ok(())
    }

    /// As [`Cache::delete_value`].
    ///
    /// # Errors
    /// As there.
    pub async fn delete_value(&self, cache: &str, key: &str) -> Result<(), Error> {
        self.own().delete_value(cache, key).await?;
        self.hide(cache, key);
        Ok(())
    }

    /// As [`Cache::delete_tagged`]; of the real values all are dropped, since nobody is asked which have the tag.
    ///
    /// # Errors
    /// As there.
    pub async fn delete_tagged(&self, cache: &str, tag: &str) -> Result<(), Error> {
        self.own().delete_tagged(cache, tag).await?;
        self.lock().caches.insert(cache.to_owned());
        Ok(())
    }

    fn own(&self) -> &Cache {
        self.own.get_or_init(|| Cache::in_memory(&Config { memory: BYTES, ..Config::default() }))
    }

    fn hide(&self, cache: &str, key: &str) {
        let mut dropped = self.lock();
        if dropped.keys.len() < DROPPED {
            dropped.keys.insert((cache.to_owned(), key.to_owned()));
        } else {
            dropped.caches.insert(cache.to_owned());
        }
    }

    fn is_dropped(&self, cache: &str, key: &str) -> bool {
        let dropped = self.lock();
        dropped.caches.contains(cache)
            || !dropped.keys.is_empty() && dropped.keys.contains(&(cache.to_owned(), key.to_owned()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Dropped> {
        self.dropped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[tokio::test]
    async fn what_is_done_is_seen_by_the_doer_alone() {
        let (real, _) = Cache::for_tests();
        for key in ["a", "b", "c"] {
            real.set_value("x", key, bytes("real"), None, &["t".into()], None).unwrap();
        }
        let held = HeldCache::new(real.clone());
        assert_eq!(held.value("x", "a").await.unwrap().unwrap(), "real");
        held.set_value("x", "a", bytes("mine"), None, &[]).unwrap();
        held.delete_value("x", "b").await.unwrap();
        assert_eq!(held.value("x", "a").await.unwrap().unwrap(), "mine");
        assert_eq!(held.value("x", "b").await.unwrap(), None);
        held.delete_tagged("x", "t").await.unwrap();
        assert_eq!(held.value("x", "c").await.unwrap(), None);
        for number in 0..2 * DROPPED {
            held.delete_value("y", &number.to_string()).await.unwrap();
        }
        assert!(held.lock().keys.len() <= DROPPED && held.value("y", "x").await.unwrap().is_none());
        for key in ["a", "b", "c"] {
            assert_eq!(real.value("x", key).await.unwrap().unwrap(), "real");
        }
        assert!(held.set_value("x", "", bytes("1"), None, &[]).is_err(), "names are checked as ever");
    }
}
