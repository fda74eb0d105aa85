//! `ostler:plugin/flags`: feature flags, with what is known of the exchange as context.

use crate::bindings::flags::{Details, ErrorCode, Host, Value};
use crate::guest::Guest;

impl Host for Guest {
    async fn get_boolean(&mut self, _key: String, default: bool) -> wasmtime::Result<bool> {
        Ok(default)
    }

    async fn get_string(&mut self, _key: String, default: String) -> wasmtime::Result<String> {
        Ok(default)
    }

    async fn get_number(&mut self, _key: String, default: f64) -> wasmtime::Result<f64> {
        Ok(default)
    }

    async fn get_object(&mut self, _key: String, default: String) -> wasmtime::Result<String> {
        Ok(default)
    }

    async fn resolve(&mut self, _key: String, default: Value) -> wasmtime::Result<Details> {
        Ok(Details {
            value: default,
            variant: None,
            reason: "ERROR".into(),
            error_code: Some(ErrorCode::FlagNotFound),
            error_message: None,
            metadata: "{}".into(),
        })
    }

    async fn add_context(&mut self, _attributes: Vec<(String, String)>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}
