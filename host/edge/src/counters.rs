//! What the edge counts, for metrics. Plain atomics: read them at any time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the start of one server, except `open`.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections accepted, refused ones included.
    pub accepted: AtomicU64,
    /// Connections open now.
    pub open: AtomicU64,
    /// Connections closed at once because too many were open.
    pub refused: AtomicU64,
    /// Failures of `accept` itself, such as too few file descriptors.
    pub accept_errors: AtomicU64,
    /// TLS handshakes that failed or came too late.
    pub tls_failures: AtomicU64,
    /// Connections closed because a request head came too late.
    pub header_timeouts: AtomicU64,
    /// Connections closed because no further request came.
    pub idle_timeouts: AtomicU64,
    /// Request bodies given up because they came too slowly.
    pub body_timeouts: AtomicU64,
    /// Connections closed because the client did not take its reply.
    pub send_timeouts: AtomicU64,
    /// Requests the edge itself answered: malformed, or larger than allowed. Those that never became a request (hyper
    /// could not parse them) count too.
    pub bad_requests: AtomicU64,
    /// HTTP/2 connections ended because the client kept cancelling requests.
    pub reset_floods: AtomicU64,
}

impl Counters {
    /// Counts one more in `counter`.
    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// One open connection, counted while it lives (and uncounted when its task panics).
pub(crate) struct Open(Arc<Counters>);

impl Open {
    pub(crate) fn count(counters: &Arc<Counters>) -> Self {
        Counters::add(&counters.open);
        Open(Arc::clone(counters))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
