//! One exchange with a plugin: wait for a place, take an instance, call it, bring back what it answers.

mod answer;
mod incoming;
mod refused;
mod service;
mod streaming;
mod typed;
mod warm;

pub use warm::warm;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use http::{Request, Response};
use ostler_core::plugin::Instances;
use ostler_core::{Body, Error, Exchange, Kind};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout_at;

use crate::capabilities::compat::spin_request;
use crate::fault::classify;
use crate::guest::Guest;
use crate::plugin::{Exports, Handler, Plugin};
use crate::pool::Instance;

/// Exchanges that may wait for a place, per place that there is.
const WAITING_PER_PLACE: usize = 16;

/// Answers one exchange with `plugin`, by the exchange's deadline.
///
/// Dropping the future ends the guest's call; once a streaming handler has answered, dropping its body before the end does
/// so a moment later.
pub fn call(
    plugin: &Arc<Plugin>,
    exchange: Exchange,
    mut request: Request<Body>,
) -> impl Future<Output = Result<Response<Body>, Error>> {
    // Before the future, which would hold what it changes twice.
    if plugin.env.spin {
        spin_request::describe(&mut request, &exchange);
    }
    dispatch(plugin, exchange, request)
}

async fn dispatch(
    plugin: &Arc<Plugin>,
    exchange: Exchange,
    request: Request<Body>,
) -> Result<Response<Body>, Error> {
    let answered = match &plugin.handler {
        Handler::Typed(_) => typed::call(plugin, exchange, request).await,
        // Boxed, so that the fast lane does not move futures of their size.
        Handler::Incoming(_) | Handler::Service(_) => {
            Box::pin(streaming::call(plugin, exchange, request)).await
        }
    };
    answered.inspect_err(|error| count(plugin, error.kind))
}

/// Counts calls that the guest, or the host for the guest's sake, ended badly.
fn count(plugin: &Plugin, kind: Kind) {
    use Kind::*;
    if let PluginTrapped | PluginOutOfMemory | PluginLimitExceeded | PluginFailed | DeadlineExceeded
    | ResponseTooLarge = kind
    {
        plugin.env.metrics.trap(kind);
    }
}

/// Waits for one of the plugin's places, inside the deadline.
async fn admit(plugin: &Plugin, deadline: Instant) -> Result<OwnedSemaphorePermit, Error> {
    match plugin.slot.permits.clone().try_acquire_owned() {
        Ok(permit) => Ok(permit),
        Err(_) => Box::pin(queue(plugin, deadline)).await,
    }
}

async fn queue(plugin: &Plugin, deadline: Instant) -> Result<OwnedSemaphorePermit, Error> {
    let overloaded = |detail| Error::new(Kind::Overloaded, detail).retry_after(Duration::from_secs(1));
    let (waiting, since) = (Waiting::enter(plugin), Instant::now());
    if waiting.place >= plugin.spec().concurrency.saturating_mul(WAITING_PER_PLACE) {
        return Err(overloaded("too many requests are waiting for this handler"));
    }
    let admitted = timeout_at(deadline.into(), plugin.slot.permits.clone().acquire_owned()).await;
    plugin.env.metrics.queue_wait.observe(since.elapsed());
    match admitted {
        Ok(Ok(permit)) => Ok(permit),
        _ => Err(overloaded("no place for this request was free within its deadline")),
    }
}

/// Counts who waits, even if their future is dropped.
struct Waiting<'a> {
    plugin: &'a Plugin,
    place: usize,
}

impl<'a> Waiting<'a> {
    fn enter(plugin: &'a Plugin) -> Self {
        Waiting { plugin, place: plugin.slot.waiting.fetch_add(1, Relaxed) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.plugin.slot.waiting.fetch_sub(1, Relaxed);
    }
}

/// An instance that answers for `exchange`: an idle one, or a new one.
async fn instance(plugin: &Plugin, exchange: Exchange) -> Result<Box<Instance>, Error> {
    if let Some(mut instance) = plugin.pool.take() {
        Guest::begin(&mut instance.store, exchange);
        return Ok(instance);
    }
    match create(plugin, exchange.clone()).await {
        // No slot is free, but some may only be kept.
        Err(error) if error.kind == Kind::Overloaded && plugin.pools.evict() => {
            create(plugin, exchange).await
        }
        created => created,
    }
}

async fn create(plugin: &Plugin, exchange: Exchange) -> Result<Box<Instance>, Error> {
    let engine = match &plugin.handler {
        Handler::Typed(pre) => pre.engine(),
        Handler::Incoming(pre) => pre.engine(),
        Handler::Service(pre) => pre.engine(),
    };
    let mut store = Guest::store(engine, plugin.env.clone(), &exchange);
    Guest::begin(&mut store, exchange);
    let exports = match &plugin.handler {
        Handler::Typed(pre) => pre.instantiate_async(&mut store).await.map(Exports::Typed),
        Handler::Incoming(pre) => pre.instantiate_async(&mut store).await.map(Exports::Incoming),
        Handler::Service(pre) => pre.instantiate_async(&mut store).await.map(Exports::Service),
    };
    match exports {
        Ok(exports) => Ok(Instance::new(store, exports)),
        Err(error) => Err(classify(error, &store.data().limits)),
    }
}

/// Keeps an instance that has answered well for the next exchange, or ends it.
fn keep(plugin: &Plugin, mut instance: Box<Instance>) {
    instance.served += 1;
    let memory = instance.store.data().limits.memory();
    plugin.env.figures.memory(memory, memory.saturating_sub(instance.memory));
    instance.memory = memory;
    instance.store.data_mut().end();
    let warm = plugin.spec().instances == Instances::Warm;
    if warm && instance.served < plugin.spec().requests_per_instance && instance.store.data_mut().reusable() {
        plugin.pool.put(instance);
    }
}

fn body_too_large() -> Error {
    Error::new(Kind::BodyTooLarge, "the request body is larger than this handler accepts")
}

/// The handler kind and the instance's exports never differ; this only keeps the match total.
fn mismatch() -> Error {
    Error::new(Kind::Internal, "the host mixed up its instances")
}
