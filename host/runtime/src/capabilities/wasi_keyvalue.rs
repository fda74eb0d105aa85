//! `wasi:keyvalue@0.2.0-draft`: the same stores under WASI's names.

use ostler_services::kv::{self, Kv};
use wasmtime::component::Resource;

use super::kv::{granted, text};
use crate::bindings::wasi_keyvalue::{atomics, batch, store};
use crate::guest::Guest;

/// Keys of one page of `list-keys`.
const PAGE: usize = 1_000;

/// An open store; it was granted when it was opened.
#[allow(unreachable_pub, reason = "the generated bindings export it")]
pub struct Bucket {
    pub(super) store: String,
}

type Answer<T> = wasmtime::Result<Result<T, store::Error>>;

/// The stores and the name of the one that `bucket` stands for.
pub(super) fn open(guest: &Guest, bucket: &Resource<Bucket>) -> wasmtime::Result<(Kv, String)> {
    let store = guest.table.get(bucket)?.store.clone();
    Ok((guest.state.kv.clone(), store))
}

impl store::Host for Guest {
    async fn open(&mut self, identifier: String) -> Answer<Resource<Bucket>> {
        if let Err(denied) = granted(&self.env, &identifier) {
            // `access-denied` has no room for the repair, `other` has.
            return Ok(Err(store::Error::Other(denied)));
        }
        Ok(Ok(self.table.push(Bucket { store: identifier })?))
    }
}

impl store::HostBucket for Guest {
    async fn get(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<Option<Vec<u8>>> {
        let (kv, store) = open(self, &bucket)?;
        Ok(kv.get(&store, key.as_bytes()).map_err(store::Error::from))
    }

    async fn set(&mut self, bucket: Resource<Bucket>, key: String, value: Vec<u8>) -> Answer<()> {
        let (kv, store) = open(self, &bucket)?;
        Ok(kv.set(&store, key.as_bytes(), value, None).await.map_err(store::Error::from))
    }

    async fn delete(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<()> {
        let (kv, store) = open(self, &bucket)?;
        Ok(kv.delete(&store, key.as_bytes()).await.map(drop).map_err(store::Error::from))
    }

    async fn exists(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<bool> {
        let (kv, store) = open(self, &bucket)?;
        Ok(kv.exists(&store, key.as_bytes()).map_err(store::Error::from))
    }

    async fn list_keys(
        &mut self,
        bucket: Resource<Bucket>,
        cursor: Option<u64>,
    ) -> Answer<store::KeyResponse> {
        let (kv, store) = open(self, &bucket)?;
        let page = kv.scan(&store, cursor, PAGE).map_err(store::Error::from);
        Ok(page.map(|page| store::KeyResponse {
            keys: page.keys.into_iter().map(text).collect(),
            cursor: page.cursor,
        }))
    }

    async fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for Guest {
    async fn increment(&mut self, bucket: Resource<Bucket>, key: String, delta: u64) -> Answer<u64> {
        let (kv, store) = open(self, &bucket)?;
        let Ok(delta) = i64::try_from(delta) else { return Ok(Err(kv::Error::NotANumber.into())) };
        let sum = kv.increment(&store, key.as_bytes(), delta).await;
        Ok(sum
            .and_then(|sum| u64::try_from(sum).map_err(|_| kv::Error::NotANumber))
            .map_err(store::Error::from))
    }
}

impl batch::Host for Guest {
    async fn get_many(
        &mut self,
        bucket: Resource<Bucket>,
        keys: Vec<String>,
    ) -> Answer<Vec<Option<(String, Vec<u8>)>>> {
        let (kv, store) = open(self, &bucket)?;
        let values = kv.get_many(&store, &keys).map_err(store::Error::from);
        let pair = |(key, value): (String, Option<Vec<u8>>)| value.map(|value| (key, value));
        Ok(values.map(|values| keys.into_iter().zip(values).map(pair).collect()))
    }

    async fn set_many(&mut self, bucket: Resource<Bucket>, entries: Vec<(String, Vec<u8>)>) -> Answer<()> {
        let (kv, store) = open(self, &bucket)?;
        let entry = |(key, value): (String, Vec<u8>)| kv::Entry { key: key.into_bytes(), value };
        Ok(kv.set_many(&store, entries.into_iter().map(entry).collect()).await.map_err(store::Error::from))
    }

    async fn delete_many(&mut self, bucket: Resource<Bucket>, keys: Vec<String>) -> Answer<()> {
        let (kv, store) = open(self, &bucket)?;
        let keys = keys.into_iter().map(String::into_bytes).collect();
        Ok(kv.delete_many(&store, keys).await.map_err(store::Error::from))
    }
}

impl From<kv::Error> for store::Error {
    fn from(error: kv::Error) -> Self {
        match error {
            kv::Error::Unavailable(error) => {
                tracing::error!(%error, "the key-value store failed");
                store::Error::Other("the store failed; try again".into())
            }
            error => store::Error::Other(error.to_string()),
        }
    }
}
