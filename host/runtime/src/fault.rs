//! Why a guest ended badly: from wasmtime's error to the kind that the client and the operator are told.

use std::time::Duration;

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
    } else if matches!(error.downcast_ref(), Some(ResourceTableError::Full))
        || says(&error, "store handle limit exceeded")
    {
        (Kind::PluginLimitExceeded, "the handler holds too many handles")
    } else if says(&error, "fuel allocated for hostcalls has been exhausted") {
        (Kind::PluginLimitExceeded, "the handler moved too many bytes in one call of the host")
    } else if matches!(error.downcast_ref(), Some(Trap::StackOverflow)) {
        (Kind::PluginTrapped, "the handler used up its stack")
    } else if exited(&error) {
        (Kind::PluginTrapped, "the handler exited instead of answering")
    } else {
        (Kind::PluginTrapped, "the handler crashed")
    };
    let told = Error::new(kind, detail).because(Cause(format!("{error:?}")));
    if kind == Kind::Overloaded { told.retry_after(Duration::from_secs(1)) } else { told }
}

/// Whether wasmtime's message is `text`, for errors that have no type.
fn says(error: &wasmtime::Error, text: &str) -> bool {
    error.chain().any(|cause| cause.to_string().contains(text))
}

/// The private cause: wasmtime's message with the guest's backtrace.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Cause(String);
