//! Interfaces that other hosts gave their guests: one file per import, each a thin layer over the services that
//! `ostler:plugin` uses. Grants and limits are the same, whatever name a guest knows them by.

pub(crate) mod absent;
pub(crate) mod spin_key_value;
pub(crate) mod spin_request;
pub(crate) mod spin_sqlite;
mod spin_variables;
pub(crate) mod wasi_blobstore;
pub(crate) mod wasi_config_drafts;
pub(crate) mod wasi_keyvalue_draft2;
pub(crate) mod wasi_logging;
