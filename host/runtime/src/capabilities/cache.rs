//! `ostler:plugin/cache`: the caches that the plugin was granted.

use std::time::{Duration, Instant};

use ostler_services::Cache;
use ostler_services::cache::{self, Found as Looked};

use crate::bindings::cache::{Error, Found, Host};
use crate::guest::Guest;
use crate::isolation::Kept;

/// Rights to make values that one exchange may hold at once.
const RIGHTS_MAX: usize = 100;

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl Host for Guest {
    async fn get(&mut self, cache: String, key: String) -> Answer<Option<Vec<u8>>> {
        let kept = granted(self, &cache);
        Ok(async {
            let value = match kept? {
                Kept::Real(kept) => kept.value(&cache, &key).await?,
                Kept::Held(held) => held.value(&cache, &key).await?,
            };
            Ok(value.map(Vec::from))
        }
        .await)
    }

    async fn set(
        &mut self,
        cache: String,
        key: String,
        value: Vec<u8>,
        ttl_ms: Option<u64>,
        tags: Vec<String>,
    ) -> Answer<()> {
        let ttl = ttl_ms.map(Duration::from_millis);
        let kept = match granted(self, &cache) {
            Ok(Kept::Real(kept)) => kept,
            Ok(Kept::Held(held)) => {
                let set = held.set_value(&cache, &key, value.into(), ttl, &tags);
                return Ok(set.map_err(Error::from));
            }
            Err(denied) => return Ok(Err(denied)),
        };
        let right = self.cache_rights.iter().find(|right| kept.is_right_to(right, &cache, &key));
        let set = kept.set_value(&cache, &key, value.into(), ttl, &tags, right);
        if set.is_ok() {
            give_back(self, &kept, &cache, &key);
        }
        Ok(set.map_err(Error::from))
    }

    async fn delete(&mut self, cache: String, key: String) -> Answer<()> {
        let kept = granted(self, &cache);
        Ok(async {
            match kept? {
                Kept::Real(kept) => Ok(kept.delete_value(&cache, &key).await?),
                Kept::Held(held) => Ok(held.delete_value(&cache, &key).await?),
            }
        }
        .await)
    }

    async fn delete_tag(&mut self, cache: String, tag: String) -> Answer<()> {
        let kept = granted(self, &cache);
        Ok(async {
            match kept? {
                Kept::Real(kept) => Ok(kept.delete_tagged(&cache, &tag).await?),
                Kept::Held(held) => Ok(held.delete_tagged(&cache, &tag).await?),
            }
        }
        .await)
    }

    async fn get_or_compute_lock(&mut self, cache: String, key: String, wait_ms: u32) -> Answer<Found> {
        let kept = match granted(self, &cache) {
            Ok(Kept::Real(kept)) => kept,
            // Whoever may keep nothing makes the value for itself, and nobody waits for it.
            Ok(Kept::Held(held)) => {
                let value = held.value(&cache, &key).await;
                return Ok(match value {
                    Ok(Some(value)) => Ok(Found::Value(value.into())),
                    Ok(None) => Ok(Found::Compute),
                    Err(error) => Err(error.into()),
                });
            }
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
            Ok(Some(Looked::Value(value))) => Ok(Found::Value(value.into())),
            Ok(Some(Looked::Compute(right))) => {
                self.cache_rights.push(right);
                Ok(Found::Compute)
            }
            // Whoever has waited in vain gets the right as well.
            Ok(None) => Ok(Found::Compute),
            Err(error) => Err(error.into()),
        })
    }

    async fn unlock(&mut self, cache: String, key: String) -> Answer<()> {
        Ok(granted(self, &cache).map(|kept| {
            if let Kept::Real(kept) = kept {
                give_back(self, &kept, &cache, &key);
            }
        }))
    }
}

fn give_back(guest: &mut Guest, kept: &Cache, cache: &str, key: &str) {
    guest.cache_rights.retain(|right| !kept.is_right_to(right, cache, key));
}

/// The cache, if `name` was granted.
fn granted(guest: &Guest, name: &str) -> Result<Kept, Error> {
    let env = &guest.env;
    if env.spec.grant.cache.iter().any(|granted| granted == name) {
        return Ok(guest.state.cache.clone());
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
