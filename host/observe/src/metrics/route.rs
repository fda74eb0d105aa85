//! What is counted for every request.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;
use ostler_core::Kind;

use super::kinds::Kinds;
use super::{Histogram, Text};

/// Statuses with a counter of their own; those above share the last one.
const STATUSES: std::ops::Range<u16> = 100..600;
const COUNTERS: usize = (STATUSES.end - STATUSES.start) as usize + 1;

/// Requests of one route, answered by one release of one plugin.
#[derive(Debug)]
pub struct RouteMetrics {
    statuses: [AtomicU64; COUNTERS],
    kinds: Kinds,
    duration: Histogram,
    response_bytes: AtomicU64,
}

impl Default for RouteMetrics {
    fn default() -> Self {
        RouteMetrics {
            statuses: [const { AtomicU64::new(0) }; COUNTERS],
            kinds: Kinds::default(),
            duration: Histogram::default(),
            response_bytes: AtomicU64::new(0),
        }
    }
}

impl RouteMetrics {
    /// Counts one exchange: the plugin's status or this host's refusal, how long it took, and the bytes of the reply's body.
    pub fn observe(&self, outcome: Result<StatusCode, Kind>, duration: Duration, response_bytes: u64) {
        match outcome {
            Ok(status) => {
                let index = usize::from(status.as_u16().saturating_sub(STATUSES.start));
                self.statuses[index.min(COUNTERS - 1)].fetch_add(1, Ordering::Relaxed);
            }
            Err(kind) => self.kinds.count(kind),
        }
        self.duration.observe(duration);
        self.response_bytes.fetch_add(response_bytes, Ordering::Relaxed);
    }

    pub(crate) fn collect(&self, text: &mut Text, route: &str, plugin: &str, release: &str) {
        let labels = [("route", route), ("plugin", plugin), ("release", release)];
        let mut requests = |status: &str, kind: &str, count: u64| {
            let labels = [labels[0], labels[1], labels[2], ("status", status), ("kind", kind)];
            let help = "Requests by status; kind says why where this host refused or failed one.";
            text.counter("ostler_requests_total", help, &labels, count);
        };
        for (counter, status) in self.statuses.iter().zip(STATUSES.start..) {
            match counter.load(Ordering::Relaxed) {
                0 => {}
                count if status < STATUSES.end => requests(&status.to_string(), "", count),
                count => requests("other", "", count),
            }
        }
        for (kind, count) in self.kinds.counted() {
            requests(kind.facts().status.as_str(), kind.facts().code, count);
        }
        let help = "Time from a request's head to the end of its reply.";
        text.histogram("ostler_request_duration_seconds", help, &labels, &self.duration);
        let bytes = self.response_bytes.load(Ordering::Relaxed);
        text.counter("ostler_response_bytes_total", "Bytes of response bodies.", &labels, bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_is_counted_under_its_status_and_kind() {
        let route = RouteMetrics::default();
        for code in [100, 204, 599, 600, 999] {
            route.observe(Ok(StatusCode::from_u16(code).unwrap()), Duration::ZERO, 0);
        }
        Kind::ALL.iter().for_each(|kind| route.observe(Err(*kind), Duration::ZERO, 0));
        let mut text = Text::default();
        route.collect(&mut text, "/", "p", "r");
        let text = text.finish();
        for (status, kind, count) in [
            ("100", "", 1),
            ("204", "", 1),
            ("599", "", 1),
            ("other", "", 2),
            ("504", "deadline_exceeded", 1),
            ("500", "plugin_trapped", 1),
        ] {
            assert!(text.contains(&format!("status=\"{status}\",kind=\"{kind}\"}} {count}\n")), "{text}");
        }
        let all = 5 + Kind::ALL.len();
        assert!(text.contains(&format!(
            "ostler_request_duration_seconds_count{{route=\"/\",plugin=\"p\",release=\"r\"}} {all}\n"
        )));
    }
}
