//! What one release has done. Counted on the way of every request, so: atomics, no locks, no allocation.

use std::time::Duration;

/// What one release has done.
#[derive(Debug, Default)]
pub struct Figures {}

/// How an exchange failed for the release's sake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It answered with a status of 500 or more, or said that it failed.
    Error,
    /// Its instance trapped, or exceeded its memory or another limit.
    Trap,
    /// It did not answer in time.
    Deadline,
}

impl Figures {
    /// Counts an exchange that ended after `took`, for a subject of this hash.
    pub fn answered(&self, subject: u64, fault: Option<Fault>, took: Duration) {
        let _ = (subject, fault, took);
    }

    /// Counts the linear memory that an instance has after an exchange, in bytes.
    pub fn memory(&self, bytes: u64) {
        let _ = bytes;
    }

    /// Counts a metric that a plugin reports; whether it was taken.
    pub fn track(&self, metric: &str, value: f64) -> bool {
        let _ = (metric, value);
        true
    }
}
