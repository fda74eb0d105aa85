//! The edge's counters as metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ostler_edge::Counters;
use ostler_observe::Metrics;

/// Adds the counters of one listener to `metrics`, labelled with its name.
pub(super) fn register(metrics: &Metrics, listener: &'static str, counters: Arc<Counters>) {
    metrics.register(move |text| {
        let labels = [("listener", listener)];
        text.gauge(
            "ostler_connections_open",
            "Connections open now.",
            &labels,
            counters.open.load(Relaxed) as f64,
        );
        let mut count =
            |name, help, counter: &AtomicU64| text.counter(name, help, &labels, counter.load(Relaxed));
        count("ostler_connections_accepted_total", "Connections accepted.", &counters.accepted);
        count(
            "ostler_connections_refused_total",
            "Connections refused because too many were open.",
            &counters.refused,
        );
        count("ostler_accept_errors_total", "Failures of accept itself.", &counters.accept_errors);
        count("ostler_tls_failures_total", "TLS handshakes that failed.", &counters.tls_failures);
        count("ostler_header_timeouts_total", "Request heads that came too late.", &counters.header_timeouts);
        count(
            "ostler_idle_timeouts_total",
            "Connections closed for want of a request.",
            &counters.idle_timeouts,
        );
        count("ostler_body_timeouts_total", "Request bodies that came too slowly.", &counters.body_timeouts);
        count("ostler_send_timeouts_total", "Replies the client did not take.", &counters.send_timeouts);
        count("ostler_bad_requests_total", "Requests the edge itself refused.", &counters.bad_requests);
        count(
            "ostler_reset_floods_total",
            "HTTP/2 connections ended for reset floods.",
            &counters.reset_floods,
        );
    });
}
