//! What is counted for every plugin.

use std::sync::atomic::{AtomicI64, Ordering};

use ostler_core::Kind;

use super::kinds::Kinds;
use super::{Histogram, Text};

/// A number that rises and falls.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// Sets it.
    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Adds to it, or takes away where `by` is negative.
    pub fn add(&self, by: i64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    /// What it stands at.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One plugin, all its releases and routes together.
#[derive(Debug, Default)]
pub struct PluginMetrics {
    /// Instances that wait for a request.
    pub idle: Gauge,
    /// Instances that answer one.
    pub busy: Gauge,
    /// Linear memory of all its instances together, in bytes.
    pub memory_bytes: Gauge,
    /// Time requests waited for an instance.
    pub queue_wait: Histogram,
    /// Time compilations took.
    pub compile: Histogram,
    traps: Kinds,
}

impl PluginMetrics {
    /// Counts a call that ended badly: a trap, or an end that the host put to it.
    pub fn trap(&self, kind: Kind) {
        self.traps.count(kind);
    }

    pub(crate) fn collect(&self, text: &mut Text, plugin: &str) {
        let labels = [("plugin", plugin)];
        for (state, gauge) in [("idle", &self.idle), ("busy", &self.busy)] {
            let labels = [labels[0], ("state", state)];
            text.gauge("ostler_instances", "Instances by what they do.", &labels, gauge.get() as f64);
        }
        let help = "Linear memory of all instances.";
        text.gauge("ostler_plugin_memory_bytes", help, &labels, self.memory_bytes.get() as f64);
        let help = "Time requests waited for an instance.";
        text.histogram("ostler_queue_wait_seconds", help, &labels, &self.queue_wait);
        text.histogram("ostler_compile_seconds", "Time compilations took.", &labels, &self.compile);
        for (kind, count) in self.traps.counted() {
            let labels = [labels[0], ("kind", kind.facts().code)];
            text.counter("ostler_plugin_traps_total", "Calls that ended badly.", &labels, count);
        }
    }
}
