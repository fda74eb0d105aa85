//! `wasi:config/store` by the names of its earlier drafts, which Spin and wasmCloud still import.

use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

use crate::bindings::wasi_config::store::Error;
use crate::guest::Guest;

const DRAFTS: [&str; 2] = ["wasi:config/store@0.2.0-draft", "wasi:config/store@0.2.0-draft-2024-09-27"];

type Told<T> = wasmtime::Result<(Result<T, Error>,)>;

/// Adds the interface under each of them.
pub(crate) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    for name in DRAFTS {
        let mut store = linker.instance(name)?;
        store.func_wrap("get", get)?;
        store.func_wrap("get-all", all)?;
    }
    Ok(())
}

fn get(store: StoreContextMut<'_, Guest>, (key,): (String,)) -> Told<Option<String>> {
    Ok((Ok(store.data().env.spec.grant.config.get(&key).cloned()),))
}

fn all(store: StoreContextMut<'_, Guest>, (): ()) -> Told<Vec<(String, String)>> {
    Ok((Ok(store.data().env.spec.grant.config.clone().into_iter().collect()),))
}
