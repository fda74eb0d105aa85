//! `wasi:keyvalue@0.2.0-draft2`, which Spin has: the stores of `grant.kv`, with cursors of text and compare-and-swap.

use ostler_services::kv;
use wasmtime::component::Resource;

use super::super::kv::{granted, text};
use super::super::wasi_keyvalue::{Bucket, open};
use crate::bindings::wasi_keyvalue2::{atomics, batch, store};
use crate::guest::Guest;

/// What a key held when it was looked at.
#[allow(unreachable_pub, reason = "the generated bindings export it")]
pub struct Cas {
    store: String,
    key: String,
    seen: Option<Vec<u8>>,
}

type Answer<T> = wasmtime::Result<Result<T, store::Error>>;

impl store::Host for Guest {
    async fn open(&mut self, identifier: String) -> Answer<Resource<Bucket>> {
        match granted(&self.env, &identifier) {
            Ok(()) => Ok(Ok(self.table.push(Bucket { store: identifier })?)),
            // `access-denied` has no room for the repair, `other` has.
            Err(denied) => Ok(Err(store::Error::Other(denied))),
        }
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
        cursor: Option<String>,
    ) -> Answer<store::KeyResponse> {
        let (kv, store) = open(self, &bucket)?;
        let page = kv.list(&store, b"", cursor.as_deref(), kv::LIST_MAX).map_err(store::Error::from);
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
    async fn increment(&mut self, bucket: Resource<Bucket>, key: String, delta: i64) -> Answer<i64> {
        let (kv, store) = open(self, &bucket)?;
        Ok(kv.increment(&store, key.as_bytes(), delta).await.map_err(store::Error::from))
    }

    async fn swap(
        &mut self,
        cas: Resource<Cas>,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), atomics::CasError>> {
        let Cas { store, key, seen } = self.table.delete(cas)?;
        let kv = self.state.kv.clone();
        let swapped = kv.compare_and_swap(&store, key.as_bytes(), seen, Some(value)).await;
        let failed = |error: kv::Error| atomics::CasError::StoreError(error.into());
        match swapped {
            Ok(true) => Ok(Ok(())),
            Err(error) => Ok(Err(failed(error))),
            // The guest gets a new handle, with what is there now.
            Ok(false) => match kv.get(&store, key.as_bytes()) {
                Ok(seen) => {
                    let again = self.table.push(Cas { store, key, seen })?;
                    Ok(Err(atomics::CasError::CasFailed(again)))
                }
                Err(error) => Ok(Err(failed(error))),
            },
        }
    }
}

impl atomics::HostCas for Guest {
    async fn new(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<Resource<Cas>> {
        let (kv, store) = open(self, &bucket)?;
        match kv.get(&store, key.as_bytes()) {
            Ok(seen) => Ok(Ok(self.table.push(Cas { store, key, seen })?)),
            Err(error) => Ok(Err(error.into())),
        }
    }

    async fn current(&mut self, cas: Resource<Cas>) -> Answer<Option<Vec<u8>>> {
        Ok(Ok(self.table.get(&cas)?.seen.clone()))
    }

    async fn drop(&mut self, cas: Resource<Cas>) -> wasmtime::Result<()> {
        self.table.delete(cas)?;
        Ok(())
    }
}

impl batch::Host for Guest {
    async fn get_many(
        &mut self,
        bucket: Resource<Bucket>,
        keys: Vec<String>,
    ) -> Answer<Vec<(String, Option<Vec<u8>>)>> {
        let (kv, store) = open(self, &bucket)?;
        let values = kv.get_many(&store, &keys).map_err(store::Error::from);
        Ok(values.map(|values| keys.into_iter().zip(values).collect()))
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
