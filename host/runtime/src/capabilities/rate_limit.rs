//! `ostler:plugin/rate-limit`: the limits that the plugin was granted.

use crate::bindings::rate_limit::{Decision, Error, Host};
use crate::guest::Guest;

impl Host for Guest {
    async fn check(
        &mut self,
        limit: String,
        _key: String,
        _cost: u32,
    ) -> wasmtime::Result<Result<Decision, Error>> {
        let _limits = &self.env.rate_limits;
        Ok(Err(Error::Denied(format!("limit {limit:?} is not granted: grant = {{ limits = [{limit:?}] }}"))))
    }
}
