//! What both streaming handlers share: the head arrives first, the guest goes on until its body ends.
//!
//! A guest that has nothing to wait for is done in one poll: then its body is whole, and no task is made for the rest.
//! **Invariant:** a body whose guest failed never ends as if it were whole.

mod audience;
mod body;
mod fate;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::response::Parts;
use http::{Request, Response};
use http_body::Body as HttpBody;
use http_body::Frame;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use ostler_core::{Body, BodyError, Error, Exchange, Kind};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use wasmtime_wasi_http::Error as WasiError;

use super::{admit, answer, body_too_large, count, incoming, instance, keep, mismatch, service};
use crate::fault::classify;
use crate::lane;
use crate::plugin::{Exports, Plugin};
use crate::pool::Instance;
use audience::Audience;
use body::{Incoming, Outgoing};
use fate::Fate;

/// Body of a guest.
pub(super) type GuestBody = UnsyncBoxBody<Bytes, WasiError>;

type Head = Result<Response<GuestBody>, Error>;

/// Where a guest's head is sent.
pub(super) type HeadSender = oneshot::Sender<Head>;

/// Bytes of a body that are gathered before the head is sent on, if they are there already.
const EAGER: usize = 64 << 10;

/// Answers one exchange with a streaming handler.
pub(super) async fn call(
    plugin: &Arc<Plugin>,
    exchange: Exchange,
    request: Request<Body>,
) -> Result<Response<Body>, Error> {
    let fate = Fate::default();
    let request = limited(request, plugin.spec().request_body, &fate)?;
    let permit = admit(plugin, exchange.deadline).await?;
    let (sender, head) = oneshot::channel();
    let (lanes, share, deadline) = (plugin.lanes.clone(), plugin.slot.share.clone(), exchange.deadline);
    let call = Box::pin(invoke(plugin.clone(), exchange.clone(), request, permit, sender, fate.clone()));
    let drive = async move { lane::run(lanes, share, deadline, call).await? };
    answer(plugin, &exchange, fate, drive, head).await
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
    let Instance { exports, store, .. } = &mut *instance;
    let ended = match exports {
        Exports::Incoming(proxy) => incoming::invoke(proxy, store, scheme, request, sender).await,
        Exports::Service(service) => service::invoke(service, store, scheme, request, sender).await,
        Exports::Typed(_) => return Err(mismatch()),
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

/// Drives the guest until its head is there; what is left to do then runs by itself, to its end or its deadline.
async fn answer(
    plugin: &Arc<Plugin>,
    exchange: &Exchange,
    fate: Fate,
    drive: impl Future<Output = Result<(), Error>> + Send + 'static,
    head: oneshot::Receiver<Head>,
) -> Result<Response<Body>, Error> {
    let mut drive = Driven { call: Box::pin(drive), ended: None };
    let answered = begin(plugin, &mut drive, head).await;
    if fate.failed() == Some(Kind::BodyTooLarge) {
        return Err(body_too_large());
    }
    let (parts, begun) = answered?;
    let limit = plugin.spec().response_body;
    if let Some(whole) = begun.whole(&drive, limit)? {
        return Ok(Response::from_parts(parts, Body::full(whole)));
    }
    let mut audience = drive.leave(plugin, exchange);
    if begun.at_end && begun.frames.is_empty() {
        // Nothing is left to send, which is no reason to end a guest that still works.
        audience.served();
    }
    let owed = answer::length(&parts.headers);
    let body = Outgoing { begun: begun.frames, body: begun.body, left: limit, owed, fate, audience };
    Ok(Response::from_parts(parts, Body::stream(body)))
}

/// The guest's head, and its body as far as it comes without waiting.
async fn begin<F: Future<Output = Result<(), Error>> + Send + 'static>(
    plugin: &Plugin,
    drive: &mut Driven<F>,
    head: oneshot::Receiver<Head>,
) -> Result<(Parts, Begun), Error> {
    let (mut parts, body) = drive.head(head).await?.into_parts();
    answer::head(&mut parts.headers, plugin.spec())?;
    let begun = drive.settle(body).await;
    match drive.ended.take_if(|ended| ended.is_err()) {
        // Nothing has been sent yet, so the client can still be given the right status.
        Some(Err(error)) => Err(error),
        _ => Ok((parts, begun)),
    }
}

/// A request whose body ends with an error beyond the plugin's limit.
fn limited(request: Request<Body>, limit: u64, fate: &Fate) -> Result<Request<GuestBody>, Error> {
    let (parts, body) = request.into_parts();
    let body = body.limited(limit).map_err(|_| body_too_large())?;
    Ok(Request::from_parts(parts, Incoming::new(body, fate.clone()).boxed_unsync()))
}

/// A guest's call while it is driven from here.
struct Driven<F> {
    call: Pin<Box<F>>,
    ended: Option<Result<(), Error>>,
}

/// A body as far as it came without waiting.
struct Begun {
    frames: VecDeque<Result<Frame<Bytes>, BodyError>>,
    body: GuestBody,
    /// Whether `frames` is all there is.
    at_end: bool,
}

impl<F: Future<Output = Result<(), Error>> + Send + 'static> Driven<F> {
    /// The guest's head, or why there is none.
    async fn head(&mut self, mut head: oneshot::Receiver<Head>) -> Head {
        let received = poll_fn(|cx| {
            let ended = self.poll(cx).is_ready();
            match Pin::new(&mut head).poll(cx) {
                Poll::Ready(head) => Poll::Ready(head.ok()),
                Poll::Pending if ended => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        });
        match received.await {
            Some(head) => head,
            None => {
                poll_fn(|cx| self.poll(cx)).await;
                let failed = self.ended.take().and_then(Result::err);
                let unanswered = || Error::new(Kind::PluginFailed, "the handler ended without answering");
                Err(failed.unwrap_or_else(unanswered))
            }
        }
    }

    /// Takes what is there of `body` without waiting for more.
    async fn settle(&mut self, mut body: GuestBody) -> Begun {
        let mut frames = VecDeque::new();
        let mut bytes = 0;
        let at_end = poll_fn(|cx| {
            loop {
                let was_running = self.ended.is_none();
                let ended_now = self.poll(cx).is_ready() && was_running;
                match Pin::new(&mut body).poll_frame(cx) {
                    Poll::Ready(None) => return Poll::Ready(true),
                    Poll::Ready(Some(Ok(frame))) => {
                        bytes += frame.data_ref().map_or(0, Bytes::len);
                        frames.push_back(Ok(frame));
                        if bytes > EAGER {
                            return Poll::Ready(false);
                        }
                    }
                    Poll::Ready(Some(Err(error))) => {
                        frames.push_back(Err(BodyError::Broken(Box::new(error))));
                        return Poll::Ready(false);
                    }
                    Poll::Pending if ended_now => {}
                    Poll::Pending => return Poll::Ready(false),
                }
            }
        })
        .await;
        if at_end {
            // A guest of 0.3 is done once its body is gone.
            body = UnsyncBoxBody::default();
            poll_fn(|cx| Poll::Ready(self.poll(cx).is_ready())).await;
        }
        Begun { frames, body, at_end }
    }

    /// Lets the call go on by itself, and tells and counts if it fails.
    fn leave(self, plugin: &Arc<Plugin>, exchange: &Exchange) -> Audience {
        let (audience, stage) = audience::pair();
        if self.ended.is_none() {
            let (plugin, exchange) = (plugin.clone(), exchange.clone());
            tokio::spawn(async move {
                if let Some(Err(error)) = stage.perform(self.call).await {
                    count(&plugin, error.kind);
                    tell(&plugin, &exchange, &error);
                }
            });
        }
        audience
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.ended.is_none() {
            match self.call.as_mut().poll(cx) {
                Poll::Ready(ended) => self.ended = Some(ended),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }
}

impl Begun {
    /// The whole body, if guest and body have both ended well and there are no trailers.
    fn whole<F>(&self, driven: &Driven<F>, limit: u64) -> Result<Option<Bytes>, Error> {
        let frames = || self.frames.iter().flatten();
        if !self.at_end || frames().any(Frame::is_trailers) || !matches!(driven.ended, Some(Ok(()))) {
            return Ok(None);
        }
        let mut data = frames().filter_map(Frame::data_ref);
        let total: usize = data.clone().map(Bytes::len).sum();
        if total as u64 > limit {
            return Err(Error::new(
                Kind::ResponseTooLarge,
                "the handler's response body is larger than its definition allows",
            ));
        }
        let first = data.next().cloned().unwrap_or_default();
        if first.len() == total {
            return Ok(Some(first));
        }
        let mut whole = BytesMut::with_capacity(total);
        frames().filter_map(Frame::data_ref).for_each(|data| whole.extend_from_slice(data));
        Ok(Some(whole.freeze()))
    }
}

fn tell(plugin: &Plugin, exchange: &Exchange, error: &Error) {
    let cause = error.cause.as_ref().map(tracing::field::display);
    let code = error.kind.facts().code;
    tracing::warn!(
        request_id = exchange.id.as_str(),
        plugin = &*plugin.env.plugin,
        release = &*plugin.env.release_short,
        code,
        cause,
        "the handler failed after its head was sent"
    );
}
