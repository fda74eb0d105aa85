//! `[limits.NAME]`: how often something may happen, counted on this host or in Redis for all.

use std::collections::BTreeMap;

use ostler_core::settings::Section;

use crate::Redis;

/// One `[limits.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {}

impl Config {
    /// Reads one limit.
    pub fn read(section: Section<'_>) -> Self {
        section.finish();
        Config {}
    }
}

/// All limits of this host. Cheap to clone; counters outlive a reload.
#[derive(Clone, Default)]
pub struct RateLimits {}

impl RateLimits {
    /// None yet; `redis` is for limits that are shared.
    pub fn new(_redis: Option<Redis>) -> Self {
        RateLimits {}
    }

    /// Puts these in force; a limit that is as it was keeps its counters.
    pub fn apply(&self, _limits: &BTreeMap<String, Config>) {}
}
