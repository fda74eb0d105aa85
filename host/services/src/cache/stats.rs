//! What the cache has done, for metrics.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts since the start. Each is named as its metric.
#[derive(Debug, Default)]
pub struct Stats {
    /// Answers given from what was kept, fresh or stale.
    pub hits: Counter,
    /// Answers that a plugin was asked for.
    pub misses: Counter,
    /// Requests that got the answer that another one had asked for.
    pub collapsed: Counter,
    /// Answers and values that were kept.
    pub stored: Counter,
    /// Entries that made room for others.
    pub evicted: Counter,
    /// Purges: of this host's API, by unsafe requests, and heard of from other hosts.
    pub purges: Counter,
    /// Failures of the disk tier.
    pub disk_errors: Counter,
    /// Failures of the shared store.
    pub shared_errors: Counter,
    /// Entries found on disk.
    pub disk_hits: Counter,
    /// Entries found in the shared store.
    pub shared_hits: Counter,
}

/// A count that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn add(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// So far.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
