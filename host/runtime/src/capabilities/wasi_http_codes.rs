//! Error codes of wasi:http that `wasmtime-wasi-http` 48 mistakes. A newer one that the scenarios pass with makes this file
//! superfluous.

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::p2::bindings::io::error::Error as IoError;
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, FieldSizePayload};
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode as ErrorCode3;

use crate::guest::Guest;

/// Puts a `http-error-code` in place of the library's, which knows none of the errors that end a body.
pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let told = |mut store: StoreContextMut<'_, Guest>, (error,): (Resource<IoError>,)| {
        let error = store.data_mut().table.get(&error)?;
        let own = || error.downcast_ref::<ErrorCode>().cloned();
        Ok((error.downcast_ref::<Error>().map(of_body).or_else(own),))
    };
    linker.instance("wasi:http/types@0.2.12")?.func_wrap("http-error-code", told)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// What can end a body in this host; the rest by its text.
fn of_body(error: &Error) -> ErrorCode {
    match error {
        Error::ConnectionTerminated => ErrorCode::ConnectionTerminated,
        Error::ConnectionReadTimeout => ErrorCode::ConnectionReadTimeout,
        Error::HttpRequestBodySize(size) => ErrorCode::HttpRequestBodySize(*size),
        Error::HttpResponseBodySize(size) => ErrorCode::HttpResponseBodySize(*size),
        Error::HttpResponseIncomplete => ErrorCode::HttpResponseIncomplete,
        Error::HttpResponseTimeout => ErrorCode::HttpResponseTimeout,
        Error::HttpProtocolError => ErrorCode::HttpProtocolError,
        Error::InternalError(text) => ErrorCode::InternalError(text.clone()),
        other => ErrorCode::InternalError(Some(other.to_string())),
    }
}

/// A code that a guest of 0.2 answered with. The library takes one for another.
pub(crate) fn of_p2(code: ErrorCode) -> Error {
    match code {
        ErrorCode::HttpResponseHeaderSize(FieldSizePayload { field_name, field_size }) => {
            Error::HttpResponseHeaderSize { field_name, field_size }
        }
        code => code.into(),
    }
}

/// The same for 0.3.
pub(crate) fn of_p3(code: ErrorCode3) -> Error {
    match code {
        ErrorCode3::HttpResponseHeaderSize(field) => {
            Error::HttpResponseHeaderSize { field_name: field.field_name, field_size: field.field_size }
        }
        code => code.into(),
    }
}
