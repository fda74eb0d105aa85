//! tmp
use crate::bindings::http_client::{Error, Host, Outbound, Response};
use crate::guest::Guest;
impl Host for Guest {
    async fn send(&mut self, _: Outbound) -> wasmtime::Result<Result<Response, Error>> {
        Ok(Err(Error::Timeout))
    }
}
impl crate::bindings::types::Host for Guest {}
