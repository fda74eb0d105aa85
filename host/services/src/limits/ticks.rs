//! Time that never goes back, for counting: nanoseconds since 1970 as the system's clock had it at start. Tests set it by
//! hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A source of time; clones share it.
#[derive(Debug, Clone)]
pub enum Ticks {
    /// The time at start, and what passed since then.
    Steady(u64, Instant),
    /// Stands until it is moved.
    Manual(Arc<AtomicU64>),
}

impl Ticks {
    /// A clock that stands until [`Ticks::set`] moves it.
    pub fn manual(now: u64) -> Self {
        Ticks::Manual(Arc::new(AtomicU64::new(now)))
    }

    /// Nanoseconds since 1970.
    pub fn now(&self) -> u64 {
        match self {
            Ticks::Steady(at_start, start) => at_start.saturating_add(nanos(start.elapsed())),
            Ticks::Manual(now) => now.load(Ordering::SeqCst),
        }
    }

    /// Moves a manual clock, back too.
    pub fn set(&self, now: u64) {
        if let Ticks::Manual(manual) = self {
            manual.store(now, Ordering::SeqCst);
        }
    }
}

impl Default for Ticks {
    fn default() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ticks::Steady(nanos(since_1970), Instant::now())
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
