//! Compares the new release with the old one, each over a window: the same one, but where the new one serves all, when the old
//! one's is that of the step before.
//!
//! All tests of one comparison share its significance evenly (Bonferroni), so that the chance of failing a release which is as
//! good as the old one is at most that. Requests of one subject are counted for as much as they tell: counts are divided by
//! their design effect. **Invariant:** nothing fails for want of traffic, nor for one client's sake.

mod faults;
mod latency;
mod memory;
mod metric;

use ostler_core::rollout::AnalysisSpec;

use super::sample::Sample;
use super::verdict::{Outcome, Verdict};

/// Bounds of a significance; a level of 0 would never fail, one above a half would fail on nothing.
const LEVELS: (f64, f64) = (1e-12, 0.5);

/// The two to compare.
struct Pair<'a> {
    stable: &'a Sample,
    candidate: &'a Sample,
    /// Chance of each single test to fail although nothing is wrong.
    level: f64,
}

/// Compares what two releases have done in their windows.
///
/// If the new one is as good as the old one, the chance of `Fail` is at most `spec.significance`. `Hold` if one of them has too
/// little traffic for the median or for memory, or a metric that has a rule was not reported often enough, or requests fail
/// of so few subjects that it may be theirs. Beside what `spec` bears, differences below half a
/// millisecond and below one mebibyte are borne.
pub fn judge(stable: &Sample, candidate: &Sample, spec: &AnalysisSpec) -> Verdict {
    let tests = faults::TESTS + latency::TESTS + spec.metrics.iter().map(metric::tests).sum::<usize>();
    let level = spec.significance.clamp(LEVELS.0, LEVELS.1) / tests as f64;
    let pair = Pair { stable, candidate, level };
    let mut checks = Vec::new();
    let mut missing = Vec::new();
    for (sample, name) in [(stable, "the old release"), (candidate, "the new release")] {
        if sample.requests() == 0 {
            missing.push(format!("{name} answered no request"));
        }
    }
    if missing.is_empty() {
        missing.extend(faults::compare(&pair, spec.error_rate, &mut checks));
        missing.extend(latency::compare(&pair, spec, &mut checks));
        missing.extend(memory::compare(&pair, spec.memory, &mut checks));
        for rule in &spec.metrics {
            missing.extend(metric::compare(&pair, rule, &mut checks));
        }
    }
    if checks.iter().any(|check| check.outcome == Outcome::Fail) {
        return Verdict::Fail { checks };
    }
    match missing.is_empty() {
        true => Verdict::Pass { checks },
        false => Verdict::Hold { missing: missing.join("; "), checks },
    }
}

/// A part of all requests, as people read it.
fn percent(part: f64) -> String {
    format!("{:.2} %", part * 100.0)
}

/// A chance, as people read it.
pub(super) fn chance(p: f64) -> String {
    match p {
        p if p < 1e-9 => "p < 0.000000001".into(),
        p if p < 1e-3 => format!("p = {p:.1e}"),
        p => format!("p = {p:.3}"),
    }
}

#[cfg(test)]
mod tests;
