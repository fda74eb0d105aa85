//! One arm of an experiment: a release, or a variant of a flag.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::analysis::sample::{MetricSample, Sample, SubjectSample};
use crate::analysis::statistics::{self, Ratio};

/// Name under which failed exchanges are compared; no plugin can report one like it.
pub(super) const ERRORS: &str = "errors (built in)";

/// What one arm has counted.
#[derive(Debug, Clone)]
pub struct Arm {
    name: String,
    /// By group of subjects.
    exchanges: Vec<u64>,
    metrics: BTreeMap<String, MetricSample>,
    release: Option<Release>,
}

/// What is known of a release beside.
#[derive(Debug, Clone)]
struct Release {
    faults: Vec<u64>,
    p50: Option<f64>,
    p99: Option<f64>,
}

/// One arm by itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ArmReport {
    /// `stable` or `candidate`, or the variant.
    pub name: String,
    /// Exchanges that it answered, or that asked for the flag.
    pub exchanges: u64,
    /// Part of them that failed; of releases only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_rate: Option<f64>,
    /// Half of the answers took at most this, in milliseconds; of releases only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f64>,
    /// All but a hundredth took at most this; of releases only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<f64>,
    /// What plugins reported.
    pub metrics: BTreeMap<String, MetricReport>,
}

/// A metric of one arm.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricReport {
    /// Values reported.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// Their mean.
    pub mean: Option<f64>,
    /// Their standard deviation.
    pub deviation: Option<f64>,
    /// Their sum, by exchange: the rate of conversions if 1 is reported for each.
    pub per_exchange: Option<f64>,
}

impl Arm {
    /// A variant: exchanges that asked for it, by group of subjects, and what was reported in them.
    pub fn variant(name: &str, exchanges: Vec<u64>, metrics: BTreeMap<String, MetricSample>) -> Self {
        Arm { name: name.into(), exchanges, metrics, release: None }
    }

    /// A release.
    pub(super) fn release(name: &str, sample: &Sample) -> Self {
        let ms = |part| sample.quantile(part).map(|duration| duration.as_secs_f64() * 1e3);
        let faults = sample.subjects.iter().map(SubjectSample::all_faults).collect();
        Arm {
            name: name.into(),
            exchanges: sample.subjects.iter().map(|subject| subject.requests).collect(),
            metrics: sample.metrics.clone(),
            release: Some(Release { faults, p50: ms(0.5), p99: ms(0.99) }),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn report(&self) -> ArmReport {
        let metric = |(name, metric): (&String, &MetricSample)| {
            let per_exchange = self.per_exchange(name).map(|ratio| ratio.value);
            let (count, sum) = (metric.count(), metric.sum());
            let (mean, deviation) = (metric.mean(), metric.deviation());
            (name.clone(), MetricReport { count, sum, mean, deviation, per_exchange })
        };
        ArmReport {
            name: self.name.clone(),
            exchanges: self.total(),
            error_rate: self.release.as_ref().and(self.per_exchange(ERRORS)).map(|ratio| ratio.value),
            p50_ms: self.release.as_ref().and_then(|release| release.p50),
            p99_ms: self.release.as_ref().and_then(|release| release.p99),
            metrics: self.metrics.iter().map(metric).collect(),
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.exchanges.iter().sum()
    }

    /// Exchanges by group of subjects.
    pub(super) fn exchanges(&self) -> &[u64] {
        &self.exchanges
    }

    /// Names of what can be compared.
    pub(super) fn comparable(&self) -> BTreeSet<&str> {
        let errors = self.release.as_ref().map(|_| ERRORS);
        self.metrics.keys().map(String::as_str).chain(errors).collect()
    }

    /// Sum of a metric by exchange; none was reported is a sum of 0.
    pub(super) fn per_exchange(&self, metric: &str) -> Option<Ratio> {
        let sum = |group: usize| match &self.release {
            Some(release) if metric == ERRORS => release.faults[group] as f64,
            _ => self
                .metrics
                .get(metric)
                .and_then(|metric| metric.subjects.get(group))
                .map_or(0.0, |of| of.sum),
        };
        let groups = self.exchanges.iter().enumerate();
        statistics::ratio(groups.map(|(group, count)| (*count as f64, sum(group))))
    }

    /// Mean of a metric's values, where there are not as many of them as exchanges.
    pub(super) fn mean(&self, metric: &str) -> Option<Ratio> {
        self.metrics.get(metric)?.ratio()
    }

    /// Whether each exchange reported the metric once, as far as counts tell.
    pub(super) fn reports_always(&self, metric: &str) -> bool {
        self.metrics.get(metric).is_some_and(|metric| metric.count() == self.total())
    }
}
