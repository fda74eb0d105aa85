//! What was counted for one variant of a flag: atomics only.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};

use crate::analysis::{Arm, MetricSample, Metrics, SUBJECTS, subject_bucket};

/// One variant of a flag under experiment.
#[derive(Debug)]
pub struct Variant {
    experiment: Box<str>,
    name: Arc<str>,
    /// By group of subjects.
    exchanges: [AtomicU64; SUBJECTS],
    metrics: Metrics,
    /// Whether anything was counted that is not written down.
    changed: AtomicBool,
}

impl Variant {
    pub(super) fn new(experiment: &str, name: &str) -> Self {
        Variant {
            experiment: experiment.into(),
            name: name.into(),
            exchanges: std::array::from_fn(|_| AtomicU64::new(0)),
            metrics: Metrics::default(),
            changed: AtomicBool::new(false),
        }
    }

    /// Puts back what was written down, before anything is counted.
    pub(super) fn restore_exchanges(&self, counts: impl Iterator<Item = u64>) {
        self.exchanges.iter().zip(counts).for_each(|(exchanges, count)| exchanges.store(count, Relaxed));
    }

    /// Likewise, of a metric.
    pub(super) fn restore(&self, metric: &str, sample: &MetricSample) {
        self.metrics.restore(metric, sample);
    }

    pub(super) fn exposed(&self, subject: u64) {
        self.exchanges[subject_bucket(subject)].fetch_add(1, Relaxed);
        self.mark_changed();
    }

    /// Counts what a plugin reports in an exchange that was given this variant; whether it was taken, as
    /// [`Figures::track`](crate::analysis::Figures::track).
    pub fn track(&self, subject: u64, metric: &str, value: f64) -> bool {
        let taken = self.metrics.track(subject, metric, value);
        self.mark_changed();
        taken
    }

    /// Key of its flag.
    pub fn experiment(&self) -> &str {
        &self.experiment
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Exchanges that were given it.
    pub fn exchanges(&self) -> u64 {
        self.by_group().iter().sum()
    }

    /// What was reported.
    pub fn metrics(&self) -> BTreeMap<String, MetricSample> {
        self.metrics.read()
    }

    pub(super) fn by_group(&self) -> Vec<u64> {
        self.exchanges.iter().map(|count| count.load(Relaxed)).collect()
    }

    pub(super) fn arm(&self) -> Arm {
        Arm::variant(&self.name, self.by_group(), self.metrics())
    }

    /// After counting: whoever takes the mark sees what was counted.
    pub(super) fn mark_changed(&self) {
        self.changed.store(true, Release);
    }

    /// Before what was counted is read: what is counted meanwhile is written down again.
    pub(super) fn take_changed(&self) -> bool {
        self.changed.swap(false, Acquire)
    }
}
