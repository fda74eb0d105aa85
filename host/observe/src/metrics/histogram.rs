//! Durations in fixed buckets from 100 microseconds to a minute.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds in microseconds, inclusive, and as the text of their `le` label in seconds.
pub(crate) const BOUNDS: [(u64, &str); 18] = [
    (100, "0.0001"),
    (250, "0.00025"),
    (500, "0.0005"),
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (500_000, "0.5"),
    (1_000_000, "1"),
    (2_500_000, "2.5"),
    (5_000_000, "5"),
    (10_000_000, "10"),
    (30_000_000, "30"),
    (60_000_000, "60"),
];

/// A histogram of durations. Two atomic additions per observation.
#[derive(Debug, Default)]
pub struct Histogram {
    /// One per bound, and one for what exceeds them all; not cumulative.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl Histogram {
    /// Counts one duration.
    pub fn observe(&self, duration: Duration) {
        let nanos = duration.as_nanos();
        let bucket = BOUNDS.partition_point(|(bound, _)| u128::from(*bound) * 1_000 < nanos);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(duration.as_micros() as u64, Ordering::Relaxed);
    }

    /// Counts per bucket, not cumulative.
    pub(crate) fn counts(&self) -> [u64; BOUNDS.len() + 1] {
        std::array::from_fn(|bucket| self.buckets[bucket].load(Ordering::Relaxed))
    }

    /// Sum of all durations in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        self.micros.load(Ordering::Relaxed) as f64 / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_into_the_first_bucket_that_holds_it() {
        for (micros, bucket) in [(0, 0), (100, 0), (101, 1), (1_000, 3), (60_000_000, 17), (60_000_001, 18)] {
            let histogram = Histogram::default();
            histogram.observe(Duration::from_micros(micros));
            assert_eq!(histogram.counts().iter().position(|count| *count == 1), Some(bucket), "{micros}");
        }
        let histogram = Histogram::default();
        histogram.observe(Duration::from_nanos(100_001));
        assert_eq!(histogram.counts()[1], 1);
    }

    #[test]
    fn labels_say_what_bounds_are() {
        for (micros, label) in BOUNDS {
            assert_eq!(label.parse::<f64>().unwrap(), micros as f64 / 1e6);
        }
    }
}
