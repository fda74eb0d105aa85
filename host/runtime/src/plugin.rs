//! A live release of a plugin: its component with its definition, ready to be called.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use ostler_core::Digest;
use ostler_core::plugin::{Instances, PluginSpec};
use ostler_release::analysis::Figures;
use tokio::sync::Semaphore;
use wasmtime::component::Linker;
use wasmtime_wasi_http::p2::bindings as p2;
use wasmtime_wasi_http::p3::bindings as p3;

use crate::bindings::{Typed, TypedPre};
use crate::capabilities::compat::{absent, spin_request};
use crate::compile::Component;
use crate::guest::{Env, Guest};
use crate::inspect;
use crate::isolation::World;
use crate::lane::{Lanes, Share};
use crate::pool::{Pool, Pools};
use crate::runtime::{LoadError, Runtime};

/// One release of one plugin. Immutable; a snapshot holds it, and it lives until its last exchange has ended.
pub struct Plugin {
    pub(crate) env: Arc<Env>,
    pub(crate) handler: Handler,
    pub(crate) pool: Arc<Pool>,
    pub(crate) pools: Arc<Pools>,
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) slot: Arc<Slot>,
    digest: Digest,
}

/// What outlives a plugin's releases: its concurrency and its standing in the lanes.
pub(crate) struct Slot {
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) waiting: AtomicUsize,
    pub(crate) share: Arc<Share>,
    concurrency: usize,
}

/// The three ways in.
pub(crate) enum Handler {
    Typed(TypedPre<Guest>),
    Incoming(p2::ProxyPre<Guest>),
    Service(p3::ServicePre<Guest>),
}

/// A handler in an instance.
pub(crate) enum Exports {
    Typed(Typed),
    Incoming(p2::Proxy),
    Service(p3::Service),
}

/// Momentary figures of a plugin, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gauges {
    /// Instances waiting for work.
    pub idle: usize,
    /// Exchanges being answered.
    pub busy: usize,
    /// Exchanges waiting for one of the others to end.
    pub waiting: usize,
}

impl Plugin {
    pub(crate) fn new(
        name: &str,
        spec: &PluginSpec,
        component: &Component,
        linker: &Linker<Guest>,
        runtime: &Runtime,
        world: World,
    ) -> Result<Self, LoadError> {
        let services = world.services;
        let imports = component.imports();
        let env = Env {
            plugin: name.into(),
            release: component.digest.to_string().into(),
            spec: spec.clone(),
            state: world.state,
            rate_limits: services.rate_limits,
            flags: services.flags,
            experiments: services.experiments,
            figures: Arc::default(),
            outbound: world.outbound,
            observe: services.observe,
            metrics: world.metrics,
            isolation: world.isolation,
            _scratch: world.scratch,
            release_short: component.digest.short().into(),
            spin: spin_request::is_spin(imports.iter().map(String::as_str)),
        };
        let keep = match spec.instances {
            Instances::Warm => spec.concurrency,
            Instances::Fresh => 0,
        };
        Ok(Plugin {
            env: Arc::new(env),
            handler: Handler::of(component, &absent::link(linker, component)?)?,
            pool: runtime.pools.pool(keep),
            pools: runtime.pools.clone(),
            lanes: runtime.lanes.clone(),
            slot: world.slot,
            digest: component.digest,
        })
    }

    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        &self.env.plugin
    }

    /// Its definition.
    pub fn spec(&self) -> &PluginSpec {
        &self.env.spec
    }

    /// Digest of the component that runs.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// How it is called: `typed`, `wasi:http@0.2` or `wasi:http@0.3`.
    pub fn handler(&self) -> &'static str {
        match self.handler {
            Handler::Typed(_) => inspect::Handler::Typed.short(),
            Handler::Incoming(_) => inspect::Handler::WasiHttp02.short(),
            Handler::Service(_) => inspect::Handler::WasiHttp03.short(),
        }
    }

    /// What this release has done since it was made.
    pub fn figures(&self) -> &Arc<Figures> {
        &self.env.figures
    }

    /// Momentary figures.
    pub fn gauges(&self) -> Gauges {
        Gauges {
            idle: self.pool.len(),
            busy: self.slot.concurrency.saturating_sub(self.slot.permits.available_permits()),
            waiting: self.slot.waiting.load(Relaxed),
        }
    }

    /// Keeps this many instances from being swept, so that this release can take over in no time; 0 is how it begins.
    /// [`crate::warm`] makes them. They still go if another release needs their slots.
    pub fn keep_ready(&self, instances: usize) {
        self.pool.keep_ready(instances);
    }

    /// Ends instances that were idle since before the previous sweep; returns how many.
    pub fn sweep(&self) -> usize {
        self.pool.sweep()
    }
}

impl Slot {
    pub(crate) fn new(concurrency: usize) -> Self {
        Slot::with(concurrency, Share::new())
    }

    /// One of a plugin whose callers can wait.
    pub(crate) fn unhurried(concurrency: usize) -> Self {
        Slot::with(concurrency, Share::unhurried())
    }

    fn with(concurrency: usize, share: Share) -> Self {
        Slot {
            permits: Arc::new(Semaphore::new(concurrency)),
            waiting: AtomicUsize::new(0),
            share: Arc::new(share),
            concurrency,
        }
    }
}

impl Handler {
    /// Links `component` and finds the best handler that it exports: typed, then 0.3, then 0.2.
    fn of(component: &Component, linker: &Linker<Guest>) -> Result<Self, LoadError> {
        let pre =
            linker.instantiate_pre(&component.code).map_err(|error| LoadError::Link(format!("{error:#}")))?;
        if let Ok(typed) = TypedPre::new(pre.clone()) {
            return Ok(Handler::Typed(typed));
        }
        if let Ok(service) = p3::ServicePre::new(pre.clone()) {
            return Ok(Handler::Service(service));
        }
        match p2::ProxyPre::new(pre) {
            Ok(incoming) => Ok(Handler::Incoming(incoming)),
            Err(_) => Err(LoadError::NoHandler),
        }
    }
}
