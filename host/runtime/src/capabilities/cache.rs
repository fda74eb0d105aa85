//! `ostler:plugin/cache`: the caches that the plugin was granted.

use std::time::{Duration, Instant};

use ostler_services::Cache;
use ostler_services::cache::{self, Found as Kept};

use crate::bindings::cache::{Error, Found, Host};
use crate::guest::Guest;

/// Rights to make values that one exchange may hold at once.
const RIGHTS_MAX: usize = 100;

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl Host for Guest {
    async fn get(&mut self, cache: String, key: String) -> Answer<Option<Vec<u8>>> {
        let kept = granted(self, &cache);
        Ok(async { Ok(kept?.value(&cache, &key).await?.map(Vec::from)) }.await)
    }

    async fn set(
        &mut self,
        cache: String,
        key: String,
        value: Vec<u8>,
        ttl_ms: Option<u64>,
        tags: Vec<String>,
    ) -> Answer<()> {
        let kept = match granted(self, &cache) {
            Ok(kept) => kept,
            Err(denied) => return Ok(Err(denied)),
        };
        let right = self.cache_rights.iter().find(|right| kept.is_right_to(right, &cache, &key));
        let ttl = ttl_ms.map(Duration::from_millis);
        let set = kept.set_value(&cache, &key, value.into(), ttl, &tags, right);
        if set.is_ok() {
            give_back(self, &kept, &cache, &key);
        }
        Ok(set.map_err(Error::from))
    }

    async fn delete(&mut self, cache: String, key: String) -> Answer<()> {
        let kept = granted(self, &cache);
        Ok(async { Ok(kept?.delete_value(&cache, &key).await?) }.await)
    }

    async fn delete_tag(&mut self, cache: String, tag: String) -> Answer<()> {
        let kept = granted(self, &cache);
        Ok(async { Ok(kept?.delete_tagged(&cache, &tag).await?) }.await)
    }

    async fn get_or_compute_lock(&mut self, cache: String, key: String, wait_ms: u32) -> Answer<Found> {
        let kept = match granted(self, &cache) {
            Ok(kept) => kept,
            Err(denied) => return Ok(Err(denied)),
        };
        if self.cache_rights.iter().any(|right| kept.is_right_to(right, &cache, &key)) {
            return Ok(Ok(Found::Compute));
        }
        if self.cache_rights.len() >= RIGHTS_MAX {
            return Ok(Err(Error::Invalid(format!(
                "this call holds {RIGHTS_MAX} locks already; unlock some"
            ))));
        }
        let left = self.deadline().saturating_duration_since(Instant::now());
        let wait = Duration::from_millis(wait_ms.into()).min(left);
        Ok(match kept.value_or_right(&cache, &key, wait).await {
            Ok(Some(Kept::Value(value))) => Ok(Found::Value(value.into())),
            Ok(Some(Kept::Compute(right))) => {
                self.cache_rights.push(right);
                Ok(Found::Compute)
            }
            // Whoever has waited in vain gets the right as well.
            Ok(None) => Ok(Found::Compute),
            Err(error) => Err(error.into()),
        })
    }

    async fn unlock(&mut self, cache: String, key: String) -> Answer<()> {
        Ok(granted(self, &cache).map(|kept| give_back(self, &kept, &cache, &key)))
    }
}

fn give_back(guest: &mut Guest, kept: &Cache, cache: &str, key: &str) {
    guest.cache_rights.retain(|right| !kept.is_right_to(right, cache, key));
}

/// The cache, if `name` was granted.
fn granted(guest: &Guest, name: &str) -> Result<Cache, Error> {
    let env = &guest.env;
    if env.spec.grant.cache.iter().any(|granted| granted == name) {
        return Ok(env.cache.clone());
    }
    let shown: String = name.chars().take(64).collect();
    Err(Error::Denied(format!(
        "cache {shown:?} is not granted: add it to grant = {{ cache = [{shown:?}] }} of plugin {}",
        env.plugin
    )))
}

impl From<cache::Error> for Error {
    fn from(error: cache::Error) -> Self {
        match error {
            cache::Error::Invalid(text) => Error::Invalid(text),
            unheard @ cache::Error::Unavailable => Error::Unavailable(unheard.to_string()),
        }
    }
}
