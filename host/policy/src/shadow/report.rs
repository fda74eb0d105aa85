//! What came of the copies, for operators: counts, a few examples, how long answers took.
//!
//! **Invariant:** neither a body nor a value of a field is kept; what is kept is bounded.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::Method;
use ostler_core::Exchange;
use serde::Serialize;

use super::compare::Answer;
pub use super::compare::Aspect;

/// Examples that are kept, the latest ones.
const EXAMPLES: usize = 20;

/// Classes of durations: four for each doubling, from a microsecond to half an hour.
const CLASSES: usize = 128;

/// What came of the copies.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShadowReport {
    /// Requests that were copied.
    pub copied: u64,
    /// Copies whose answer was compared with the user's.
    pub compared: u64,
    /// Those whose answers were alike.
    pub equal: u64,
    /// Those whose answers were not, by what differs first.
    pub different: BTreeMap<Aspect, u64>,
    /// Copies whose answer, or the user's, never came, or whose body the live release did not read whole.
    pub unanswered: u64,
    /// Requests that were not copied since as many copies were under way as may be.
    pub busy: u64,
    /// Requests that were not copied since their body was too large.
    pub uncopied: u64,
    /// Outbound calls of the copies, none of which was sent.
    pub held_back: u64,
    /// How long answers took.
    pub latency: Latencies,
    /// The latest answers that differ.
    pub examples: Vec<Difference>,
}

/// How long the answers took that were compared, until their head was there. Copies run in the background, behind all that
/// users wait for, so on a busy host theirs tell more of the host than of the release.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Latencies {
    /// Half of the live release's answers took at most so long, in milliseconds, to within a fifth.
    pub stable_p50_ms: f64,
    /// All but one in a hundred.
    pub stable_p99_ms: f64,
    /// The same of the copies.
    pub candidate_p50_ms: f64,
    /// The same of the copies.
    pub candidate_p99_ms: f64,
}

/// One request whose answers differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// As in the log.
    pub request_id: String,
    /// Its method.
    pub method: String,
    /// Path pattern of its route.
    pub route: String,
    /// In what the answers differ.
    pub aspect: Aspect,
    /// How: names and types, no values.
    pub what: Vec<String>,
}

/// Counts of one shadow.
#[derive(Default)]
pub(super) struct Tally {
    copied: AtomicU64,
    busy: AtomicU64,
    uncopied: AtomicU64,
    unanswered: AtomicU64,
    held_back: AtomicU64,
    compared: Mutex<Compared>,
}

#[derive(Default)]
struct Compared {
    all: u64,
    different: BTreeMap<Aspect, u64>,
    examples: VecDeque<Difference>,
    stable: Durations,
    candidate: Durations,
}

struct Durations([u32; CLASSES]);

impl Default for Durations {
    fn default() -> Self {
        Durations([0; CLASSES])
    }
}

impl Tally {
    pub(super) fn copied(&self) {
        self.copied.fetch_add(1, Relaxed);
    }

    pub(super) fn busy(&self) {
        self.busy.fetch_add(1, Relaxed);
    }

    pub(super) fn uncopied(&self) {
        self.uncopied.fetch_add(1, Relaxed);
    }

    pub(super) fn unanswered(&self) {
        self.unanswered.fetch_add(1, Relaxed);
    }

    pub(super) fn held_back(&self, calls: u64) {
        self.held_back.fetch_add(calls, Relaxed);
    }

    pub(super) fn compared(
        &self,
        exchange: &Exchange,
        method: &Method,
        stable: &Answer,
        candidate: &Answer,
        differences: Vec<(super::compare::Aspect, String)>,
    ) {
        let mut compared = self.compared.lock().unwrap_or_else(PoisonError::into_inner);
        compared.all += 1;
        if let (Some(stable), Some(candidate)) = (stable.took, candidate.took) {
            compared.stable.add(stable);
            compared.candidate.add(candidate);
        }
        let Some((aspect, _)) = differences.first() else { return };
        let difference = Difference {
            request_id: exchange.id.as_str().to_owned(),
            method: method.as_str().chars().take(32).collect(),
            route: exchange.route.to_string(),
            aspect: *aspect,
            what: differences.into_iter().map(|(_, text)| text).collect(),
        };
        tracing::debug!(
            request_id = difference.request_id,
            method = difference.method,
            route = difference.route,
            what = difference.what.join("; "),
            "a shadow answered differently"
        );
        *compared.different.entry(difference.aspect).or_default() += 1;
        if compared.examples.len() == EXAMPLES {
            compared.examples.pop_front();
        }
        compared.examples.push_back(difference);
    }

    pub(super) fn report(&self) -> ShadowReport {
        let compared = self.compared.lock().unwrap_or_else(PoisonError::into_inner);
        ShadowReport {
            copied: self.copied.load(Relaxed),
            compared: compared.all,
            equal: compared.all - compared.different.values().sum::<u64>(),
            different: compared.different.clone(),
            unanswered: self.unanswered.load(Relaxed),
            busy: self.busy.load(Relaxed),
            uncopied: self.uncopied.load(Relaxed),
            held_back: self.held_back.load(Relaxed),
            latency: Latencies {
                stable_p50_ms: compared.stable.quantile(0.5),
                stable_p99_ms: compared.stable.quantile(0.99),
                candidate_p50_ms: compared.candidate.quantile(0.5),
                candidate_p99_ms: compared.candidate.quantile(0.99),
            },
            examples: compared.examples.iter().cloned().collect(),
        }
    }
}

impl Durations {
    fn add(&mut self, took: Duration) {
        let class = (took.as_micros().max(1) as f64).log2() * 4.0;
        let class = (class as usize).min(CLASSES - 1);
        self.0[class] = self.0[class].saturating_add(1);
    }

    /// Upper end of the class where this part of all is reached, in milliseconds; 0 of none.
    fn quantile(&self, part: f64) -> f64 {
        let all: u64 = self.0.iter().map(|count| u64::from(*count)).sum();
        let wanted = (all as f64 * part).ceil() as u64;
        let mut seen = 0;
        for (class, count) in self.0.iter().enumerate() {
            seen += u64::from(*count);
            if all > 0 && seen >= wanted {
                let ms = 2f64.powf((class + 1) as f64 / 4.0) / 1e3;
                return (ms * 1e3).round() / 1e3;
            }
        }
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_within_a_fifth() {
        let mut durations = Durations::default();
        assert_eq!(durations.quantile(0.5), 0.0);
        for ms in 1..=1_000 {
            durations.add(Duration::from_millis(ms));
        }
        for (part, ms) in [(0.5, 500.0), (0.99, 990.0)] {
            let told = durations.quantile(part);
            assert!((1.0..1.2).contains(&(told / ms)), "{told} of {ms}");
        }
        durations.add(Duration::ZERO);
        durations.add(Duration::MAX);
    }
}
