//! `wasi:http/incoming-handler@0.2`: streaming, one exchange at a time in an instance.

use std::sync::Arc;

use http::{HeaderValue, Request, Response, header};
use ostler_core::{Body, Error, Exchange, Kind, Scheme};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use wasmtime::component::Resource;
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::bindings::http::types;
use wasmtime_wasi_http::p2::types::{HostIncomingRequest, HostResponseOutparam};

use super::streaming::{self, Fate, GuestBody, HeadSender};
use super::{admit, instance, keep, mismatch};
use crate::fault::classify;
use crate::lane;
use crate::plugin::{Exports, Plugin};
use crate::pool::Instance;

pub(super) async fn call(
    plugin: &Arc<Plugin>,
    exchange: Exchange,
    request: Request<Body>,
) -> Result<Response<Body>, Error> {
    let fate = Fate::default();
    let request = streaming::limited(request, plugin.spec().request_body, &fate)?;
    let permit = admit(plugin, exchange.deadline).await?;
    let (sender, head) = oneshot::channel();
    let (lanes, share) = (plugin.lanes.clone(), plugin.slot.share.clone());
    let call = Box::pin(invoke(plugin.clone(), exchange.clone(), request, permit, sender, fate.clone()));
    let deadline = exchange.deadline;
    let drive = async move { lane::run(lanes, share, deadline, call).await? };
    streaming::answer(plugin, &exchange, fate, drive, head).await
}

async fn invoke(
    plugin: Arc<Plugin>,
    exchange: Exchange,
    request: Request<GuestBody>,
    _permit: OwnedSemaphorePermit,
    sender: HeadSender,
    fate: Fate,
) -> Result<(), Error> {
    let scheme = exchange.peer.scheme;
    let mut instance = instance(&plugin, exchange).await?;
    let guard = fate.guard();
    let arguments = arguments(&mut instance, scheme, request, sender);
    let Exports::Incoming(proxy) = &instance.exports else { return Err(mismatch()) };
    let ended = match arguments {
        Ok((request, out)) => {
            proxy.wasi_http_incoming_handler().call_handle(&mut instance.store, request, out).await
        }
        Err(error) => Err(error),
    };
    match ended {
        Ok(()) => {
            guard.fine();
            keep(&plugin, instance);
            Ok(())
        }
        Err(error) => {
            let error = classify(error, &instance.store.data().limits);
            guard.failed(error.kind);
            Err(error)
        }
    }
}

type Arguments = (Resource<HostIncomingRequest>, Resource<HostResponseOutparam>);

fn arguments(
    instance: &mut Instance,
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
    let mut http = instance.store.data_mut().http();
    let request = http.new_incoming_request(scheme, request)?;
    let out = http.new_response_outparam_from_callback(move |answer| {
        let _ = sender.send(answer.map_err(|code| {
            Error::new(Kind::PluginFailed, "the handler reported an error").because(format!("{code:?}"))
        }));
    })?;
    Ok((request, out))
}
