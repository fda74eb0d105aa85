//! What one release has done. Counted on the way of every request, so: relaxed atomics, no locks, no allocation.
//!
//! **Invariant:** counts only grow, so two readings subtracted are what happened between them; memory is bounded, whatever
//! plugins report.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

use ostler_core::rollout::MetricRule;

use super::histogram::{self, Histogram};
use super::metrics::{self, Metrics};
use super::sample::{MemorySample, Sample, SubjectSample};
use super::subject::{self, SUBJECTS};

/// Linear memory is counted in pages of this size, which is how it grows.
pub(super) const PAGE: u64 = 1 << 16;

/// Kinds of faults.
pub(super) const KINDS: usize = Fault::ALL.len();

/// Looks at what is counted of memory, until one meets nobody who is counting.
const LOOKS: usize = 10_000;

/// What one release has done.
#[derive(Debug)]
pub struct Figures {
    latency: Histogram,
    subjects: [Subject; SUBJECTS],
    memory: Memory,
    metrics: Metrics,
}

/// What subjects of one bucket have met.
#[derive(Debug, Default)]
struct Subject {
    requests: AtomicU64,
    /// By kind.
    faults: [AtomicU64; KINDS],
    /// Sum of the numbers of their latencies' buckets, which are logarithms of a kind: whether subjects differ in what they
    /// ask for is told by it, and no single slow answer outweighs all others.
    latency: AtomicU64,
}

/// Readings of instances' linear memory.
#[derive(Debug)]
struct Memory {
    readings: AtomicU64,
    /// Readings that are counted to the end: as many as `readings` unless somebody is in the middle of one.
    whole: AtomicU64,
    pages: AtomicU64,
    /// Sum of number of the reading times pages, modulo 2^64: what a straight line through the readings is found by.
    moment: AtomicU64,
    /// Of all readings, in bytes.
    peak: AtomicU64,
    /// Likewise.
    least: AtomicU64,
    /// Exchanges in which an instance grew.
    growths: AtomicU64,
    /// By how many pages, together.
    grown: AtomicU64,
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

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 4] = [Fault::Error, Fault::Trap, Fault::Deadline, Fault::Abandoned];

    /// As checks name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Fault::Error => "errors",
            Fault::Trap => "traps",
            Fault::Deadline => "deadlines",
            Fault::Abandoned => "abandoned",
        }
    }
}

impl Default for Figures {
    fn default() -> Self {
        Figures {
            latency: Histogram::default(),
            subjects: std::array::from_fn(|_| Subject::default()),
            memory: Memory::new(),
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
            of.faults[fault as usize].fetch_add(1, Relaxed);
        }
    }

    /// Counts the linear memory that an instance has after an exchange, and by how much it grew in it, in bytes.
    pub fn memory(&self, bytes: u64, grown: u64) {
        self.memory.count(bytes, grown);
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

    /// Keeps room for the metrics that rules name, whatever others a plugin reports before them.
    pub fn reserve(&self, rules: &[MetricRule]) {
        rules.iter().for_each(|rule| self.metrics.reserve(&rule.name));
    }

    /// What has been counted so far.
    pub fn read(&self) -> Sample {
        Sample {
            latency: self.latency.read(),
            subjects: self.subjects.iter().map(Subject::read).collect(),
            memory: self.memory.read(),
            metrics: self.metrics.read(),
        }
    }
}

impl Subject {
    fn read(&self) -> SubjectSample {
        SubjectSample {
            requests: self.requests.load(Relaxed),
            faults: self.faults.each_ref().map(|faults| faults.load(Relaxed)),
            latency: self.latency.load(Relaxed),
        }
    }
}

impl Memory {
    fn new() -> Self {
        let zero = || AtomicU64::new(0);
        let least = AtomicU64::new(u64::MAX);
        Memory {
            readings: zero(),
            whole: zero(),
            pages: zero(),
            moment: zero(),
            peak: zero(),
            least,
            growths: zero(),
            grown: zero(),
        }
    }

    fn count(&self, bytes: u64, grown: u64) {
        let pages = bytes.div_ceil(PAGE);
        let number = self.readings.fetch_add(1, Relaxed);
        // Whoever sees these sees the number of the reading as well.
        self.pages.fetch_add(pages, Release);
        self.moment.fetch_add(number.wrapping_mul(pages), Release);
        self.whole.fetch_add(1, Release);
        if grown > 0 {
            self.growths.fetch_add(1, Relaxed);
            self.grown.fetch_add(grown.div_ceil(PAGE), Relaxed);
        }
        // Mostly it is neither, and reading is cheaper than writing.
        if self.peak.load(Relaxed) < bytes {
            self.peak.fetch_max(bytes, Relaxed);
        }
        if self.least.load(Relaxed) > bytes {
            self.least.fetch_min(bytes, Relaxed);
        }
    }

    /// The sums belong together: a moment of one reading more than the others have would make a line that points anywhere. If
    /// that cannot be had, nothing has been read.
    fn read(&self) -> MemorySample {
        let whole = (0..LOOKS).find_map(|_| {
            let whole = self.whole.load(Acquire);
            let (pages, moment) = (self.pages.load(Acquire), self.moment.load(Acquire));
            let alone = self.readings.load(Relaxed) == whole;
            if !alone {
                std::thread::yield_now();
            }
            alone.then_some(MemorySample { readings: whole, pages, moment, ..MemorySample::default() })
        });
        MemorySample {
            peak: self.peak.load(Relaxed),
            least: self.least.load(Relaxed),
            growths: self.growths.load(Relaxed),
            grown: self.grown.load(Relaxed),
            ..whole.unwrap_or_default()
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
        figures.memory(1 << 20, 0);
        figures.track(1, "bought", 2.0);
        let before = figures.read();
        figures.answered(2, Some(Fault::Error), Duration::from_millis(40));
        figures.answered(3, Some(Fault::Deadline), Duration::from_millis(40));
        figures.answered(3, None, Duration::from_millis(40));
        figures.memory(3 << 20, 2 << 20);
        figures.track(2, "bought", 3.0);
        let between = &figures.read() - &before;
        assert_eq!(between.requests(), 3);
        assert_eq!(Fault::ALL.map(|kind| between.faults_of(kind)), [1, 0, 1, 0]);
        assert_eq!((between.memory_mean(), between.memory.growths), (Some((3 << 20) as f64), 1));
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
        assert_eq!((sample.requests(), sample.faults_of(Fault::Error)), (40_000, 4_000));
        assert_eq!(sample.metrics["a"].sum() + sample.metrics["b"].sum(), 20_000.0);
        assert_eq!(sample.subjects.iter().map(|subject| subject.requests).sum::<u64>(), 40_000);
    }

    #[test]
    fn a_reading_of_memory_is_never_torn() {
        let (figures, bytes) = (Figures::default(), 100 * PAGE);
        let done = std::sync::atomic::AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !done.load(Relaxed) {
                        figures.memory(bytes, 0)
                    }
                });
            }
            let mut before = figures.read();
            for _ in 0..2_000 {
                let now = figures.read();
                let window = &now - &before;
                for end in window.memory_mean().into_iter().chain(window.memory_at_end()) {
                    assert!((end / bytes as f64 - 1.0).abs() < 1e-6, "{window:?}");
                }
                before = now;
            }
            done.store(true, Relaxed);
        });
    }
}
