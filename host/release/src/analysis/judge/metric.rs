//! Whether a metric that plugins report keeps to its rule.

use ostler_core::rollout::MetricRule;

use super::{Pair, chance};
use crate::analysis::sample::{MetricSample, Sample};
use crate::analysis::statistics::{self, Ratio};
use crate::analysis::verdict::{Check, Outcome};

/// Values and groups of subjects from which on means are nearly normal.
const LEAST: (u64, f64) = (30, 10.0);

/// Tests that a rule asks for.
pub(super) fn tests(rule: &MetricRule) -> usize {
    usize::from(rule.at_least.is_some()) + usize::from(rule.at_most.is_some())
}

/// Compares means, and tells what is missing.
pub(super) fn compare(pair: &Pair<'_>, rule: &MetricRule, checks: &mut Vec<Check>) -> Option<String> {
    let [stable, candidate] = [pair.stable, pair.candidate].map(|sample| measured(sample, &rule.name));
    let limits = [(rule.at_least, -1.0), (rule.at_most, 1.0)];
    let (stable, candidate) = match (stable, candidate) {
        (Ok(stable), Ok(candidate)) => (stable, candidate),
        (stable, candidate) => {
            let lacks = [("the old release", stable.err()), ("the new release", candidate.err())];
            let lacks = lacks.into_iter().filter_map(|(who, lack)| Some(format!("{who} {}", lack?)));
            return Some(lacks.collect::<Vec<_>>().join("; "));
        }
    };
    let limits = limits.into_iter().filter_map(|(factor, side)| Some((factor?, side)));
    checks.extend(limits.map(|(factor, side)| check(pair, &rule.name, &stable, &candidate, factor, side)));
    None
}

/// Welch's test (1947) of means of groups of subjects: the new mean against `factor` of the old one, above it if `side` is 1,
/// below it if -1. Of a mean below zero the factor is a part of its size, so that the same again is always allowed.
fn check(pair: &Pair<'_>, name: &str, stable: &Ratio, candidate: &Ratio, factor: f64, side: f64) -> Check {
    let allowed = stable.value + (factor - 1.0) * stable.value.abs();
    let factor = 1.0 + (factor - 1.0) * stable.value.signum();
    let parts = [factor * factor * stable.variance, candidate.variance];
    let variance = parts[0] + parts[1];
    let beyond = side * (candidate.value - allowed);
    let p = match variance > 0.0 {
        true => {
            let squares =
                parts[0].powi(2) / (stable.groups - 1.0) + parts[1].powi(2) / (candidate.groups - 1.0);
            statistics::student_above(beyond / variance.sqrt(), variance.powi(2) / squares)
        }
        // All values of both are one and the same: no chance is in it.
        false => f64::from(beyond <= 0.0),
    };
    let outcome = if p <= pair.level { Outcome::Fail } else { Outcome::Pass };
    let limit = if side > 0.0 { "at most" } else { "at least" };
    let words = format!(
        "metric {name}: mean {:.4} of {} values of the new release, {:.4} of {} of the old one, allowed {limit} {allowed:.4}; \
         Welch's test of groups of subjects, {}",
        candidate.value,
        candidate.count,
        stable.value,
        stable.count,
        chance(p)
    );
    Check {
        name: format!("metric:{name}"),
        stable: Some(stable.value),
        candidate: Some(candidate.value),
        allowed: Some(allowed),
        at_least: None,
        p: Some(p),
        outcome,
        words,
    }
}

/// The mean of a metric, or what there is too little of.
fn measured(sample: &Sample, name: &str) -> Result<Ratio, String> {
    let metric = sample.metrics.get(name);
    let count = metric.map_or(0, MetricSample::count);
    match metric.and_then(MetricSample::ratio) {
        Some(ratio) if count >= LEAST.0 && ratio.groups >= LEAST.1 => Ok(ratio),
        Some(ratio) if count >= LEAST.0 => Err(format!(
            "reported metric {name} for subjects of {} groups of the {} that are needed",
            ratio.groups, LEAST.1
        )),
        _ => Err(format!("reported metric {name} {count} times of the {} that are needed", LEAST.0)),
    }
}
