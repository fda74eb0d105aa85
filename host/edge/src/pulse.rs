//! What a connection is waiting for and since when: the one clock behind its header, idle and send deadlines.
//!
//! Shared by the wire (bytes came), the exchanges (begun, answered, sent) and the task that drives the connection and asks
//! [`Pulse::due`]. Only relaxed atomics: a value read a moment late merely shifts a deadline by that moment. One timer per
//! connection is moved when it fires, not on every request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

use crate::Limits;
use crate::guard::Offence;

/// Life signs of one connection. Times are milliseconds since its birth.
pub(crate) struct Pulse {
    born: Instant,
    progress: AtomicU64,
    /// One more than the time the current request head began; 0 between heads.
    head: AtomicU64,
    /// Exchanges begun so far.
    begun: AtomicU64,
    open: AtomicU32,
    /// Replies with bytes handed over that the client has not taken.
    unsent: AtomicU32,
    /// Whether the socket takes no more bytes.
    stalled: AtomicBool,
    cancelled: AtomicU32,
    offence: AtomicU64,
}

/// What is overdue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// The rest of a request head.
    Head,
    /// Another request.
    Idle,
    /// The client, to take its reply.
    Send,
}

impl Pulse {
    /// Of a connection born at `born` whose first request head (`heads`) is awaited from then on.
    pub(crate) fn new(born: Instant, heads: bool) -> Self {
        Pulse {
            born,
            progress: AtomicU64::new(0),
            head: AtomicU64::new(heads.into()),
            begun: AtomicU64::new(0),
            open: AtomicU32::new(0),
            unsent: AtomicU32::new(0),
            stalled: AtomicBool::new(false),
            cancelled: AtomicU32::new(0),
            offence: AtomicU64::new(0),
        }
    }

    /// What is awaited, and until when; nothing while requests are being handled, which have deadlines of their own.
    pub(crate) fn due(&self, limits: &Limits) -> Option<(Wait, Instant)> {
        let progress = self.progress.load(Relaxed);
        let open = self.open.load(Relaxed) > 0;
        if self.stalled.load(Relaxed) || (open && self.unsent.load(Relaxed) > 0) {
            return Some((Wait::Send, self.at(progress, limits.send_deadline)));
        }
        if open {
            return None;
        }
        match self.head.load(Relaxed) {
            0 => Some((Wait::Idle, self.at(progress, limits.idle_deadline))),
            // A head that came while another request was handled was not read on: its time begins with the reply.
            head => Some((Wait::Head, self.at(progress.max(head - 1), limits.header_deadline))),
        }
    }

    /// A request head has begun.
    pub(crate) fn head_begins(&self) {
        if self.head.load(Relaxed) == 0 {
            self.head.store(self.now() + 1, Relaxed);
        }
    }

    /// A request head is complete.
    pub(crate) fn head_ends(&self) {
        self.head.store(0, Relaxed);
    }

    /// The client took bytes.
    pub(crate) fn progresses(&self) {
        self.progress.store(self.now(), Relaxed);
    }

    /// Whether the socket takes no more bytes, because the client takes none.
    pub(crate) fn stalls(&self, stalled: bool) {
        if stalled != self.stalled.load(Relaxed) {
            self.progresses();
            self.stalled.store(stalled, Relaxed);
        }
    }

    /// When the connection was accepted.
    pub(crate) fn born(&self) -> Instant {
        self.born
    }

    /// Exchanges begun so far.
    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(Relaxed)
    }

    /// Exchanges the client cancelled so far.
    pub(crate) fn cancelled(&self) -> u32 {
        self.cancelled.load(Relaxed)
    }

    /// Request number `index` (from 0) is not to be trusted.
    pub(crate) fn accuse(&self, index: u64, offence: Offence) {
        self.offence.store((index + 1) << 8 | offence as u64, Relaxed);
    }

    /// What is wrong with request number `index`, as far as its bytes have come.
    pub(crate) fn offence(&self, index: u64) -> Option<Offence> {
        let stored = self.offence.load(Relaxed);
        (stored >> 8 == index + 1).then(|| Offence::from_code(stored as u8))
    }

    fn now(&self) -> u64 {
        self.born.elapsed().as_millis() as u64
    }

    fn at(&self, millis: u64, deadline: Duration) -> Instant {
        self.born + Duration::from_millis(millis) + deadline
    }
}

/// One exchange, from its request head to the end of its reply.
pub(crate) struct Flight {
    pulse: Arc<Pulse>,
    /// Number of its request on the connection, from 0.
    pub(crate) index: u64,
    answered: bool,
    unsent: bool,
}

impl Flight {
    pub(crate) fn begin(pulse: &Arc<Pulse>) -> Self {
        pulse.open.fetch_add(1, Relaxed);
        let index = pulse.begun.fetch_add(1, Relaxed);
        Flight { pulse: Arc::clone(pulse), index, answered: false, unsent: false }
    }

    /// The reply is known; from here on the end of this flight is no cancellation.
    pub(crate) fn answer(&mut self) {
        self.answered = true;
    }

    /// Bytes of the reply were handed over (`true`), or the client has taken all there were.
    pub(crate) fn unsent(&mut self, unsent: bool) {
        if unsent {
            self.pulse.progresses();
        }
        if unsent != self.unsent {
            self.unsent = unsent;
            match unsent {
                true => self.pulse.unsent.fetch_add(1, Relaxed),
                false => self.pulse.unsent.fetch_sub(1, Relaxed),
            };
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if self.unsent {
            self.pulse.unsent.fetch_sub(1, Relaxed);
        }
        if !self.answered {
            self.pulse.cancelled.fetch_add(1, Relaxed);
        }
        self.pulse.progresses();
        self.pulse.open.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(pulse: &Pulse) -> Option<(Wait, Duration)> {
        pulse.due(&Limits::default()).map(|(wait, at)| (wait, at - Instant::now()))
    }

    #[tokio::test(start_paused = true)]
    async fn each_state_has_its_own_deadline() {
        let limits = Limits::default();
        let pulse = Arc::new(Pulse::new(Instant::now(), true));
        assert_eq!(due(&pulse), Some((Wait::Head, limits.header_deadline)));
        tokio::time::advance(Duration::from_secs(3)).await;
        pulse.head_ends();
        let mut flight = Flight::begin(&pulse);
        assert_eq!(due(&pulse), None, "a handler at work has its own deadline");
        flight.unsent(true);
        assert_eq!(due(&pulse), Some((Wait::Send, limits.send_deadline)));
        tokio::time::advance(Duration::from_secs(1)).await;
        flight.unsent(false);
        assert_eq!(due(&pulse), None);
        flight.answer();
        drop(flight);
        assert_eq!(due(&pulse), Some((Wait::Idle, limits.idle_deadline)));
        pulse.stalls(true);
        assert_eq!(
            due(&pulse),
            Some((Wait::Send, limits.send_deadline)),
            "the reply is handed over, but not taken"
        );
        pulse.stalls(false);
        pulse.head_begins();
        tokio::time::advance(Duration::from_secs(1)).await;
        pulse.head_begins();
        let left = limits.header_deadline - Duration::from_secs(1);
        assert_eq!(due(&pulse), Some((Wait::Head, left)), "more bytes win no time");
    }

    #[tokio::test]
    async fn a_flight_dropped_without_an_answer_counts_as_cancelled() {
        let pulse = Arc::new(Pulse::new(Instant::now(), false));
        drop(Flight::begin(&pulse));
        let mut answered = Flight::begin(&pulse);
        answered.answer();
        drop(answered);
        assert_eq!((pulse.begun(), pulse.cancelled()), (2, 1));
    }
}
