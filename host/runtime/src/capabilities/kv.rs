//! `ostler:plugin/kv`: the stores that the plugin was granted.

use std::time::Duration;

use ostler_services::kv;

use crate::bindings::kv::{Entry, Error, Host, Page};
use crate::guest::{Env, Guest};

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl Host for Guest {
    async fn get(&mut self, store: String, key: String) -> Answer<Option<Vec<u8>>> {
        let kv = stores(self, &store);
        answer(async { Ok(kv?.get(&store, key.as_bytes())?) }).await
    }

    async fn set(&mut self, store: String, key: String, value: Vec<u8>, ttl_ms: Option<u64>) -> Answer<()> {
        let ttl = ttl_ms.map(Duration::from_millis);
        let kv = stores(self, &store);
        answer(async { Ok(kv?.set(&store, key.as_bytes(), value, ttl).await?) }).await
    }

    async fn delete(&mut self, store: String, key: String) -> Answer<bool> {
        let kv = stores(self, &store);
        answer(async { Ok(kv?.delete(&store, key.as_bytes()).await?) }).await
    }

    async fn exists(&mut self, store: String, key: String) -> Answer<bool> {
        let kv = stores(self, &store);
        answer(async { Ok(kv?.exists(&store, key.as_bytes())?) }).await
    }

    async fn list_keys(
        &mut self,
        store: String,
        prefix: String,
        cursor: Option<String>,
        limit: u32,
    ) -> Answer<Page> {
        let kv = stores(self, &store);
        answer(async {
            let page = kv?.list(&store, prefix.as_bytes(), cursor.as_deref(), limit as usize)?;
            Ok(Page { keys: page.keys.into_iter().map(text).collect(), cursor: page.cursor })
        })
        .await
    }

    async fn increment(&mut self, store: String, key: String, delta: i64) -> Answer<i64> {
        let kv = stores(self, &store);
        answer(async { Ok(kv?.increment(&store, key.as_bytes(), delta).await?) }).await
    }

    async fn compare_and_swap(
        &mut self,
        store: String,
        key: String,
        expected: Option<Vec<u8>>,
        value: Option<Vec<u8>>,
    ) -> Answer<bool> {
        let kv = stores(self, &store);
        answer(async { Ok(kv?.compare_and_swap(&store, key.as_bytes(), expected, value).await?) }).await
    }

    async fn get_many(&mut self, store: String, keys: Vec<String>) -> Answer<Vec<Option<Vec<u8>>>> {
        let kv = stores(self, &store);
        answer(async { Ok(kv?.get_many(&store, &keys)?) }).await
    }

    async fn set_many(&mut self, store: String, entries: Vec<Entry>) -> Answer<()> {
        let entry = |entry: Entry| kv::Entry { key: entry.key.into_bytes(), value: entry.value };
        let entries = entries.into_iter().map(entry).collect();
        let kv = stores(self, &store);
        answer(async { Ok(kv?.set_many(&store, entries).await?) }).await
    }

    async fn delete_many(&mut self, store: String, keys: Vec<String>) -> Answer<()> {
        let keys = keys.into_iter().map(String::into_bytes).collect();
        let kv = stores(self, &store);
        answer(async { Ok(kv?.delete_many(&store, keys).await?) }).await
    }
}

/// No call of this import traps; what goes wrong is told to the guest.
async fn answer<T>(call: impl Future<Output = Result<T, Error>>) -> Answer<T> {
    Ok(call.await)
}

/// The stores, if `store` was granted.
fn stores(guest: &Guest, store: &str) -> Result<kv::Kv, Error> {
    granted(&guest.env, store).map_err(Error::Denied)?;
    Ok(guest.state.kv.clone())
}

/// Whether `store` was granted; if not, the text names the missing grant.
pub(super) fn granted(env: &Env, store: &str) -> Result<(), String> {
    if env.spec.grant.kv.iter().any(|granted| granted == store) {
        return Ok(());
    }
    let shown: String = store.chars().take(64).collect();
    Err(format!(
        "store {shown:?} is not granted: add it to grant = {{ kv = [{shown:?}] }} of plugin {}",
        env.plugin
    ))
}

/// Keys come in as text, so they go out as text.
pub(super) fn text(key: Vec<u8>) -> String {
    String::from_utf8(key).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

impl From<kv::Error> for Error {
    fn from(error: kv::Error) -> Self {
        match error {
            kv::Error::NotANumber => Error::NotANumber,
            kv::Error::Invalid(text) => Error::Invalid(text),
            full @ kv::Error::QuotaExceeded { .. } => Error::Invalid(full.to_string()),
            kv::Error::Unavailable(error) => {
                tracing::error!(%error, "the key-value store failed");
                Error::Unavailable("the store failed; try again".into())
            }
        }
    }
}
