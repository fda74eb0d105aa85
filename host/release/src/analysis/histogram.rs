//! Durations in buckets that grow with them: eight to each doubling, so that the middle of one is off by 6.25 % at most.
//!
//! The scheme of HdrHistogram (Gil Tene), with 3 bits of a value kept. From 512 ns to more than an hour; what is shorter falls
//! into buckets of 64 ns, what is longer into the last.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// A value is counted in units of 64 ns, so that a shift does for a division.
const UNIT_BITS: u32 = 6;

/// Bits of a value that tell its bucket within a doubling.
const BITS: u32 = 3;

/// The last one begins at 1 h 10 min.
pub(super) const BUCKETS: usize = 273;

#[derive(Debug)]
pub(super) struct Histogram([AtomicU64; BUCKETS]);

impl Default for Histogram {
    fn default() -> Self {
        Histogram(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl Histogram {
    #[inline]
    pub(super) fn count(&self, bucket: usize) {
        self.0[bucket].fetch_add(1, Relaxed);
    }

    pub(super) fn read(&self) -> Vec<u64> {
        self.0.iter().map(|count| count.load(Relaxed)).collect()
    }
}

/// The bucket of a duration.
#[inline]
pub(super) fn bucket(took: Duration) -> usize {
    let nanos = took.as_secs().saturating_mul(1_000_000_000).saturating_add(took.subsec_nanos().into());
    let units = nanos >> UNIT_BITS;
    if units < 1 << BITS {
        return units as usize;
    }
    let doublings = units.ilog2() - BITS;
    let within = (units >> doublings) as usize - (1 << BITS);
    (((doublings as usize + 1) << BITS) + within).min(BUCKETS - 1)
}

/// The shortest duration of a bucket; that of the next one is what all of it are shorter than.
pub(super) fn begin(bucket: usize) -> Duration {
    let within = (bucket & ((1 << BITS) - 1)) as u64;
    let units = match bucket >> BITS {
        0 => within,
        doublings => ((1 << BITS) + within) << (doublings - 1),
    };
    Duration::from_nanos(units << UNIT_BITS)
}

/// The middle of a bucket.
pub(super) fn middle(bucket: usize) -> Duration {
    (begin(bucket) + begin(bucket + 1)) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_a_microsecond_to_an_hour_the_middle_is_off_by_7_percent_at_most() {
        let mut nanos = 1_000.0;
        while nanos <= 3.6e12 {
            let took = Duration::from_nanos(nanos as u64);
            let bucket = bucket(took);
            assert!(begin(bucket) <= took && took < begin(bucket + 1), "{took:?} in {bucket}");
            let off = (middle(bucket).as_secs_f64() / took.as_secs_f64() - 1.0).abs();
            assert!(off <= 0.07, "{took:?}: {off}");
            nanos *= 1.003;
        }
        assert!(bucket(Duration::from_secs(3_600)) < BUCKETS - 1);
    }

    #[test]
    fn the_shortest_and_the_longest_have_a_bucket() {
        assert_eq!(bucket(Duration::ZERO), 0);
        assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
        let all: Vec<_> = (0..=BUCKETS).map(begin).collect();
        assert!(all.is_sorted_by(|a, b| a < b));
    }
}
