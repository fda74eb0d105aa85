//! One counter per kind of failure.

use std::sync::atomic::{AtomicU64, Ordering};

use ostler_core::Kind;

/// Counters by [`Kind`].
#[derive(Debug)]
pub(crate) struct Kinds([AtomicU64; Kind::ALL.len()]);

impl Default for Kinds {
    fn default() -> Self {
        Kinds([const { AtomicU64::new(0) }; Kind::ALL.len()])
    }
}

impl Kinds {
    /// Counts one.
    pub(crate) fn count(&self, kind: Kind) {
        self.0[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Those that were counted at all.
    pub(crate) fn counted(&self) -> impl Iterator<Item = (Kind, u64)> {
        let counts = self.0.iter().map(|counter| counter.load(Ordering::Relaxed));
        Kind::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0)
    }
}
