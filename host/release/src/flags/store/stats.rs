//! How often flags changed.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts since the start.
#[derive(Debug, Default)]
pub struct Stats {
    files: AtomicU64,
    files_refused: AtomicU64,
    changes: AtomicU64,
    heard: AtomicU64,
    passed_over: AtomicU64,
}

impl Stats {
    /// Files that took effect.
    pub fn files(&self) -> u64 {
        self.files.load(Relaxed)
    }

    /// Files that were refused.
    pub fn files_refused(&self) -> u64 {
        self.files_refused.load(Relaxed)
    }

    /// Changes over the API of this host.
    pub fn changes(&self) -> u64 {
        self.changes.load(Relaxed)
    }

    /// Changes of other hosts.
    pub fn heard(&self) -> u64 {
        self.heard.load(Relaxed)
    }

    /// Definitions of the API that this version does not take.
    pub fn definitions_passed_over(&self) -> u64 {
        self.passed_over.load(Relaxed)
    }

    /// Counts a file that was refused.
    pub fn refused(&self) {
        self.files_refused.fetch_add(1, Relaxed);
    }

    pub(super) fn loaded(&self) {
        self.files.fetch_add(1, Relaxed);
    }

    pub(super) fn changed(&self) {
        self.changes.fetch_add(1, Relaxed);
    }

    pub(super) fn passed_over(&self) {
        self.passed_over.fetch_add(1, Relaxed);
    }

    pub(super) fn took(&self) {
        self.heard.fetch_add(1, Relaxed);
    }
}
