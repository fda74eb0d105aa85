//! Releases that run where nothing they do leaves: on trial, before any user meets them, or in the shadow of another, with
//! copies of its requests.
//!
//! **Invariant:** what such a release may do is not judged call by call: it is linked to stores that cannot write to what is
//! real, to limits of its own, and to no network, so there is nothing that hostile code could find its way to.

use std::io;
use std::path::Path;
use std::sync::Arc;

use ostler_core::plugin::PluginSpec;
use ostler_observe::Exposures;
use ostler_observe::metrics::PluginMetrics;
use ostler_release::experiments::Experiments;
use ostler_services::cache::{Config as CacheConfig, HeldCache};
use ostler_services::{Blobs, Cache, Database, Kv, Scratch, Sql};
use ostler_upstream::{Client, Recorder, Stub};

use crate::compile::Component;
use crate::guest::Services;
use crate::plugin::{Plugin, Slot};
use crate::runtime::{LoadError, Runtime};

/// What each store, database and container of a smoke test may hold: 64 MiB.
const SMOKE_BYTES: u64 = 64 << 20;

/// Memory of its cache: 8 MiB.
const SMOKE_CACHE: u64 = 8 << 20;

/// Exchanges with an isolated release at once, if its definition allows as many.
const CONCURRENCY: usize = 8;

const SMOKE_REASON: &str = "a smoke test sends nothing; add an answer for this call to requests.toml";

/// What a copy of a request may write to key-value stores: 4 MiB.
const HELD_BYTES: u64 = 4 << 20;

const SHADOW_REASON: &str = "this is a copy of a request, and sends nothing";

/// Why a release runs apart from everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// On trial: all state begins empty and ends with it.
    Smoke,
    /// Answers copies of requests: reads what is real, and what it writes is gone with the copy.
    Shadow,
}

impl Isolation {
    /// The mark of its log lines.
    pub(crate) fn mark(self) -> &'static str {
        match self {
            Isolation::Smoke => "smoke",
            Isolation::Shadow => "shadow",
        }
    }
}

/// The stores of an instance, for one exchange or for its life.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) kv: Kv,
    pub(crate) sql: Sql,
    pub(crate) blobs: Blobs,
    pub(crate) cache: Kept,
    /// Folder of the scratch folders.
    home: Arc<Path>,
}

/// Kept values.
#[derive(Clone)]
pub(crate) enum Kept {
    Real(Cache),
    Held(Arc<HeldCache>),
}

impl State {
    fn of(services: &Services) -> Self {
        State {
            kv: services.kv.clone(),
            sql: services.sql.clone(),
            blobs: services.blobs.clone(),
            cache: Kept::Real(services.cache.clone()),
            home: services.kv.state_dir().into(),
        }
    }

    /// The same stores for one who may change nothing.
    fn holding_back(services: &Services) -> Self {
        let home: Arc<Path> = services.kv.state_dir().into();
        let scratch = Scratch::new(&home);
        State {
            kv: services.kv.holding_back(HELD_BYTES),
            sql: services.sql.holding_back(&scratch),
            blobs: services.blobs.holding_back(&scratch),
            cache: Kept::Held(Arc::new(HeldCache::new(services.cache.clone()))),
            home,
        }
    }

    /// The same with nothing written yet, if this one holds writes back.
    pub(crate) fn afresh(&self) -> Self {
        let scratch = Scratch::new(&self.home);
        State {
            kv: self.kv.afresh(),
            sql: self.sql.afresh(&scratch),
            blobs: self.blobs.afresh(&scratch),
            cache: match &self.cache {
                Kept::Real(cache) => Kept::Real(cache.clone()),
                Kept::Held(held) => Kept::Held(Arc::new(held.afresh())),
            },
            home: self.home.clone(),
        }
    }
}

/// What a release is linked to.
pub(crate) struct World {
    pub(crate) services: Services,
    pub(crate) state: State,
    pub(crate) outbound: Client,
    pub(crate) metrics: Arc<PluginMetrics>,
    pub(crate) isolation: Option<Isolation>,
    pub(crate) slot: Arc<Slot>,
    /// Where its state lies, if that ends with it.
    pub(crate) scratch: Option<Scratch>,
}

impl World {
    /// The real one.
    pub(crate) fn real(services: &Services, name: &str, spec: &PluginSpec, slot: Arc<Slot>) -> Self {
        World {
            outbound: services.upstream.client(&spec.grant),
            metrics: services.observe.metrics.plugin(name),
            state: State::of(services),
            services: services.clone(),
            isolation: None,
            slot,
            scratch: None,
        }
    }

    /// One that is made of `services`, which hold nothing real, and whose calls end at `recorder`.
    fn apart(
        mut services: Services,
        spec: &PluginSpec,
        isolation: Isolation,
        recorder: &Arc<Recorder>,
    ) -> Self {
        // Nobody was shown what it is shown.
        services.experiments = Experiments::default();
        services.observe.exposures = Exposures::default();
        World {
            outbound: services.upstream.held_back(&spec.grant, recorder.clone()),
            // Told nowhere.
            metrics: Arc::default(),
            isolation: Some(isolation),
            state: match isolation {
                Isolation::Smoke => State::of(&services),
                Isolation::Shadow => State::holding_back(&services),
            },
            // What nobody waits for takes no processor from those who do.
            slot: Arc::new(Slot::unhurried(spec.concurrency.min(CONCURRENCY))),
            scratch: None,
            services,
        }
    }
}

impl Runtime {
    /// Makes `component` a release on trial: key-value stores, databases and containers begin empty in a folder that goes with
    /// it, rate limits and cache are its own, and outbound calls are recorded and answered by `stubs`, or refused.
    ///
    /// Its state lasts from one exchange to the next. Its lines are marked `smoke`; its metrics are told nowhere.
    ///
    /// # Errors
    /// As [`Runtime::plugin`]; [`LoadError::Host`] if the folder cannot be made.
    pub async fn smoke(
        &self,
        name: &str,
        spec: &PluginSpec,
        component: &Component,
        stubs: Vec<Stub>,
    ) -> Result<(Arc<Plugin>, Arc<Recorder>), LoadError> {
        let scratch = Scratch::new(self.services.kv.state_dir());
        let (place, real) = (scratch.clone(), self.services.clone());
        let made = tokio::task::spawn_blocking(move || empty(&place, real)).await;
        let services = made.map_err(|_| LoadError::Host("a thread panicked".into()))?;
        let services = services
            .map_err(|error| LoadError::Host(format!("no room for a smoke test's state: {error}")))?;
        let recorder = Arc::new(Recorder::new(stubs, SMOKE_REASON));
        let mut world = World::apart(services, spec, Isolation::Smoke, &recorder);
        world.scratch = Some(scratch);
        Ok((Arc::new(self.release(name, spec, component, world)?), recorder))
    }

    /// Makes `component` a release that answers copies of requests: it reads the real stores and caches, what it writes is kept
    /// apart and dropped when its exchange has ended, rate limits are its own, and outbound calls are recorded and refused.
    ///
    /// Its places are its own, and few. Its lines are marked `shadow`; its metrics are told nowhere.
    ///
    /// # Errors
    /// As [`Runtime::plugin`].
    pub fn shadow(
        &self,
        name: &str,
        spec: &PluginSpec,
        component: &Component,
    ) -> Result<(Arc<Plugin>, Arc<Recorder>), LoadError> {
        let services = Services { rate_limits: self.services.rate_limits.apart(), ..self.services.clone() };
        let recorder = Arc::new(Recorder::new(Vec::new(), SHADOW_REASON));
        let world = World::apart(services, spec, Isolation::Shadow, &recorder);
        Ok((Arc::new(self.release(name, spec, component, world)?), recorder))
    }
}

/// State that begins empty in `scratch`. Blocks on the disk.
fn empty(scratch: &Scratch, real: Services) -> io::Result<Services> {
    let folder = scratch.path()?;
    let database = Database::open(&folder.join("kv")).map_err(io::Error::other)?;
    let cache = CacheConfig { memory: SMOKE_CACHE, ..CacheConfig::default() };
    Ok(Services {
        kv: Kv::new(database).with_quota(SMOKE_BYTES),
        sql: Sql::new(&folder).with_quota(SMOKE_BYTES),
        blobs: Blobs::new(&folder).with_quota(SMOKE_BYTES),
        rate_limits: real.rate_limits.apart(),
        cache: Cache::in_memory(&cache),
        ..real
    })
}
