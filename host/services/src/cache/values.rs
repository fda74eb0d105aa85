//! The cache as plugins use it: values by name of cache and key.
//!
//! **Invariant:** no name, key or tag reaches into another cache, or into kept answers.

use std::time::Duration;

use bytes::Bytes;

use super::entry::Held;
use super::locks::Guard;
use super::marks::Mark;
use super::{Cache, exact_name, exact_tag};

/// Longest key, in bytes.
pub const KEY_MAX: usize = 512;

/// Largest value, in bytes.
pub const VALUE_MAX: usize = 1 << 20;

/// Tags of one value or answer.
pub const TAGS_MAX: usize = 64;

/// Longest tag, in bytes.
pub const TAG_MAX: usize = 128;

/// Longest life of a value; also of one that was set without.
pub const TTL_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

/// Why the cache does not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Outside a limit, which the text names.
    #[error("{0}")]
    Invalid(String),
    /// Not all hosts could be told of a purge.
    #[error("the other hosts could not be told; this host has dropped it")]
    Unavailable,
}

/// What there is, or the right to make it.
pub enum Found {
    /// The value.
    Value(Bytes),
    /// Nothing; whoever has this makes it.
    Compute(Guard),
}

impl Cache {
    /// The value of `key` in `cache`.
    ///
    /// # Errors
    /// If the key is no key.
    pub async fn value(&self, cache: &str, key: &str) -> Result<Option<Bytes>, Error> {
        let full = full(cache, key)?;
        let entry = match self.get(&full) {
            Some(entry) => Some(entry),
            None => self.load(&full).await,
        };
        Ok(entry.and_then(|entry| match &entry.held {
            Held::Bytes(value) => Some(value.clone()),
            _ => None,
        }))
    }

    /// Keeps `value`, for `ttl` or as long as there is room. With `guard` it counts as made when that right was given.
    ///
    /// # Errors
    /// If something is outside its limits.
    pub fn set_value(
        &self,
        cache: &str,
        key: &str,
        value: Bytes,
        ttl: Option<Duration>,
        tags: &[String],
        guard: Option<&Guard>,
    ) -> Result<(), Error> {
        let full = full(cache, key)?;
        if value.len() > VALUE_MAX {
            return Err(invalid(format!("a value has at most {VALUE_MAX} bytes, not {}", value.len())));
        }
        if tags.len() > TAGS_MAX {
            return Err(invalid(format!("a value has at most {TAGS_MAX} tags, not {}", tags.len())));
        }
        let ttl = ttl.unwrap_or(TTL_MAX);
        if !(Duration::from_millis(1)..=TTL_MAX).contains(&ttl) {
            return Err(invalid("a ttl is 1 to 31536000000 milliseconds".into()));
        }
        let tags =
            tags.iter().map(|tag| Ok(exact_tag(cache, checked(tag)?))).collect::<Result<_, Error>>()?;
        let position = guard.map_or_else(|| self.position(), |guard| guard.position);
        self.put(&full, exact_name(cache, key), tags, ttl, position, Held::Bytes(value));
        Ok(())
    }

    /// Drops the value of `key`.
    ///
    /// # Errors
    /// If the key is no key, or not all hosts could be told.
    pub async fn delete_value(&self, cache: &str, key: &str) -> Result<(), Error> {
        let full = full(cache, key)?;
        self.forget(&full);
        told(self.drop_marked(vec![Mark::Exact(exact_name(cache, key))], false).await)
    }

    /// Drops all values of `cache` that were set with `tag`.
    ///
    /// # Errors
    /// If the tag is no tag, or not all hosts could be told.
    pub async fn delete_tagged(&self, cache: &str, tag: &str) -> Result<(), Error> {
        told(self.drop_marked(vec![Mark::Exact(exact_tag(cache, checked(tag)?))], true).await)
    }

    /// The value of `key`; or the right to make it, after waiting for up to `wait` for whoever has it. None if they still
    /// have it then.
    ///
    /// # Errors
    /// If the key is no key.
    pub async fn value_or_right(
        &self,
        cache: &str,
        key: &str,
        wait: Duration,
    ) -> Result<Option<Found>, Error> {
        let full = full(cache, key)?;
        let patience = tokio::time::Instant::now() + wait.min(Duration::from_secs(3600));
        loop {
            if let Some(value) = self.value(cache, key).await? {
                return Ok(Some(Found::Value(value)));
            }
            let (freed, until) = match self.0.locks.take(&full, self.position()) {
                Ok(guard) => {
                    // It may have been set between the look and the right.
                    if let Some(value) = self.value(cache, key).await? {
                        return Ok(Some(Found::Value(value)));
                    }
                    return Ok(Some(Found::Compute(guard)));
                }
                Err(held) => held,
            };
            // Freed between the look and the wait is seen at the latest with the next tick.
            let tick = tokio::time::Instant::now() + Duration::from_millis(50);
            let end = patience.min(until).min(tick);
            let _ = tokio::time::timeout_at(end, freed.notified()).await;
            if tokio::time::Instant::now() >= patience {
                return match self.value(cache, key).await? {
                    Some(value) => Ok(Some(Found::Value(value))),
                    None => Ok(None),
                };
            }
        }
    }

    /// Whether `guard` is the right to make `key` of `cache`.
    pub fn is_right_to(&self, guard: &Guard, cache: &str, key: &str) -> bool {
        full(cache, key).is_ok_and(|full| guard.is_for(&full))
    }
}

/// Names of caches hold no NUL, so the two cannot run into each other.
fn full(cache: &str, key: &str) -> Result<Vec<u8>, Error> {
    if key.is_empty() || key.len() > KEY_MAX {
        return Err(invalid(format!("a key has 1 to {KEY_MAX} bytes, not {}", key.len())));
    }
    Ok([b"v", cache.as_bytes(), b"\0", key.as_bytes()].concat())
}

fn checked(tag: &str) -> Result<&str, Error> {
    match (1..=TAG_MAX).contains(&tag.len()) {
        true => Ok(tag),
        false => Err(invalid(format!("a tag has 1 to {TAG_MAX} bytes, not {}", tag.len()))),
    }
}

fn told(told: bool) -> Result<(), Error> {
    if told { Ok(()) } else { Err(Error::Unavailable) }
}

fn invalid(text: String) -> Error {
    Error::Invalid(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[tokio::test]
    async fn values_live_as_long_as_they_should() {
        let (cache, clock) = Cache::for_tests();
        cache.set_value("a", "k", bytes("1"), Some(Duration::from_secs(5)), &[], None).unwrap();
        cache.set_value("a", "for ever", bytes("2"), None, &[], None).unwrap();
        assert_eq!(cache.value("a", "k").await.unwrap().unwrap(), "1");
        clock.advance(Duration::from_secs(5));
        assert_eq!(cache.value("a", "k").await.unwrap(), None);
        assert_eq!(cache.value("a", "for ever").await.unwrap().unwrap(), "2");
        cache.delete_value("a", "for ever").await.unwrap();
        assert_eq!(cache.value("a", "for ever").await.unwrap(), None);
    }

    #[tokio::test]
    async fn caches_do_not_see_each_other_whatever_the_keys() {
        let (cache, _) = Cache::for_tests();
        cache.set_value("a", "b\0c", bytes("1"), None, &["t".into()], None).unwrap();
        cache.set_value("b", "k", bytes("2"), None, &["t".into()], None).unwrap();
        for (name, key) in [("ab", "c"), ("a", "b"), ("a", "c"), ("b", "b\0c")] {
            assert_eq!(cache.value(name, key).await.unwrap(), None, "{name} {key}");
        }
        cache.delete_tagged("a", "t").await.unwrap();
        assert_eq!(cache.value("a", "b\0c").await.unwrap(), None);
        assert_eq!(cache.value("b", "k").await.unwrap().unwrap(), "2");
    }

    #[tokio::test]
    async fn limits_are_told() {
        let (cache, _) = Cache::for_tests();
        let long = "x".repeat(KEY_MAX + 1);
        let set = |key: &str, size: usize, ttl, tags: &[String]| {
            cache.set_value("a", key, vec![0; size].into(), ttl, tags, None).is_err()
        };
        assert!(set("", 1, None, &[]) && set(&long, 1, None, &[]) && set("k", VALUE_MAX + 1, None, &[]));
        assert!(set("k", 1, Some(Duration::ZERO), &[]) && set("k", 1, None, &["".into()]));
        assert!(set("k", 1, None, &vec!["t".to_owned(); TAGS_MAX + 1]));
        assert!(cache.value("a", "").await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn one_makes_the_value_and_the_others_get_it() {
        let (cache, _) = Cache::for_tests();
        let wait = Duration::from_secs(10);
        let Ok(Some(Found::Compute(guard))) = cache.value_or_right("a", "k", wait).await else {
            panic!("first")
        };
        let others: Vec<_> = (0..20)
            .map(|_| {
                let cache = cache.clone();
                tokio::spawn(async move { cache.value_or_right("a", "k", wait).await })
            })
            .collect();
        tokio::time::sleep(Duration::from_secs(1)).await;
        cache.set_value("a", "k", bytes("made"), None, &[], Some(&guard)).unwrap();
        drop(guard);
        for other in others {
            assert!(matches!(other.await.unwrap(), Ok(Some(Found::Value(value))) if value == "made"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_right_that_is_given_back_or_forgotten_goes_to_the_next() {
        let (cache, _) = Cache::for_tests();
        let wait = Duration::from_secs(60);
        let Ok(Some(Found::Compute(first))) = cache.value_or_right("a", "k", wait).await else {
            panic!("first")
        };
        assert!(cache.value_or_right("a", "k", Duration::from_millis(10)).await.unwrap().is_none());
        drop(first);
        let Ok(Some(Found::Compute(second))) = cache.value_or_right("a", "k", wait).await else {
            panic!("second")
        };
        // Whoever holds it for ever holds it for 30 s.
        let since = tokio::time::Instant::now();
        let Ok(Some(Found::Compute(third))) = cache.value_or_right("a", "k", wait).await else {
            panic!("third")
        };
        assert!(since.elapsed() >= super::super::locks::LIFE);
        drop(second);
        assert!(cache.value_or_right("a", "k", Duration::ZERO).await.unwrap().is_none(), "the third has it");
        drop(third);
    }

    #[tokio::test]
    async fn a_value_that_was_begun_before_a_purge_does_not_outlive_it() {
        let (cache, _) = Cache::for_tests();
        let tags = ["t".to_owned()];
        let Ok(Some(Found::Compute(guard))) = cache.value_or_right("a", "k", Duration::ZERO).await else {
            panic!("the right")
        };
        cache.delete_tagged("a", "t").await.unwrap();
        cache.set_value("a", "k", bytes("old"), None, &tags, Some(&guard)).unwrap();
        assert_eq!(cache.value("a", "k").await.unwrap(), None);
    }
}
