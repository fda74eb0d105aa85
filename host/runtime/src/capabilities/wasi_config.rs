//! `wasi:config/store`: the same values under WASI's name.

use crate::bindings::wasi_config::store::{Error, Host};
use crate::guest::Guest;

impl Host for Guest {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, Error>> {
        Ok(Ok(self.env.spec.grant.config.get(&key).cloned()))
    }

    async fn get_all(&mut self) -> wasmtime::Result<Result<Vec<(String, String)>, Error>> {
        Ok(Ok(self.env.spec.grant.config.clone().into_iter().collect()))
    }
}
