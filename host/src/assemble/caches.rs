//! What the cache has done, as metrics.

use ostler_observe::metrics::{Metrics, Text};
use ostler_services::Cache;

pub(super) fn register(metrics: &Metrics, cache: &Cache) {
    let cache = cache.clone();
    metrics.register(move |text| collect(text, &cache));
}

fn collect(text: &mut Text, cache: &Cache) {
    let stats = cache.stats();
    let requests = "Requests on cached routes by how they were answered: out of the cache, by the plugin, by another's call.";
    for (result, count) in [("hit", &stats.hits), ("miss", &stats.misses), ("collapsed", &stats.collapsed)] {
        text.counter("ostler_cache_requests_total", requests, &[("result", result)], count.get());
    }
    text.counter("ostler_cache_stored_total", "Answers and values kept.", &[], stats.stored.get());
    let evicted = "Entries that made room for others in memory.";
    text.counter("ostler_cache_evicted_total", evicted, &[], stats.evicted.get());
    text.counter(
        "ostler_cache_purges_total",
        "Purges, also those heard of from other hosts.",
        &[],
        stats.purges.get(),
    );
    let (errors, found) =
        ("Failures of a tier, each a miss and no more.", "Entries found in a tier below memory.");
    for (tier, failed, hits) in
        [("disk", &stats.disk_errors, &stats.disk_hits), ("shared", &stats.shared_errors, &stats.shared_hits)]
    {
        text.counter("ostler_cache_tier_errors_total", errors, &[("tier", tier)], failed.get());
        text.counter("ostler_cache_tier_hits_total", found, &[("tier", tier)], hits.get());
    }
    let (bytes, entries) = cache.held();
    text.gauge("ostler_cache_bytes", "Bytes kept in memory, roughly.", &[], bytes as f64);
    text.gauge("ostler_cache_entries", "Entries kept in memory.", &[], entries as f64);
}
