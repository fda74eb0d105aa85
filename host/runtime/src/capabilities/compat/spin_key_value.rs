//! `fermyon:spin/key-value@2.0.0` and `spin:key-value@3.0.0`: the stores of `grant.kv`, under Spin's names.

use ostler_services::kv::{self, Kv};
use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, StreamReader};

use super::super::kv::{granted, text};
use crate::bindings::{spin_key_value, spin2_key_value};
use crate::guest::Guest;

/// Keys that one `get-keys` lists, as Spin lists all of them at once.
const KEYS: usize = 100_000;

/// An open store; it was granted when it was opened.
#[allow(unreachable_pub, reason = "the generated bindings export it")]
pub struct Store {
    name: String,
}

/// What went wrong, for either of the two interfaces.
struct Failed(String);

type Answer<T, E> = wasmtime::Result<Result<T, E>>;

/// The stores and the name of the one that `store` stands for.
fn open(guest: &mut Guest, store: &Resource<Store>) -> wasmtime::Result<(Kv, String)> {
    let name = guest.table.get(store)?.name.clone();
    Ok((guest.state.kv.clone(), name))
}

impl spin2_key_value::Host for Guest {}

impl spin2_key_value::HostStore for Guest {
    async fn open(&mut self, label: String) -> Answer<Resource<Store>, spin2_key_value::Error> {
        match granted(&self.env, &label) {
            Ok(()) => Ok(Ok(self.table.push(Store { name: label })?)),
            // `access-denied` has no room for the repair, `other` has.
            Err(denied) => Ok(Err(spin2_key_value::Error::Other(denied))),
        }
    }

    async fn get(
        &mut self,
        store: Resource<Store>,
        key: String,
    ) -> Answer<Option<Vec<u8>>, spin2_key_value::Error> {
        let (kv, name) = open(self, &store)?;
        Ok(get(&kv, &name, &key).map_err(Into::into))
    }

    async fn set(
        &mut self,
        store: Resource<Store>,
        key: String,
        value: Vec<u8>,
    ) -> Answer<(), spin2_key_value::Error> {
        let (kv, name) = open(self, &store)?;
        Ok(set(&kv, &name, &key, value).await.map_err(Into::into))
    }

    async fn delete(&mut self, store: Resource<Store>, key: String) -> Answer<(), spin2_key_value::Error> {
        let (kv, name) = open(self, &store)?;
        Ok(delete(&kv, &name, &key).await.map_err(Into::into))
    }

    async fn exists(&mut self, store: Resource<Store>, key: String) -> Answer<bool, spin2_key_value::Error> {
        let (kv, name) = open(self, &store)?;
        Ok(exists(&kv, &name, &key).map_err(Into::into))
    }

    async fn get_keys(&mut self, store: Resource<Store>) -> Answer<Vec<String>, spin2_key_value::Error> {
        let (kv, name) = open(self, &store)?;
        Ok(keys(&kv, &name).map_err(Into::into))
    }

    async fn drop(&mut self, store: Resource<Store>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}

impl spin_key_value::Host for Guest {}

impl spin_key_value::HostStore for Guest {
    fn drop(&mut self, store: Resource<Store>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}

impl<T: Send> spin_key_value::HostStoreWithStore<T> for HasSelf<Guest> {
    async fn open(
        accessor: &Accessor<T, Self>,
        label: String,
    ) -> Answer<Resource<Store>, spin_key_value::Error> {
        accessor.with(|mut access| {
            let guest = access.get();
            match granted(&guest.env, &label) {
                Ok(()) => Ok(Ok(guest.table.push(Store { name: label })?)),
                Err(denied) => Ok(Err(spin_key_value::Error::Other(denied))),
            }
        })
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        store: Resource<Store>,
        key: String,
    ) -> Answer<Option<Vec<u8>>, spin_key_value::Error> {
        let (kv, name) = accessor.with(|mut access| open(access.get(), &store))?;
        Ok(get(&kv, &name, &key).map_err(Into::into))
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        store: Resource<Store>,
        key: String,
        value: Vec<u8>,
    ) -> Answer<(), spin_key_value::Error> {
        let (kv, name) = accessor.with(|mut access| open(access.get(), &store))?;
        Ok(set(&kv, &name, &key, value).await.map_err(Into::into))
    }

    async fn delete(
        accessor: &Accessor<T, Self>,
        store: Resource<Store>,
        key: String,
    ) -> Answer<(), spin_key_value::Error> {
        let (kv, name) = accessor.with(|mut access| open(access.get(), &store))?;
        Ok(delete(&kv, &name, &key).await.map_err(Into::into))
    }

    async fn exists(
        accessor: &Accessor<T, Self>,
        store: Resource<Store>,
        key: String,
    ) -> Answer<bool, spin_key_value::Error> {
        let (kv, name) = accessor.with(|mut access| open(access.get(), &store))?;
        Ok(exists(&kv, &name, &key).map_err(Into::into))
    }

    async fn get_keys(
        accessor: &Accessor<T, Self>,
        store: Resource<Store>,
    ) -> wasmtime::Result<(StreamReader<String>, FutureReader<Result<(), spin_key_value::Error>>)> {
        let (kv, name) = accessor.with(|mut access| open(access.get(), &store))?;
        let (keys, ended) = match keys(&kv, &name) {
            Ok(keys) => (keys, Ok(())),
            Err(failed) => (Vec::new(), Err(failed.into())),
        };
        accessor.with(|mut access| {
            let ended = async { wasmtime::error::Ok(ended) };
            Ok((StreamReader::new(&mut access, keys)?, FutureReader::new(&mut access, ended)?))
        })
    }
}

fn get(kv: &Kv, store: &str, key: &str) -> Result<Option<Vec<u8>>, Failed> {
    Ok(kv.get(store, key.as_bytes())?)
}

async fn set(kv: &Kv, store: &str, key: &str, value: Vec<u8>) -> Result<(), Failed> {
    Ok(kv.set(store, key.as_bytes(), value, None).await?)
}

async fn delete(kv: &Kv, store: &str, key: &str) -> Result<(), Failed> {
    kv.delete(store, key.as_bytes()).await?;
    Ok(())
}

fn exists(kv: &Kv, store: &str, key: &str) -> Result<bool, Failed> {
    Ok(kv.exists(store, key.as_bytes())?)
}

/// All keys of the store, page by page.
fn keys(kv: &Kv, store: &str) -> Result<Vec<String>, Failed> {
    let (mut keys, mut cursor) = (Vec::new(), None);
    loop {
        let page = kv.scan(store, cursor, kv::LIST_MAX)?;
        keys.extend(page.keys.into_iter().map(text));
        if keys.len() > KEYS {
            let repair = "list them by prefix with wasi:keyvalue or ostler:plugin/kv";
            return Err(Failed(format!("the store has more than {KEYS} keys; {repair}")));
        }
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(keys);
        }
    }
}

impl From<kv::Error> for Failed {
    fn from(error: kv::Error) -> Self {
        match error {
            kv::Error::Unavailable(error) => {
                tracing::error!(%error, "the key-value store failed");
                Failed("the store failed; try again".into())
            }
            error => Failed(error.to_string()),
        }
    }
}

impl From<Failed> for spin2_key_value::Error {
    fn from(Failed(text): Failed) -> Self {
        spin2_key_value::Error::Other(text)
    }
}

impl From<Failed> for spin_key_value::Error {
    fn from(Failed(text): Failed) -> Self {
        spin_key_value::Error::Other(text)
    }
}
