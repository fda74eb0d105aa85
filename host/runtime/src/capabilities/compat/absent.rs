//! Interfaces that this host knows and does not have: SDKs import the whole world of their host, whatever a guest uses of
//! it. They are linked so that such a guest runs; a call of one ends the request, and the log names the function.
//!
//! **Invariant:** what nobody knows is not linked; such a component is refused by name.

use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Linker, LinkerInstance, ResourceType};

use crate::compile::Component;
use crate::guest::Guest;
use crate::inspect::{Provider, provider};
use crate::runtime::LoadError;

/// A resource of an absent interface; there is never one.
struct Nothing;

/// `linker` with what `component` imports of absent interfaces.
pub(crate) fn link(linker: &Linker<Guest>, component: &Component) -> Result<Linker<Guest>, LoadError> {
    let mut linker = linker.clone();
    let (engine, types) = (component.code.engine(), component.code.component_type());
    for (name, import) in types.imports(engine) {
        let ComponentItem::ComponentInstance(interface) = import.ty else { continue };
        if provider(name) != Provider::Absent {
            continue;
        }
        let mut instance = linker.instance(name).map_err(refused)?;
        for (item, export) in interface.exports(engine) {
            define(&mut instance, name, item, &export.ty).map_err(refused)?;
        }
    }
    Ok(linker)
}

fn define(
    instance: &mut LinkerInstance<'_, Guest>,
    interface: &str,
    name: &str,
    item: &ComponentItem,
) -> wasmtime::Result<()> {
    match item {
        ComponentItem::ComponentFunc(function) => refuse(instance, interface, name, function),
        ComponentItem::Resource(_) => instance.resource(name, ResourceType::host::<Nothing>(), |_, _| Ok(())),
        _ => Ok(()),
    }
}

fn refuse(
    instance: &mut LinkerInstance<'_, Guest>,
    interface: &str,
    name: &str,
    function: &ComponentFunc,
) -> wasmtime::Result<()> {
    let text = format!("{name} of {interface} was called, which this host does not have");
    if function.async_() {
        instance.func_new_concurrent(name, move |_, _, _, _| {
            let text = text.clone();
            Box::pin(async move { Err(wasmtime::Error::msg(text)) })
        })
    } else {
        instance.func_new(name, move |_, _, _, _| Err(wasmtime::Error::msg(text.clone())))
    }
}

fn refused(error: wasmtime::Error) -> LoadError {
    LoadError::Link(format!("{error:#}"))
}
