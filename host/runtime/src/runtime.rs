//! The engines, the lanes, the compiler and the linkers: made once, shared by all plugins.

use std::sync::Arc;

use ostler_core::plugin::PluginSpec;
use ostler_core::settings::Section;
use ostler_release::experiments::Experiments;
use ostler_services::Scratch;
use wasmtime::component::Linker;

use crate::background::Background;
use crate::compile::{CodeCache, Compiler, Component};
use crate::engine::{Engines, Flavour};
use crate::guest::{Guest, Services};
use crate::isolation::World;
use crate::lane::Lanes;
use crate::linker::linker;
use crate::plugin::{Plugin, Slot};
use crate::pool::Pools;

/// Settings of `[runtime]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Instances of all plugins together for which slots are reserved: each costs address space, none costs memory until
    /// used. Beyond it requests are answered 503. Default: 1,000.
    pub instances: u32,
}

impl Default for Config {
    fn default() -> Self {
        Config { instances: 1_000 }
    }
}

impl Config {
    /// Reads `[runtime]`.
    pub fn read(mut section: Section<'_>) -> Self {
        let default = Config::default();
        let instances = section.integer("instances", 16..=10_000).map_or(default.instances, |n| n as u32);
        section.finish();
        Config { instances }
    }
}

/// Why a component cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The bytes are a core module.
    #[error(
        "a core module, not a component; turn it into one with `ostler build` or `wasm-tools component new`"
    )]
    NotAComponent,
    /// The bytes are no valid component.
    #[error("not a valid component: {0}")]
    Invalid(String),
    /// It imports what nobody provides, or an interface in an incompatible shape.
    #[error("cannot be linked: {0}")]
    Link(String),
    /// It exports no handler.
    #[error(
        "exports no handler; it must export ostler:plugin/http-handler@0.1, wasi:http/incoming-handler@0.2 or \
         wasi:http/handler@0.3"
    )]
    NoHandler,
    /// The host failed.
    #[error("{0}")]
    Host(String),
}

/// What all plugins run on.
pub struct Runtime {
    pub(crate) lanes: Arc<Lanes>,
    engines: Engines,
    compiler: Compiler,
    sequential: Linker<Guest>,
    concurrent: Linker<Guest>,
    pub(crate) services: Services,
    pub(crate) pools: Arc<Pools>,
}

impl Runtime {
    /// Makes the engines and starts their clock and the slow lane.
    pub fn new(config: &Config, services: Services, cache: Arc<dyn CodeCache>) -> Result<Self, LoadError> {
        let host = |error: wasmtime::Error| LoadError::Host(format!("{error:#}"));
        let engines = Engines::new(config.instances).map_err(host)?;
        let thread = |error: std::io::Error| LoadError::Host(format!("cannot start a thread: {error}"));
        let background = Background::new().map_err(thread)?;
        Scratch::clear(services.kv.state_dir());
        Ok(Runtime {
            lanes: Arc::new(Lanes::new(&background).map_err(thread)?),
            compiler: Compiler::new(engines.clone(), cache, &background)?,
            sequential: linker(&engines.sequential, Flavour::Sequential).map_err(host)?,
            concurrent: linker(&engines.concurrent, Flavour::Concurrent).map_err(host)?,
            engines,
            services,
            pools: Arc::default(),
        })
    }

    /// Compiles a component at low priority, or loads it from the cache.
    pub async fn compile(&self, bytes: Arc<[u8]>) -> Result<Component, LoadError> {
        self.compiler.compile(bytes).await
    }

    /// Makes `component` a live release of the plugin `name`. `before` is the release it takes over from, whose
    /// concurrency and standing it inherits.
    pub fn plugin(
        &self,
        name: &str,
        spec: &PluginSpec,
        component: &Component,
        before: Option<&Plugin>,
    ) -> Result<Plugin, LoadError> {
        let slot = match before.filter(|before| before.spec().concurrency == spec.concurrency) {
            Some(before) => before.slot.clone(),
            None => Arc::new(Slot::new(spec.concurrency)),
        };
        self.release(name, spec, component, World::real(&self.services, name, spec, slot))
    }

    /// `component`, linked to `world`.
    pub(crate) fn release(
        &self,
        name: &str,
        spec: &PluginSpec,
        component: &Component,
        world: World,
    ) -> Result<Plugin, LoadError> {
        let linker = match component.flavour {
            Flavour::Sequential => &self.sequential,
            Flavour::Concurrent => &self.concurrent,
        };
        Plugin::new(name, spec, component, linker, self, world)
    }

    /// What is counted of flags under experiment.
    pub fn experiments(&self) -> &Experiments {
        &self.services.experiments
    }

    /// Names the engines whose machine code this host can load; code kept under other names is of no use to it.
    pub fn compatibility(&self) -> String {
        self.engines.compatibility()
    }
}
