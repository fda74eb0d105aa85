//! The two engines and the clock that interrupts guests.
//!
//! Guests of WASI 0.3 need concurrent stores; all others run faster without them, so there is an engine for each.
//! **Invariant:** both engines interrupt by epoch, and the ticker never stops while an engine lives.

use std::thread;
use std::time::Duration;

use wasmtime::{Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

/// Time between two epochs: the grain at which a spinning guest notices anything.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// Depth of a guest's own stack in bytes; deeper recursion traps. CPython and SpiderMonkey fit.
const GUEST_STACK: usize = 1 << 20;

/// Bytes of each linear memory that a used slot keeps where the kernel tells which pages were written (Linux 6.7): only
/// those are restored, so that a fresh instance costs neither `madvise` nor page faults.
const MEMORY_KEPT: usize = 1 << 20;

/// The same where it does not: all of it is zeroed by memset, so that more costs more per fresh instance.
const MEMORY_KEPT_BLINDLY: usize = 128 << 10;

/// Which store a component needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// Typed handlers and WASI 0.2: one call at a time.
    Sequential,
    /// WASI 0.3: component-model async.
    Concurrent,
}

/// Both engines.
#[derive(Clone)]
pub(crate) struct Engines {
    pub(crate) sequential: Engine,
    pub(crate) concurrent: Engine,
}

impl Engines {
    /// Builds both, with pools of `slots` instances each where the address space allows, and starts the ticker.
    pub(crate) fn new(slots: u32) -> wasmtime::Result<Self> {
        let engines = Engines {
            sequential: engine(Flavour::Sequential, slots)?,
            concurrent: engine(Flavour::Concurrent, slots)?,
        };
        engines.tick()?;
        Ok(engines)
    }

    pub(crate) fn of(&self, flavour: Flavour) -> &Engine {
        match flavour {
            Flavour::Sequential => &self.sequential,
            Flavour::Concurrent => &self.concurrent,
        }
    }

    /// Names everything that decides whether machine code of one process fits another: versions, settings, processor.
    pub(crate) fn compatibility(&self) -> String {
        use std::hash::{Hash, Hasher};
        let mut hasher = std::hash::DefaultHasher::new();
        self.sequential.precompile_compatibility_hash().hash(&mut hasher);
        self.concurrent.precompile_compatibility_hash().hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    fn tick(&self) -> std::io::Result<()> {
        let (sequential, concurrent) = (self.sequential.weak(), self.concurrent.weak());
        let tick = move || {
            while let (Some(sequential), Some(concurrent)) = (sequential.upgrade(), concurrent.upgrade()) {
                sequential.increment_epoch();
                concurrent.increment_epoch();
                drop((sequential, concurrent));
                thread::sleep(TICK);
            }
        };
        thread::Builder::new().name("ostler-epoch".into()).spawn(tick)?;
        Ok(())
    }
}

fn engine(flavour: Flavour, slots: u32) -> wasmtime::Result<Engine> {
    let mut config = config(flavour);
    config.allocation_strategy(pool(slots));
    match Engine::new(&config) {
        Ok(engine) => Ok(engine),
        Err(error) => {
            // A pool reserves about 4 GiB of address space for each slot; ulimits and containers may forbid that.
            tracing::warn!(%error, slots, "no instance pool: fresh instances will be slower");
            config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
            Engine::new(&config)
        }
    }
}

fn config(flavour: Flavour) -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    config
        .wasm_component_model(true)
        .epoch_interruption(true)
        .max_wasm_stack(GUEST_STACK)
        .async_stack_size(GUEST_STACK + (1 << 20))
        .cranelift_opt_level(OptLevel::Speed)
        .memory_init_cow(true)
        // Core dumps on traps would carry secrets out of guest memory: wasmtime is built without them.
        .wasm_threads(false);
    match flavour {
        Flavour::Sequential => config.concurrency_support(false),
        Flavour::Concurrent => config.wasm_component_model_async(true),
    };
    config
}

fn pool(slots: u32) -> InstanceAllocationStrategy {
    let mut pool = PoolingAllocationConfig::new();
    let scans = PoolingAllocationConfig::is_pagemap_scan_available();
    pool.total_component_instances(slots)
        .total_core_instances(slots * 4)
        .total_memories(slots * 2)
        .total_tables(slots * 4)
        .total_stacks(slots)
        .total_gc_heaps(slots)
        .max_memories_per_module(2)
        .max_tables_per_module(8)
        .max_core_instance_size(10 << 20)
        .max_component_instance_size(10 << 20)
        .table_elements(100_000)
        .pagemap_scan(if scans { Enabled::Yes } else { Enabled::No })
        .linear_memory_keep_resident(if scans { MEMORY_KEPT } else { MEMORY_KEPT_BLINDLY })
        .table_keep_resident(16 << 10)
        .max_unused_warm_slots(256)
        // A batch would keep what dead instances held, up to their memory limits, until it is full.
        .decommit_batch_size(1);
    InstanceAllocationStrategy::Pooling(pool)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_impossible_pool_falls_back_to_instances_on_demand() {
        let engine = engine(Flavour::Sequential, 40_000).unwrap();
        assert!(engine.config_allows_compile());
    }

    trait Compiles {
        fn config_allows_compile(&self) -> bool;
    }

    impl Compiles for Engine {
        fn config_allows_compile(&self) -> bool {
            wasmtime::Module::new(self, "(module)").is_ok()
        }
    }
}
