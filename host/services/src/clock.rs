//! Wall-clock time for what is stored: expiry and "created at". Tests set it by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A source of wall-clock time; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// Unix milliseconds of a clock that stands still; `None` reads the system's.
    manual: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// A clock that stands at `unix_ms` until [`Clock::advance`] moves it.
    pub fn manual(unix_ms: i64) -> Self {
        Clock { manual: Some(Arc::new(AtomicI64::new(unix_ms))) }
    }

    /// Unix time in milliseconds.
    pub fn now_ms(&self) -> i64 {
        match &self.manual {
            Some(manual) => manual.load(Ordering::SeqCst),
            None => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, whole_ms),
        }
    }

    /// Unix time in milliseconds at which `after` will have passed; far futures end at the largest number.
    pub fn deadline_ms(&self, after: Duration) -> i64 {
        self.now_ms().saturating_add(whole_ms(after))
    }

    /// Moves a manual clock; the system's clock is not ours to move.
    pub fn advance(&self, by: Duration) {
        if let Some(manual) = &self.manual {
            manual.fetch_add(whole_ms(by), Ordering::SeqCst);
        }
    }
}

fn whole_ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_by_hand() {
        let clock = Clock::manual(1_000);
        clock.clone().advance(Duration::from_millis(5));
        assert_eq!(clock.now_ms(), 1_005);
        assert_eq!(clock.deadline_ms(Duration::MAX), i64::MAX);
    }
}
