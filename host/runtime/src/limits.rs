//! Memory and table limits of one instance, summed over all its memories and tables.
//!
//! wasmtime asks per memory; a component may have several, so growth is added up here.

use std::sync::Arc;

use ostler_observe::metrics::PluginMetrics;
use wasmtime::ResourceLimiter;

/// What one instance has and may have.
#[derive(Debug)]
pub(crate) struct Limits {
    memory: Meter,
    tables: Meter,
    metrics: Arc<PluginMetrics>,
}

#[derive(Debug)]
struct Meter {
    used: u64,
    limit: u64,
    refused: bool,
}

impl Limits {
    pub(crate) fn new(memory: u64, table_elements: u64, metrics: Arc<PluginMetrics>) -> Self {
        let meter = |limit| Meter { used: 0, limit, refused: false };
        Limits { memory: meter(memory), tables: meter(table_elements), metrics }
    }

    /// Bytes of linear memory now.
    pub(crate) fn memory(&self) -> u64 {
        self.memory.used
    }

    /// Whether growth was refused since the last call of [`Limits::forgive`].
    pub(crate) fn refused(&self) -> bool {
        self.memory.refused || self.tables.refused
    }

    /// Forgets earlier refusals: the next exchange answers for itself.
    pub(crate) fn forgive(&mut self) {
        self.memory.refused = false;
        self.tables.refused = false;
    }
}

impl Meter {
    fn grow(&mut self, current: usize, desired: usize) -> bool {
        let grown = desired.saturating_sub(current) as u64;
        let fits = self.used.saturating_add(grown) <= self.limit;
        if fits {
            self.used += grown;
        } else {
            self.refused = true;
        }
        fits
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let fits = self.memory.grow(current, desired);
        if fits {
            self.metrics.memory_bytes.add(desired.saturating_sub(current) as i64);
        }
        Ok(fits)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.tables.grow(current, desired))
    }

    // The host could not provide what the limit allows: its pool's slots may be smaller, or the module set a maximum of its own.
    // What was granted stays counted, since this may be told of a growth that was never asked for here.
    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory.refused = true;
        Ok(())
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.tables.refused = true;
        Ok(())
    }

    // An adapter, a shim and a few core modules make one component.
    fn instances(&self) -> usize {
        64
    }

    fn memories(&self) -> usize {
        8
    }

    fn tables(&self) -> usize {
        64
    }
}

impl Drop for Limits {
    fn drop(&mut self) {
        self.metrics.memory_bytes.add(-(self.memory.used as i64));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_for_all_memories_together() {
        let mut limits = Limits::new(100, 10, Arc::default());
        let metrics = limits.metrics.clone();
        assert!(limits.memory_growing(0, 60, None).unwrap());
        assert!(!limits.memory_growing(0, 60, None).unwrap());
        assert!(limits.refused());
        limits.forgive();
        assert!(limits.memory_growing(0, 40, None).unwrap());
        assert!(!limits.refused());
        assert!(!limits.table_growing(0, 11, None).unwrap());
        assert_eq!(metrics.memory_bytes.get(), 100);
        drop(limits);
        assert_eq!(metrics.memory_bytes.get(), 0);
    }
}
