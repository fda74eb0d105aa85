//! `ostler:plugin/config`: the values of the plugin's definition.

use crate::bindings::config::Host;
use crate::guest::Guest;

impl Host for Guest {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        Ok(self.env.spec.grant.config.get(&key).cloned())
    }

    fn all(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(self.env.spec.grant.config.clone().into_iter().collect())
    }
}
