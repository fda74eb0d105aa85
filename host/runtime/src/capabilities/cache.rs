//! `ostler:plugin/cache`: the caches that the plugin was granted.

use crate::bindings::cache::{Error, Found, Host};
use crate::guest::Guest;

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl Host for Guest {
    async fn get(&mut self, cache: String, _key: String) -> Answer<Option<Vec<u8>>> {
        Ok(Err(denied(self, &cache)))
    }

    async fn set(
        &mut self,
        cache: String,
        _key: String,
        _value: Vec<u8>,
        _ttl_ms: Option<u64>,
        _tags: Vec<String>,
    ) -> Answer<()> {
        Ok(Err(denied(self, &cache)))
    }

    async fn delete(&mut self, cache: String, _key: String) -> Answer<()> {
        Ok(Err(denied(self, &cache)))
    }

    async fn delete_tag(&mut self, cache: String, _tag: String) -> Answer<()> {
        Ok(Err(denied(self, &cache)))
    }

    async fn get_or_compute_lock(&mut self, cache: String, _key: String, _wait_ms: u32) -> Answer<Found> {
        Ok(Err(denied(self, &cache)))
    }

    async fn unlock(&mut self, cache: String, _key: String) -> Answer<()> {
        Ok(Err(denied(self, &cache)))
    }
}

fn denied(guest: &Guest, cache: &str) -> Error {
    let _cache = &guest.env.cache;
    Error::Denied(format!("cache {cache:?} is not granted: grant = {{ cache = [{cache:?}] }}"))
}
