//! Everything a guest can touch, in one struct: the data of its store. Closed by default.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use ostler_core::plugin::PluginSpec;
use ostler_core::{Exchange, RequestId};
use ostler_observe::Observe;
use ostler_observe::metrics::PluginMetrics;
use ostler_release::analysis::Figures;
use ostler_release::experiments::{Experiments, Variant};
use ostler_release::flags::Flags;
use ostler_services::{Blobs, Cache, Kv, RateLimits, Scratch, Sql};
use ostler_upstream::{Client, Upstream};
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::capabilities::compat::spin_sqlite::Connection;
use crate::capabilities::flags::Added;
use crate::capabilities::stdio;
use crate::capabilities::wasi_http::Outbound;
use crate::fault::DeadlinePassed;
use crate::isolation::{Isolation, State};
use crate::lane;
use crate::limits::Limits;

/// Host handles (open streams, requests, pollables, ...) one instance may hold.
const HANDLES: usize = 1_000;

/// Entries in the tables that wasmtime keeps for one instance: what the guest was handed, and the tasks, streams and futures
/// of 0.3. A stream is several of them.
const ENTRIES: usize = 4_000;

/// Handles an idle instance may hold: most languages keep their standard streams. More are a leak, and the instance is
/// replaced before it reaches its limit.
const HANDLES_AT_REST: usize = 64;

/// Bytes that one host call may move out of the guest, unless its response may be larger.
const HOST_CALL_BYTES: usize = 32 << 20;

/// What a typed response's head may add to its body there.
const RESPONSE_HEAD_BYTES: usize = 1 << 20;

/// Bytes of one set of header fields, in memory.
const FIELDS_BYTES: usize = 128 << 10;

/// What plugins share with the rest of the host.
#[derive(Clone)]
pub struct Services {
    /// Key-value stores.
    pub kv: Kv,
    /// SQLite databases.
    pub sql: Sql,
    /// Containers of objects.
    pub blobs: Blobs,
    /// Rate limits.
    pub rate_limits: RateLimits,
    /// Kept values.
    pub cache: Cache,
    /// Feature flags.
    pub flags: Flags,
    /// What is counted of flags under experiment.
    pub experiments: Experiments,
    /// Outbound HTTP.
    pub upstream: Upstream,
    /// Where plugins' lines and counts go.
    pub observe: Observe,
}

/// What every instance of one release has in common.
pub(crate) struct Env {
    pub(crate) plugin: Arc<str>,
    /// The whole digest, as `sha256:...`.
    pub(crate) release: Arc<str>,
    pub(crate) release_short: Arc<str>,
    pub(crate) spec: PluginSpec,
    /// What instances begin with; they use their own.
    pub(crate) state: State,
    pub(crate) rate_limits: RateLimits,
    pub(crate) flags: Flags,
    pub(crate) experiments: Experiments,
    /// What this release has done.
    pub(crate) figures: Arc<Figures>,
    pub(crate) outbound: Client,
    pub(crate) observe: Observe,
    pub(crate) metrics: Arc<PluginMetrics>,
    /// Why it runs apart from everything, if it does.
    pub(crate) isolation: Option<Isolation>,
    /// Last, so that what lies in it is closed before it is removed.
    pub(crate) _scratch: Option<Scratch>,
    /// Whether it was made for Spin, and expects what Spin tells of a request.
    pub(crate) spin: bool,
}

/// The data of one store.
pub(crate) struct Guest {
    pub(crate) env: Arc<Env>,
    pub(crate) exchange: Option<Exchange>,
    /// The stores, as the exchange may use them.
    pub(crate) state: State,
    pub(crate) limits: Limits,
    pub(crate) table: ResourceTable,
    /// Bytes this call may still log.
    pub(crate) log_left: u64,
    /// Values that this call is to make; given back with its end.
    pub(crate) cache_rights: Vec<ostler_services::cache::Guard>,
    /// Variants under experiment that this exchange was given.
    pub(crate) exposed: Vec<Arc<Variant>>,
    /// What this call has said of itself to feature flags.
    pub(crate) flag_context: Added,
    deadline: Instant,
    wasi: Option<Box<Wasi>>,
    http: WasiHttpCtx,
    outbound: Outbound,
}

/// Most typed handlers never touch WASI, so its context is made at first use.
struct Wasi {
    context: WasiCtx,
    stdio: Arc<stdio::Lines>,
}

impl Guest {
    /// A store for one instance of `env`'s plugin.
    pub(crate) fn store(engine: &Engine, env: Arc<Env>, exchange: &Exchange) -> Store<Guest> {
        let response_body = env.spec.response_body;
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(FIELDS_BYTES);
        let guest = Guest {
            exchange: None,
            state: env.state.clone(),
            limits: Limits::new(env.spec.memory, env.spec.table_elements, env.metrics.clone()),
            table,
            log_left: env.spec.log,
            cache_rights: Vec::new(),
            exposed: Vec::new(),
            flag_context: Added::default(),
            deadline: exchange.deadline,
            wasi: None,
            http,
            outbound: Outbound::new(env.outbound.clone(), exchange.deadline),
            env,
        };
        let mut store = Store::new(engine, guest);
        store.limiter(|guest| &mut guest.limits);
        store.set_hostcall_fuel(host_call_bytes(response_body));
        store.set_max_component_handles(ENTRIES);
        if let Some(table) = store.concurrent_resource_table() {
            table.set_max_capacity(ENTRIES);
        }
        store.epoch_deadline_callback(|context| {
            if Instant::now() >= context.data().deadline {
                return Err(DeadlinePassed.into());
            }
            if !lane::burns() {
                return Ok(UpdateDeadline::Continue(lane::LOOK_AGAIN));
            }
            lane::change();
            Ok(UpdateDeadline::Yield(lane::SLOW_SLICE))
        });
        store
    }

    /// Makes `store` answer for `exchange` from here on.
    pub(crate) fn begin(store: &mut Store<Guest>, exchange: Exchange) {
        store.set_epoch_deadline(lane::FAST_SLICE);
        let guest = store.data_mut();
        guest.limits.forgive();
        if guest.env.isolation == Some(Isolation::Shadow) {
            guest.state = guest.env.state.afresh();
        }
        guest.log_left = guest.env.spec.log;
        guest.flag_context.clear();
        guest.deadline = exchange.deadline;
        guest.outbound.deadline = exchange.deadline;
        if let Some(wasi) = &guest.wasi {
            wasi.stdio.begin(exchange.id.clone(), guest.env.spec.log);
        }
        guest.exposed.clear();
        guest.exchange = Some(exchange);
    }

    /// Ends the exchange as far as the log and the rights to make values are concerned.
    pub(crate) fn end(&mut self) {
        self.cache_rights.clear();
        if self.env.isolation == Some(Isolation::Shadow) {
            self.state = self.env.state.clone();
        }
        if let Some(wasi) = &self.wasi {
            wasi.stdio.flush();
        }
    }

    /// Whether this instance may serve another exchange.
    pub(crate) fn reusable(&mut self) -> bool {
        // A copy of a database must not outlive the copy of the request.
        let held_back = self.env.isolation == Some(Isolation::Shadow);
        let is_copy = |entry: &(dyn Any + Send)| held_back && entry.is::<Connection>();
        !self.limits.refused()
            && at_rest(&mut self.table)
            && !self.table.iter_mut().any(|entry| is_copy(entry))
    }

    /// When the exchange being answered ends.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Identifier of the exchange being answered.
    pub(crate) fn request_id(&self) -> Option<&RequestId> {
        self.exchange.as_ref().map(|exchange| &exchange.id)
    }
}

/// A typed response leaves the guest in one call, and may be as large as the definition allows.
fn host_call_bytes(response_body: u64) -> usize {
    let response = usize::try_from(response_body).unwrap_or(usize::MAX).saturating_add(RESPONSE_HEAD_BYTES);
    response.max(HOST_CALL_BYTES)
}

/// Whether what a guest still holds may outlive its exchange: standard streams and the like may, nothing of the exchange.
fn at_rest(table: &mut ResourceTable) -> bool {
    let mut held = 0;
    table.iter_mut().all(|entry| {
        held += 1;
        held <= HANDLES_AT_REST && !of_an_exchange(entry)
    })
}

/// A request or response that is kept would keep its connection, a body that is kept would never end, and a transaction
/// that is kept would make all others wait.
fn of_an_exchange(entry: &(dyn Any + Send)) -> bool {
    use wasmtime_wasi_http::p2::{body, types};
    use wasmtime_wasi_http::p3;
    entry.is::<types::HostIncomingRequest>()
        || entry.is::<types::HostResponseOutparam>()
        || entry.is::<types::HostOutgoingResponse>()
        || entry.is::<types::HostOutgoingRequest>()
        || entry.is::<types::HostIncomingResponse>()
        || entry.is::<types::HostFutureIncomingResponse>()
        || entry.is::<body::HostIncomingBody>()
        || entry.is::<body::HostOutgoingBody>()
        || entry.is::<body::HostFutureTrailers>()
        || entry.is::<p3::Request>()
        || entry.is::<p3::Response>()
        || entry.downcast_ref::<Connection>().is_some_and(Connection::in_transaction)
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let (env, exchange, log) = (&self.env, &self.exchange, self.log_left);
        let wasi = self.wasi.get_or_insert_with(|| {
            let stdio = Arc::new(stdio::Lines::new(env.clone()));
            if let Some(exchange) = exchange {
                stdio.begin(exchange.id.clone(), log);
            }
            Box::new(Wasi { context: stdio::context(&stdio), stdio })
        });
        WasiCtxView { ctx: &mut wasi.context, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.outbound, table: &mut self.table, ctx: &mut self.http }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_streams_may_stay_but_neither_leaks_nor_bodies() {
        let mut table = ResourceTable::new();
        for _ in 0..HANDLES_AT_REST {
            table.push("a standard stream").unwrap();
        }
        assert!(at_rest(&mut table));
        let one_more = table.push("a leak").unwrap();
        assert!(!at_rest(&mut table));
        table.delete(one_more).unwrap();
        assert!(at_rest(&mut table));

        let mut table = ResourceTable::new();
        let body = wasmtime_wasi_http::p2::body::HostIncomingBody::new(
            http_body_util::combinators::UnsyncBoxBody::default(),
        );
        table.push(body).unwrap();
        assert!(!at_rest(&mut table));
    }
}
