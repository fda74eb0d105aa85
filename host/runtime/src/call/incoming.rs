//! `wasi:http/incoming-handler@0.2`: streaming, one exchange at a time in an instance.

use http::{HeaderValue, Request, header};
use ostler_core::Scheme;
use wasmtime::Store;
use wasmtime::component::Resource;
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::bindings::Proxy;
use wasmtime_wasi_http::p2::bindings::http::types;
use wasmtime_wasi_http::p2::types::{HostIncomingRequest, HostResponseOutparam};

use super::refused::refused;
use super::streaming::{GuestBody, HeadSender};
use crate::capabilities::wasi_http_codes::of_p2;
use crate::guest::Guest;

/// Calls the handler; the answer goes to `sender`.
pub(super) async fn invoke(
    proxy: &Proxy,
    store: &mut Store<Guest>,
    scheme: Scheme,
    request: Request<GuestBody>,
    sender: HeadSender,
) -> wasmtime::Result<()> {
    let (request, out) = arguments(store, scheme, request, sender)?;
    proxy.wasi_http_incoming_handler().call_handle(store, request, out).await
}

type Arguments = (Resource<HostIncomingRequest>, Resource<HostResponseOutparam>);

fn arguments(
    store: &mut Store<Guest>,
    scheme: Scheme,
    mut request: Request<GuestBody>,
    sender: HeadSender,
) -> wasmtime::Result<Arguments> {
    let scheme = match scheme {
        Scheme::Http => types::Scheme::Http,
        Scheme::Https => types::Scheme::Https,
    };
    if request.uri().authority().is_none() && !request.headers().contains_key(header::HOST) {
        // HTTP/1.0 needs no Host, but 0.2 does.
        request.headers_mut().insert(header::HOST, HeaderValue::from_static("localhost"));
    }
    let mut http = store.data_mut().http();
    let request = http.new_incoming_request(scheme, request)?;
    let out = http.new_response_outparam_from_callback(move |answer| {
        let _ = sender.send(answer.map_err(|code| refused(of_p2(code))));
    })?;
    Ok((request, out))
}
