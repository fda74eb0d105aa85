//! `cache`: which answers are kept and for how long.

use std::time::Duration;

use crate::settings::{Located, Section};

/// Whether a route's answers are kept; without it they are not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CacheSpec {
    /// `cache = { ... }`.
    pub cache: Option<CacheRules>,
}

/// How a route's answers are kept. What is left open is as the answer's own fields say (RFC 9111).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CacheRules {
    /// `enabled`. Default: true; false lifts `[defaults]`.
    pub enabled: bool,
    /// `ttl`: how long an answer is fresh, whatever its fields say.
    pub ttl: Option<Duration>,
    /// `vary_on`: what else tells answers apart: `principal`, `tenant`, `header:NAME`, `query:NAME`, `cookie:NAME`.
    pub vary_on: Vec<Located<String>>,
}

impl CacheSpec {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        CacheSpec { cache: section.section("cache").map(CacheRules::read) }
    }

    pub(super) fn or(&self, further: &Self) -> Self {
        CacheSpec { cache: self.cache.clone().or_else(|| further.cache.clone()) }
    }
}

impl CacheRules {
    fn read(mut section: Section<'_>) -> Self {
        let range = Duration::from_millis(1)..=Duration::from_secs(365 * 24 * 3600);
        let rules = CacheRules {
            enabled: section.boolean("enabled").unwrap_or(true),
            ttl: section.duration("ttl", range),
            vary_on: section.strings("vary_on"),
        };
        section.finish();
        rules
    }
}
