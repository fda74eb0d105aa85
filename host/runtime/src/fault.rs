//! Why a guest ended badly: from wasmtime's error to the kind that the client and the operator are told.

use ostler_core::{Error, Kind};
use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Trap};

use crate::limits::Limits;

/// Raised inside a guest that still runs when its deadline has passed.
#[derive(Debug, thiserror::Error)]
#[error("the deadline has passed")]
pub(crate) struct DeadlinePassed;

/// The guest called `exit`, or proc_exit through an adapter, instead of answering.
fn exited(error: &wasmtime::Error) -> bool {
    error.downcast_ref::<wasmtime_wasi::I32Exit>().is_some()
}

/// Tells which failure `error` is; `limits` are those of the guest that raised it.
pub(crate) fn classify(error: wasmtime::Error, limits: &Limits) -> Error {
    let (kind, detail) = if error.is::<DeadlinePassed>() {
        (Kind::DeadlineExceeded, "the handler did not answer within its deadline")
    } else if error.is::<PoolConcurrencyLimitError>() {
        (Kind::Overloaded, "no instance is free on this host")
    } else if limits.refused() {
        (Kind::PluginOutOfMemory, "the handler ran out of the memory it may use")
    } else if matches!(error.downcast_ref(), Some(ResourceTableError::Full)) {
        (Kind::PluginLimitExceeded, "the handler holds too many handles")
    } else if is_host_call_limit(&error) {
        (Kind::PluginLimitExceeded, "the handler moved too many bytes in one call of the host")
    } else if matches!(error.downcast_ref(), Some(Trap::StackOverflow)) {
        (Kind::PluginTrapped, "the handler used up its stack")
    } else if exited(&error) {
        (Kind::PluginTrapped, "the handler exited instead of answering")
    } else {
        (Kind::PluginTrapped, "the handler crashed")
    };
    Error::new(kind, detail).because(Cause(format!("{error:?}")))
}

/// wasmtime has no type for this error.
fn is_host_call_limit(error: &wasmtime::Error) -> bool {
    error.chain().any(|cause| cause.to_string().contains("fuel allocated for hostcalls has been exhausted"))
}

/// The private cause: wasmtime's message with the guest's backtrace.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Cause(String);
