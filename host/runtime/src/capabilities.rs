//! What a guest may reach: one file per import.

pub(crate) mod compat;
mod config;
mod context;
mod http;
mod kv;
mod log;
pub(crate) mod stdio;
mod wasi_config;
pub(crate) mod wasi_http;
pub(crate) mod wasi_http_codes;
pub(crate) mod wasi_keyvalue;
