//! What plugins report under names of their own: sums by name and by bucket of the subject.
//!
//! **Invariant:** at most [`METRICS`] names, each made of a closed set of characters; the first ones stay.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::sample::MetricSample;
use super::subject::{self, SUBJECTS};

/// Metrics that are counted for one release, or for one variant of a flag.
pub const METRICS: usize = 32;

/// Bytes of a metric's name.
const NAME: usize = 64;

/// Beyond it, sums of squares would not be finite any more.
const GREATEST: f64 = 1e100;

/// Sums by name.
#[derive(Debug, Default)]
pub(crate) struct Metrics([OnceLock<Box<Metric>>; METRICS]);

#[derive(Debug)]
struct Metric {
    name: Box<str>,
    values: [Values; SUBJECTS],
    /// Sum of squares, an f64.
    squares: AtomicU64,
}

/// What was reported for the subjects of one bucket.
#[derive(Debug, Default)]
struct Values {
    count: AtomicU64,
    /// An f64.
    sum: AtomicU64,
}

impl Metrics {
    /// Whether `value` was counted.
    pub(crate) fn track(&self, subject: u64, name: &str, value: f64) -> bool {
        let metric = match fits(name, value) {
            true => self.metric(name),
            false => None,
        };
        metric.map(|metric| metric.count(subject, value)).is_some()
    }

    /// Those of which anything was counted.
    pub(crate) fn read(&self) -> BTreeMap<String, MetricSample> {
        let taken = self.0.iter().map_while(OnceLock::get);
        let read = taken.map(|metric| (metric.name.to_string(), metric.read()));
        read.filter(|(_, sample)| sample.count() > 0).collect()
    }

    /// Keeps room for a metric that is going to be asked for, whatever else is reported before it.
    pub(super) fn reserve(&self, name: &str) {
        if is_metric(name) {
            self.metric(name);
        }
    }

    /// Puts back what was counted by an earlier run, before anything is counted.
    pub(crate) fn restore(&self, name: &str, sample: &MetricSample) {
        let Some(metric) = self.metric(name) else { return };
        for (values, kept) in metric.values.iter().zip(&sample.subjects) {
            values.count.fetch_add(kept.count, Relaxed);
            add(&values.sum, kept.sum);
        }
        add(&metric.squares, sample.squares);
    }

    /// The metric of this name. Slots fill from the first on, so that the first empty one ends the search.
    fn metric(&self, name: &str) -> Option<&Metric> {
        self.0
            .iter()
            .map(|slot| slot.get_or_init(|| Metric::new(name)))
            .find(|metric| *metric.name == *name)
            .map(|m| &**m)
    }
}

impl Metric {
    fn new(name: &str) -> Box<Self> {
        let values = std::array::from_fn(|_| Values::default());
        Box::new(Metric { name: name.into(), values, squares: AtomicU64::new(0) })
    }

    fn count(&self, subject: u64, value: f64) {
        let of = &self.values[subject::bucket(subject)];
        of.count.fetch_add(1, Relaxed);
        add(&of.sum, value);
        add(&self.squares, value * value);
    }

    fn read(&self) -> MetricSample {
        let values = self.values.iter().map(|values| super::sample::ValuesSample {
            count: values.count.load(Relaxed),
            sum: f64::from_bits(values.sum.load(Relaxed)),
        });
        MetricSample { subjects: values.collect(), squares: f64::from_bits(self.squares.load(Relaxed)) }
    }
}

/// Whether `value` may be counted for the metric `name`.
pub(super) fn fits(name: &str, value: f64) -> bool {
    is_metric(name) && value.abs() <= GREATEST
}

/// Whether a name is that of a metric.
pub(super) fn is_metric(name: &str) -> bool {
    let fits = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
    (1..=NAME).contains(&name.len()) && name.bytes().all(fits)
}

/// Adds to an f64 kept in its bits.
fn add(sum: &AtomicU64, value: f64) {
    let added = |bits| Some((f64::from_bits(bits) + value).to_bits());
    let _ = sum.fetch_update(Relaxed, Relaxed, added);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_that_a_rule_names_has_room_whatever_else_is_reported() {
        let metrics = Metrics::default();
        metrics.reserve("basket");
        metrics.reserve("no metric");
        assert!(metrics.read().is_empty());
        assert_eq!(
            (0..METRICS).filter(|n| metrics.track(0, &format!("metric-{n}"), 1.0)).count(),
            METRICS - 1
        );
        assert!(metrics.track(0, "basket", 1.0));
        assert_eq!(metrics.read().len(), METRICS);
    }

    #[test]
    fn a_plugin_can_neither_fill_memory_with_names_nor_spoil_sums() {
        let metrics = Metrics::default();
        let long = "x".repeat(65);
        for name in ["", "A", "a b", "a\n", "ü", "a\"", &long] {
            assert!(!metrics.track(0, name, 1.0), "{name:?}");
        }
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e101, -1e101, f64::MAX] {
            assert!(!metrics.track(0, "a", value), "{value}");
        }
        assert!(metrics.read().is_empty());
        for name in 0..METRICS {
            assert!(metrics.track(0, &format!("metric-{name}"), 1.0));
        }
        assert!(!metrics.track(0, "one-more", 1.0));
        assert!(metrics.track(0, "metric-31", -1e100), "known names go on");
        let read = metrics.read();
        assert_eq!(read.len(), METRICS);
        assert!(read.values().all(|metric| metric.sum().is_finite() && metric.squares.is_finite()));
    }
}
