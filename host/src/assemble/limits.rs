//! What the rate limits and their Redis count, as metrics.

use ostler_observe::Metrics;
use ostler_services::limits::Figures;
use ostler_services::{RateLimits, Redis};

/// Adds the figures of all limits to `metrics`.
pub(super) fn register(metrics: &Metrics, limits: RateLimits, redis: Option<Redis>) {
    metrics.register(move |text| {
        let all = limits.figures();
        let mut counter = |name, help, of: fn(&Figures) -> u64| {
            all.iter().for_each(|one| text.counter(name, help, &[("limit", &*one.name)], of(one)));
        };
        counter("ostler_limit_admitted_total", "Requests and calls that a limit admitted.", |one| {
            one.admitted
        });
        counter("ostler_limit_refused_total", "Requests and calls that a limit refused.", |one| one.refused);
        counter(
            "ostler_limit_alone_total",
            "Decisions on shared limits that were made without Redis.",
            |one| one.alone,
        );
        counter(
            "ostler_limit_displaced_total",
            "Counters forgotten before their time, for want of room.",
            |one| one.displaced,
        );
        let mut gauge = |name, help, of: fn(&Figures) -> usize| {
            all.iter().for_each(|one| text.gauge(name, help, &[("limit", &*one.name)], of(one) as f64));
        };
        gauge("ostler_limit_keys", "Counters kept on this host.", |one| one.keys);
        gauge("ostler_limit_bytes", "Memory of these counters.", |one| one.bytes);
        if let Some(redis) = &redis {
            let up = if redis.is_gone() { 0.0 } else { 1.0 };
            text.gauge("ostler_redis_up", "Whether Redis answers: 0 while it is known not to.", &[], up);
            text.counter("ostler_redis_outages_total", "Times Redis went.", &[], redis.outages());
        }
    });
}
