//! Bindings generated from `wit/`; nothing here is written by hand.

#[allow(unsafe_code, missing_docs, unreachable_pub, clippy::all, reason = "generated code")]
mod ostler {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "ostler:plugin/typed",
        imports: {
            "ostler:plugin/log": trappable,
            "ostler:plugin/config": trappable,
            "ostler:plugin/context": trappable,
            "ostler:plugin/kv": async | trappable,
            "ostler:plugin/http-client": async | trappable,
            "ostler:plugin/authz": trappable,
            "ostler:plugin/rate-limit": async | trappable,
            "ostler:plugin/cache": async | trappable,
            "ostler:plugin/flags": async | trappable,
            "ostler:plugin/experiment": trappable,
        },
        exports: { default: async },
        require_store_data_send: true,
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

#[allow(unsafe_code, missing_docs, unreachable_pub, clippy::all, reason = "generated code")]
mod wasi_names {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "ostler:plugin/wasi-capabilities",
        imports: { default: async | trappable },
        require_store_data_send: true,
        with: { "wasi:keyvalue/store.bucket": crate::capabilities::wasi_keyvalue::Bucket },
    });
}

#[allow(unsafe_code, missing_docs, unreachable_pub, clippy::all, reason = "generated code")]
mod spin2 {
    wasmtime::component::bindgen!({
        path: "../../wit/compat",
        world: "ostler:compat/spin2",
        imports: { default: async | trappable },
        require_store_data_send: true,
        with: {
            "fermyon:spin/key-value.store": crate::capabilities::compat::spin_key_value::Store,
            "fermyon:spin/sqlite.connection": crate::capabilities::compat::spin_sqlite::Connection,
            "wasi:keyvalue/store.bucket": crate::capabilities::wasi_keyvalue::Bucket,
            "wasi:keyvalue/atomics.cas": crate::capabilities::compat::wasi_keyvalue_draft2::Cas,
        },
    });
}

#[allow(unsafe_code, missing_docs, unreachable_pub, clippy::all, reason = "generated code")]
mod spin3 {
    wasmtime::component::bindgen!({
        path: "../../wit/compat",
        world: "ostler:compat/spin3",
        imports: {
            "spin:sqlite/sqlite.[static]connection.open": async | trappable,
            "spin:sqlite/sqlite.[method]connection.execute": async | trappable,
            default: trappable,
        },
        require_store_data_send: true,
        with: {
            "spin:key-value/key-value.store": crate::capabilities::compat::spin_key_value::Store,
            "spin:sqlite/sqlite.connection": crate::capabilities::compat::spin_sqlite::Connection,
        },
    });
}

#[allow(unsafe_code, missing_docs, unreachable_pub, clippy::all, reason = "generated code")]
mod wasmcloud {
    wasmtime::component::bindgen!({
        path: "../../wit/compat",
        world: "ostler:compat/wasmcloud",
        imports: { "wasi:logging/logging": trappable, default: async | trappable },
        require_store_data_send: true,
        with: {
            "wasi:io": wasmtime_wasi::p2::bindings::io,
            "wasi:blobstore/types.incoming-value": crate::capabilities::compat::wasi_blobstore::IncomingValue,
            "wasi:blobstore/types.outgoing-value": crate::capabilities::compat::wasi_blobstore::OutgoingValue,
            "wasi:blobstore/container.container": crate::capabilities::compat::wasi_blobstore::Container,
            "wasi:blobstore/container.stream-object-names": crate::capabilities::compat::wasi_blobstore::Names,
        },
    });
}

pub(crate) use ostler::exports::ostler::plugin::http_handler;
pub(crate) use ostler::ostler::plugin::{
    authz, cache, config, context, experiment, flags, http_client, kv, log, rate_limit, types,
};
pub(crate) use ostler::{Typed, TypedPre};
pub(crate) use spin2::fermyon::spin::{
    key_value as spin2_key_value, sqlite as spin2_sqlite, variables as spin2_variables,
};
pub(crate) use spin2::wasi::keyvalue as wasi_keyvalue2;
pub(crate) use spin3::spin::key_value::key_value as spin_key_value;
pub(crate) use spin3::spin::sqlite::sqlite as spin_sqlite;
pub(crate) use spin3::spin::variables::variables as spin_variables;
pub(crate) use wasi_names::wasi::{config as wasi_config, keyvalue as wasi_keyvalue};
pub(crate) use wasmcloud::wasi::blobstore as wasi_blobstore;
pub(crate) use wasmcloud::wasi::logging::logging as wasi_logging;
