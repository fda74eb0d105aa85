//! A reading of [`Figures`](super::Figures), and what happened between two of them.

use std::collections::BTreeMap;
use std::ops::Sub;
use std::time::Duration;

use super::figures::{Fault, KINDS, PAGE};
use super::histogram;
use super::statistics::{self, Ratio};

/// What a release has done in a window: the difference of two readings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sample {
    /// By bucket.
    pub(super) latency: Vec<u64>,
    pub(super) subjects: Vec<SubjectSample>,
    pub(super) memory: MemorySample,
    /// What plugins reported, by name.
    pub metrics: BTreeMap<String, MetricSample>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct SubjectSample {
    pub(super) requests: u64,
    /// By kind.
    pub(super) faults: [u64; KINDS],
    pub(super) latency: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct MemorySample {
    pub(super) readings: u64,
    pub(super) pages: u64,
    /// Of numbers that count on from `since`.
    pub(super) moment: u64,
    /// Number of the first reading.
    pub(super) since: u64,
    /// Of all readings ever: a peak cannot be taken back.
    pub(super) peak: u64,
    /// Likewise, in bytes.
    pub(super) least: u64,
    /// Exchanges in which an instance grew.
    pub(super) growths: u64,
    /// By how many pages, together.
    pub(super) grown: u64,
}

/// What was reported of one metric.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetricSample {
    pub(super) subjects: Vec<ValuesSample>,
    /// Sum of the squares of all values.
    pub(super) squares: f64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct ValuesSample {
    pub(super) count: u64,
    pub(super) sum: f64,
}

impl Sample {
    /// Exchanges that ended.
    pub fn requests(&self) -> u64 {
        self.latency.iter().sum()
    }

    /// Exchanges that failed for the release's sake.
    pub fn faults(&self) -> u64 {
        self.subjects.iter().map(SubjectSample::all_faults).sum()
    }

    /// Those of one kind.
    pub fn faults_of(&self, kind: Fault) -> u64 {
        self.subjects.iter().map(|subject| subject.faults[kind as usize]).sum()
    }

    /// How long the given part of the exchanges (0 to 1) took at most, within 7 %. None without exchanges.
    pub fn quantile(&self, part: f64) -> Option<Duration> {
        self.bucket_at(part).map(histogram::middle)
    }

    /// Mean linear memory of instances in bytes, one reading after each exchange. None without readings.
    pub fn memory_mean(&self) -> Option<f64> {
        let memory = &self.memory;
        (memory.readings > 0).then(|| memory.pages as f64 * PAGE as f64 / memory.readings as f64)
    }

    /// Greatest linear memory of an instance since the release began, in bytes.
    pub fn memory_peak(&self) -> u64 {
        self.memory.peak
    }

    /// Linear memory at the end of the window, in bytes, by the straight line that fits the readings best (least squares).
    /// None with fewer than three.
    pub fn memory_at_end(&self) -> Option<f64> {
        let MemorySample { readings, pages, moment, since, .. } = self.memory;
        if readings < 3 {
            return None;
        }
        let (n, mean) = (readings as f64, self.memory_mean()?);
        // Numbers of this window begin at 0. The wrapped difference is exact up to 100 million readings of 100 MiB.
        let moment = moment.wrapping_sub(since.wrapping_mul(pages)) as i64 as f64 * PAGE as f64;
        let slope = (moment - mean * n * (n - 1.0) / 2.0) / (n * (n * n - 1.0) / 12.0);
        Some(mean + slope * (n - 1.0) / 2.0)
    }

    /// The bucket in which the given part of the exchanges is reached.
    pub(super) fn bucket_at(&self, part: f64) -> Option<usize> {
        let rank = (part * self.requests() as f64).ceil().max(1.0) as u64;
        let mut sum = 0;
        self.latency.iter().position(|count| {
            sum += count;
            sum >= rank
        })
    }
}

impl MetricSample {
    /// Of (count, sum) of each group of subjects. None if a number is not finite.
    pub(crate) fn of(groups: impl Iterator<Item = (u64, f64)>, squares: f64) -> Option<Self> {
        let subjects: Vec<_> = groups.map(|(count, sum)| ValuesSample { count, sum }).collect();
        let finite = squares.is_finite() && subjects.iter().all(|values| values.sum.is_finite());
        finite.then_some(MetricSample { subjects, squares })
    }

    /// (count, sum) of each group of subjects.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (u64, f64)> {
        self.subjects.iter().map(|values| (values.count, values.sum))
    }

    /// Sum of the squares of all values.
    pub(crate) fn squares(&self) -> f64 {
        self.squares
    }

    /// Values reported.
    pub fn count(&self) -> u64 {
        self.subjects.iter().map(|values| values.count).sum()
    }

    /// Their sum.
    pub fn sum(&self) -> f64 {
        self.subjects.iter().map(|values| values.sum).sum()
    }

    /// Their mean. None without values.
    pub fn mean(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.sum() / self.count() as f64)
    }

    /// Their mean, with its variance between groups of subjects.
    pub(super) fn ratio(&self) -> Option<Ratio> {
        statistics::ratio(self.subjects.iter().map(|values| (values.count as f64, values.sum)))
    }

    /// Their standard deviation, taken one by one. None with fewer than two.
    pub fn deviation(&self) -> Option<f64> {
        let (n, mean) = (self.count() as f64, self.mean()?);
        (n > 1.0).then(|| ((self.squares - n * mean * mean).max(0.0) / (n - 1.0)).sqrt())
    }
}

impl Sub for &Sample {
    type Output = Sample;

    /// What happened after the reading `earlier`.
    fn sub(self, earlier: &Sample) -> Sample {
        let nothing = MetricSample::default();
        let metric = |(name, metric): (&String, &MetricSample)| {
            (name.clone(), metric - earlier.metrics.get(name).unwrap_or(&nothing))
        };
        let latency = self.latency.iter().enumerate();
        let subjects = self.subjects.iter().enumerate();
        Sample {
            latency: latency
                .map(|(at, count)| count.saturating_sub(at_or_default(&earlier.latency, at)))
                .collect(),
            subjects: subjects.map(|(at, subject)| *subject - at_or_default(&earlier.subjects, at)).collect(),
            memory: self.memory - earlier.memory,
            metrics: self.metrics.iter().map(metric).collect(),
        }
    }
}

impl Sub for Sample {
    type Output = Sample;

    fn sub(self, earlier: Sample) -> Sample {
        &self - &earlier
    }
}

impl SubjectSample {
    pub(super) fn all_faults(&self) -> u64 {
        self.faults.iter().sum()
    }
}

impl Sub for SubjectSample {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        SubjectSample {
            requests: self.requests.saturating_sub(earlier.requests),
            faults: std::array::from_fn(|kind| self.faults[kind].saturating_sub(earlier.faults[kind])),
            latency: self.latency.saturating_sub(earlier.latency),
        }
    }
}

impl Sub for MemorySample {
    type Output = Self;

    #[expect(clippy::suspicious_arithmetic_impl, reason = "a window begins where the earlier reading ended")]
    fn sub(self, earlier: Self) -> Self {
        MemorySample {
            readings: self.readings.saturating_sub(earlier.readings),
            pages: self.pages.saturating_sub(earlier.pages),
            moment: self.moment.wrapping_sub(earlier.moment),
            since: earlier.since + earlier.readings,
            peak: self.peak,
            least: self.least,
            growths: self.growths.saturating_sub(earlier.growths),
            grown: self.grown.saturating_sub(earlier.grown),
        }
    }
}

impl Sub for &MetricSample {
    type Output = MetricSample;

    fn sub(self, earlier: &MetricSample) -> MetricSample {
        let subjects = self.subjects.iter().enumerate().map(|(at, values)| {
            let earlier = at_or_default(&earlier.subjects, at);
            ValuesSample { count: values.count.saturating_sub(earlier.count), sum: values.sum - earlier.sum }
        });
        MetricSample { subjects: subjects.collect(), squares: (self.squares - earlier.squares).max(0.0) }
    }
}

fn at_or_default<T: Copy + Default>(values: &[T], at: usize) -> T {
    values.get(at).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::Figures;

    #[test]
    fn the_end_of_a_leak_is_seen_and_steady_memory_is_steady() {
        let figures = Figures::default();
        (0..1_000).for_each(|_| figures.memory(10 << 20, 0));
        let before = figures.read();
        assert!((before.memory_at_end().unwrap() / (10 << 20) as f64 - 1.0).abs() < 1e-9);
        (0..500).for_each(|n| figures.memory((10 << 20) + n * (1 << 16), 1 << 16));
        let window = &figures.read() - &before;
        let end = ((10 << 20) + 499 * (1 << 16)) as f64;
        assert!((window.memory_at_end().unwrap() / end - 1.0).abs() < 1e-9, "{window:?}");
        assert_eq!(window.memory_peak(), end as u64);
    }
}
