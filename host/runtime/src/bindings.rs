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

pub(crate) use ostler::exports::ostler::plugin::http_handler;
pub(crate) use ostler::ostler::plugin::{config, context, http_client, kv, log, types};
pub(crate) use ostler::{Typed, TypedPre};
pub(crate) use wasi_names::wasi::{config as wasi_config, keyvalue as wasi_keyvalue};
