//! `wasi:http/handler@0.3`: streaming, driven by the component model's own event loop.
//!
//! An instance answers one exchange at a time, so a trap or a deadline ends that exchange alone.

use std::future::poll_fn;

use http::{Request, Uri, header};
use http_body_util::BodyExt;
use ostler_core::Scheme;
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime::component::Accessor;
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p3::Request as GuestRequest;
use wasmtime_wasi_http::p3::bindings::Service;

use super::refused::refused;
use super::streaming::{GuestBody, HeadSender};
use crate::capabilities::wasi_http_codes::of_p3;
use crate::guest::Guest;

/// Calls the handler; the answer goes to `sender`.
pub(super) async fn invoke(
    service: &Service,
    store: &mut Store<Guest>,
    scheme: Scheme,
    mut request: Request<GuestBody>,
    sender: HeadSender,
) -> wasmtime::Result<()> {
    absolute(&mut request, scheme);
    let (request, sent) = GuestRequest::from_http(store.data_mut().http().hooks, request);
    store.run_concurrent(async |accessor| converse(accessor, service, request, sent, sender).await).await?
}

/// Calls the handler, passes its head on, and stays until guest and body have ended.
async fn converse(
    accessor: &Accessor<Guest>,
    service: &Service,
    request: GuestRequest,
    sent: impl Future<Output = Result<(), wasmtime_wasi_http::Error>> + Send + 'static,
    sender: HeadSender,
) -> wasmtime::Result<()> {
    let request = accessor.with(|mut store| store.get().table.push(request))?;
    let response = match service.wasi_http_handler().call_handle(accessor, request).await? {
        Ok(response) => response,
        Err(code) => {
            let _ = sender.send(Err(refused(of_p3(code))));
            poll_fn(|cx| accessor.poll_no_interesting_tasks(cx)).await;
            return Ok(());
        }
    };
    let response = accessor.with(|mut store| {
        let response = store.get().table.delete(response)?;
        response.into_http(&mut store, sent)
    })?;
    let (done, ended) = oneshot::channel();
    let response = response.map(|body| Watched { body, _done: done }.boxed_unsync());
    if sender.send(Ok(response)).is_ok() {
        // The body is fed by this event loop, so it must turn until the body is gone.
        let _ = ended.await;
    }
    poll_fn(|cx| accessor.poll_no_interesting_tasks(cx)).await;
    Ok(())
}

/// 0.3 takes scheme and authority from the URI alone.
fn absolute(request: &mut Request<GuestBody>, scheme: Scheme) {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let mut parts = request.uri().clone().into_parts();
    if parts.authority.is_none() {
        parts.authority = host.unwrap_or("localhost").parse().ok();
    }
    parts.scheme = match scheme {
        Scheme::Http => Some(http::uri::Scheme::HTTP),
        Scheme::Https => Some(http::uri::Scheme::HTTPS),
    };
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
}

/// A body that tells when it is gone, read to its end or not.
struct Watched {
    body: GuestBody,
    _done: oneshot::Sender<()>,
}

impl http_body::Body for Watched {
    type Data = bytes::Bytes;
    type Error = wasmtime_wasi_http::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
        std::pin::Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
