//! `cache`: which answers are kept and for how long.

use std::time::Duration;

use crate::settings::{Located, Section};
use crate::when::When;

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
    /// `when`: whether answers are kept and kept ones given; where its flag says nothing they are.
    pub when: Option<When>,
    /// `ttl`: how long an answer is fresh, whatever its fields say. It lifts neither `private` nor `no-store`.
    pub ttl: Option<Duration>,
    /// `vary_on`: what else tells answers apart: `principal`, `tenant`, `header:NAME`, `query:NAME`, `cookie:NAME`.
    pub vary_on: Vec<Located<String>>,
    /// `ignore_query`: query parameters that make no difference.
    pub ignore_query: Vec<Located<String>>,
    /// `stale_while_revalidate`: how long a stale answer is given while a new one is made, where the answer does not say.
    /// Default: 0.
    pub stale_while_revalidate: Duration,
    /// `stale_if_error`: how long a stale answer is given if there is no other, where the answer does not say. Default: 0.
    pub stale_if_error: Duration,
    /// `drop_set_cookie`: whether an answer with `Set-Cookie` is kept, without that field. Default: false, not kept.
    pub drop_set_cookie: bool,
    /// `per_release`: whether each release has kept answers of its own. Default: true.
    pub per_release: bool,
    /// `show_tags`: whether clients see `cache-tag`. Default: false.
    pub show_tags: bool,
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
        let year = Duration::from_secs(365 * 24 * 3600);
        let range = Duration::from_millis(1)..=year;
        let stale = |section: &mut Section<'_>, key| section.duration(key, Duration::ZERO..=year);
        let rules = CacheRules {
            enabled: section.boolean("enabled").unwrap_or(true),
            when: When::read(&mut section),
            ttl: section.duration("ttl", range),
            vary_on: section.strings("vary_on"),
            ignore_query: section.strings("ignore_query"),
            stale_while_revalidate: stale(&mut section, "stale_while_revalidate").unwrap_or_default(),
            stale_if_error: stale(&mut section, "stale_if_error").unwrap_or_default(),
            drop_set_cookie: section.boolean("drop_set_cookie").unwrap_or(false),
            per_release: section.boolean("per_release").unwrap_or(true),
            show_tags: section.boolean("show_tags").unwrap_or(false),
        };
        section.finish();
        rules
    }
}
