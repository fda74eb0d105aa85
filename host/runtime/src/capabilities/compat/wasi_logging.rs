//! `wasi:logging`: lines of the host's log, as `ostler:plugin/log` writes them.

use wasmtime::component::Linker;

use super::super::log::write;
use crate::bindings::wasi_logging::{Host, Level};
use crate::guest::Guest;

/// Guests import it with the version of the draft, or with none.
const BARE: &str = "wasi:logging/logging";

impl Host for Guest {
    fn log(&mut self, level: Level, context: String, message: String) -> wasmtime::Result<()> {
        let level = match level {
            Level::Trace => tracing::Level::TRACE,
            Level::Debug => tracing::Level::DEBUG,
            Level::Info => tracing::Level::INFO,
            Level::Warn => tracing::Level::WARN,
            Level::Error | Level::Critical => tracing::Level::ERROR,
        };
        let fields = if context.is_empty() { vec![] } else { vec![("context".to_owned(), context)] };
        write(self, level, &message, &fields);
        Ok(())
    }
}

/// Adds the interface under its name without a version.
pub(crate) fn link_bare(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.instance(BARE)?.func_wrap(
        "log",
        |mut store: wasmtime::StoreContextMut<'_, Guest>, call: (Level, String, String)| {
            let (level, context, message) = call;
            store.data_mut().log(level, context, message)
        },
    )
}
