//! Everything a guest can touch, in one struct: the data of its store. Closed by default.

use std::sync::Arc;
use std::time::Instant;

use ostler_core::plugin::PluginSpec;
use ostler_core::{Exchange, RequestId};
use ostler_observe::Observe;
use ostler_observe::metrics::PluginMetrics;
use ostler_services::kv::Kv;
use ostler_upstream::{Client, Upstream};
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::capabilities::stdio;
use crate::capabilities::wasi_http::Outbound;
use crate::fault::DeadlinePassed;
use crate::lane;
use crate::limits::Limits;

/// Host handles (open streams, requests, pollables, ...) one instance may hold.
const HANDLES: usize = 1_000;

/// Bytes that one host call may move out of the guest.
const HOST_CALL_BYTES: usize = 32 << 20;

/// Bytes of one set of header fields, in memory.
const FIELDS_BYTES: usize = 128 << 10;

/// What plugins share with the rest of the host.
#[derive(Clone)]
pub struct Services {
    /// Key-value stores.
    pub kv: Kv,
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
    pub(crate) kv: Kv,
    pub(crate) outbound: Client,
    pub(crate) observe: Observe,
    pub(crate) metrics: Arc<PluginMetrics>,
}

/// The data of one store.
pub(crate) struct Guest {
    pub(crate) env: Arc<Env>,
    pub(crate) exchange: Option<Exchange>,
    pub(crate) limits: Limits,
    pub(crate) table: ResourceTable,
    /// Bytes this call may still log.
    pub(crate) log_left: u64,
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
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(FIELDS_BYTES);
        let guest = Guest {
            exchange: None,
            limits: Limits::new(env.spec.memory, env.spec.table_elements, env.metrics.clone()),
            table,
            log_left: env.spec.log,
            deadline: exchange.deadline,
            wasi: None,
            http,
            outbound: Outbound::new(env.outbound.clone(), exchange.deadline),
            env,
        };
        let mut store = Store::new(engine, guest);
        store.limiter(|guest| &mut guest.limits);
        store.set_hostcall_fuel(HOST_CALL_BYTES);
        store.epoch_deadline_callback(|context| {
            if Instant::now() >= context.data().deadline {
                return Err(DeadlinePassed.into());
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
        guest.log_left = guest.env.spec.log;
        guest.deadline = exchange.deadline;
        guest.outbound.deadline = exchange.deadline;
        if let Some(wasi) = &guest.wasi {
            wasi.stdio.begin(exchange.id.clone(), guest.env.spec.log);
        }
        guest.exchange = Some(exchange);
    }

    /// Whether this instance may serve another exchange.
    pub(crate) fn reusable(&self) -> bool {
        // Handles that outlive their exchange would add up to the limit, and are a leak in the guest anyway.
        !self.limits.refused() && (self.wasi.is_none() || self.table.is_empty())
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
