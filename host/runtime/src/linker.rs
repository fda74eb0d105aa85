//! Links everything, grants nothing: each import that Ostler knows is there, and answers by what was granted.

use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker};

use crate::bindings;
use crate::capabilities::compat::{wasi_config_drafts, wasi_logging};
use crate::capabilities::wasi_http_codes;
use crate::engine::Flavour;
use crate::guest::Guest;

/// All imports for guests of `flavour`.
pub(crate) fn linker(engine: &Engine, flavour: Flavour) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    wasi_http_codes::add_to_linker(&mut linker)?;
    if flavour == Flavour::Concurrent {
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
        bindings::spin_key_value::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
        bindings::spin_sqlite::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
        bindings::spin_variables::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    }
    bindings::log::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::config::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::context::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::kv::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::http_client::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::authz::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::rate_limit::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::cache::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::flags::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::experiment::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::wasi_config::store::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::wasi_keyvalue::store::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::wasi_keyvalue::atomics::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::wasi_keyvalue::batch::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::spin2_key_value::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::spin2_sqlite::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::spin2_variables::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::wasi_blobstore::types::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::wasi_blobstore::container::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::wasi_blobstore::blobstore::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::wasi_logging::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::wasi_keyvalue2::store::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::wasi_keyvalue2::atomics::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::wasi_keyvalue2::batch::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    wasi_logging::link_bare(&mut linker)?;
    wasi_config_drafts::link(&mut linker)?;
    Ok(linker)
}
