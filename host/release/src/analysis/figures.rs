//! What one release has done. Counted on the way of every request, so: relaxed atomics, no locks, no allocation.
//!
//! **Invariant:** counts only grow, so two readings subtracted are what happened between them; memory is bounded, whatever
//! plugins report.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::histogram::{self, Histogram};
use super::metrics::{self, Metrics};
use super::sample::{MemorySample, Sample, SubjectSample};
use super::subject::{self, SUBJECTS};

/// Linear memory is counted in pages of this size, which is how it grows.
pub(super) const PAGE: u64 = 1 << 16;

/// What one release has done.
#[derive(Debug)]
pub struct Figures {
    latency: Histogram,
    faults: [AtomicU64; 4],
    subjects: [Subject; SUBJECTS],
    memory: Memory,
    metrics: Metrics,
}

/// What subjects of one bucket have met.
#[derive(Debug, Default)]
struct Subject {
    requests: AtomicU64,
    faults: AtomicU64,
    /// Sum of the numbers of their latencies' buckets, which are logarithms of a kind: whether subjects differ in what they
    /// ask for is told by it, and no single slow answer outweighs all others.
    latency: AtomicU64,
}

/// Readings of instances' linear memory.
#[derive(Debug, Default)]
struct Memory {
    readings: AtomicU64,
    pages: AtomicU64,
    /// Sum of number of the reading times pages, modulo 2^64: what a straight line through the readings is found by.
    moment: AtomicU64,
    /// Of all readings, in bytes.
    peak: AtomicU64,
}

/// How an exchange failed for the release's sake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It answered with a status of 500 or more, or said that it failed.
    Error,
    /// Its instance trapped, or exceeded its memory or another limit.
    Trap,
    /// It did not answer in time.
    Deadline,
    /// Its client did not wait for the answer any longer.
    Abandoned,
}

impl Default for Figures {
    fn default() -> Self {
        Figures {
            latency: Histogram::default(),
            faults: Default::default(),
            subjects: std::array::from_fn(|_| Subject::default()),
            memory: Memory::default(),
            metrics: Metrics::default(),
        }
    }
}

impl Figures {
    /// Counts an exchange that ended after `took`, for a subject of this hash.
    #[inline]
    pub fn answered(&self, subject: u64, fault: Option<Fault>, took: Duration) {
        let of = &self.subjects[subject::bucket(subject)];
        let bucket = histogram::bucket(took);
        self.latency.count(bucket);
        of.requests.fetch_add(1, Relaxed);
        of.latency.fetch_add(bucket as u64, Relaxed);
        if let Some(fault) = fault {
            self.faults[fault as usize].fetch_add(1, Relaxed);
            of.faults.fetch_add(1, Relaxed);
        }
    }

    /// Counts the linear memory that an instance has after an exchange, in bytes.
    pub fn memory(&self, bytes: u64) {
        let (memory, pages) = (&self.memory, bytes.div_ceil(PAGE));
        let number = memory.readings.fetch_add(1, Relaxed);
        memory.pages.fetch_add(pages, Relaxed);
        memory.moment.fetch_add(number.wrapping_mul(pages), Relaxed);
        // Mostly it is no new peak, and reading is cheaper than writing.
        if memory.peak.load(Relaxed) < bytes {
            memory.peak.fetch_max(bytes, Relaxed);
        }
    }

    /// Counts a metric that a plugin reports, in an exchange for a subject of this hash; whether it was taken. It is not if
    /// its name is none (1 to 64 of `a-z 0-9 - _ .`), the value is not finite or beyond 1e100, or
    /// [`METRICS`](super::METRICS) others are counted.
    pub fn track(&self, subject: u64, metric: &str, value: f64) -> bool {
        self.metrics.track(subject, metric, value)
    }

    /// Whether [`Figures::track`] refuses neither this name nor this value, for an exchange that is not to be counted.
    pub fn takes(metric: &str, value: f64) -> bool {
        metrics::fits(metric, value)
    }

    /// What has been counted so far.
    pub fn read(&self) -> Sample {
        let subject = |subject: &Subject| SubjectSample {
            requests: subject.requests.load(Relaxed),
            faults: subject.faults.load(Relaxed),
            latency: subject.latency.load(Relaxed),
        };
        let [errors, traps, deadlines] = [0, 1, 2].map(|kind: usize| self.faults[kind].load(Relaxed));
        Sample {
            errors,
            traps,
            deadlines,
            latency: self.latency.read(),
            subjects: self.subjects.iter().map(subject).collect(),
            memory: MemorySample {
                readings: self.memory.readings.load(Relaxed),
                pages: self.memory.pages.load(Relaxed),
                moment: self.memory.moment.load(Relaxed),
                since: 0,
                peak: self.memory.peak.load(Relaxed),
            },
            metrics: self.metrics.read(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn two_readings_subtracted_are_what_happened_between_them() {
        let figures = Figures::default();
        figures.answered(1, None, Duration::from_millis(1));
        figures.answered(1, Some(Fault::Trap), Duration::from_millis(1));
        figures.memory(1 << 20);
        figures.track(1, "bought", 2.0);
        let before = figures.read();
        figures.answered(2, Some(Fault::Error), Duration::from_millis(40));
        figures.answered(3, Some(Fault::Deadline), Duration::from_millis(40));
        figures.answered(3, None, Duration::from_millis(40));
        figures.memory(3 << 20);
        figures.track(2, "bought", 3.0);
        let between = &figures.read() - &before;
        assert_eq!(between.requests(), 3);
        assert_eq!((between.errors, between.traps, between.deadlines), (1, 0, 1));
        assert_eq!(between.memory_mean(), Some((3 << 20) as f64));
        let bought = &between.metrics["bought"];
        assert_eq!((bought.count(), bought.sum()), (1, 3.0));
        let median = between.quantile(0.5).unwrap().as_secs_f64();
        assert!((median / 0.04 - 1.0).abs() < 0.07, "{median}");
    }

    #[test]
    fn nothing_is_lost_between_threads() {
        let figures = Arc::new(Figures::default());
        let threads: Vec<_> = (0..4)
            .map(|id| {
                let figures = figures.clone();
                thread::spawn(move || {
                    for n in 0..10_000_u64 {
                        figures.answered(n, (n % 10 == 0).then_some(Fault::Error), Duration::from_micros(n));
                        figures.track(n, ["a", "b"][id % 2], 0.5);
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let sample = figures.read();
        assert_eq!((sample.requests(), sample.errors), (40_000, 4_000));
        assert_eq!(sample.metrics["a"].sum() + sample.metrics["b"].sum(), 20_000.0);
        assert_eq!(sample.subjects.iter().map(|subject| subject.requests).sum::<u64>(), 40_000);
    }
}
