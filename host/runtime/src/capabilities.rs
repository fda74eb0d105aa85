//! What a guest may reach: one file per import.

mod authz;
mod cache;
pub(crate) mod compat;
mod config;
mod context;
mod experiment;
pub(crate) mod flags;
mod http;
mod kv;
mod log;
mod rate_limit;
pub(crate) mod stdio;
mod wasi_config;
pub(crate) mod wasi_http;
pub(crate) mod wasi_http_codes;
pub(crate) mod wasi_keyvalue;
