//! Whether the new release is slower, told by the ranks of its answers, whatever they are distributed like.

use std::time::Duration;

use ostler_core::rollout::AnalysisSpec;

use super::Pair;
use crate::analysis::histogram;
use crate::analysis::sample::Sample;
use crate::analysis::statistics::{self, Design, RANKED};
use crate::analysis::verdict::{Check, Outcome};

/// p50 and p99.
pub(super) const TESTS: usize = 2;

/// What is borne beside the factor: a release with a small share has colder caches and fewer warm instances, which is no fault
/// of its own.
const SLACK: Duration = Duration::from_micros(500);

pub(super) fn compare(pair: &Pair<'_>, spec: &AnalysisSpec, checks: &mut Vec<Check>) {
    let (stable, candidate) = (design(pair.stable), design(pair.candidate));
    let divisors = [stable.divisor(&candidate), candidate.divisor(&stable)];
    for (name, part, factor) in [("p50", 0.5, spec.p50), ("p99", 0.99, spec.p99)] {
        checks.push(check(pair, name, part, factor, divisors));
    }
}

/// What the new release's quantile is at least, against what the old one's is at most, each but for half the level.
fn check(
    pair: &Pair<'_>,
    name: &str,
    part: f64,
    factor: f64,
    [stable_divisor, candidate_divisor]: [f64; 2],
) -> Check {
    let level = pair.level / 2.0;
    let least = at_least(pair.candidate, part, candidate_divisor, level);
    let most = at_most(pair.stable, part, stable_divisor, level);
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    let [old, new] = [pair.stable, pair.candidate].map(|sample| sample.quantile(part).map(ms));
    let allowed = most.map(|most| ms(most) * factor + ms(SLACK));
    let least = least.map(ms);
    let outcome = match (least, allowed) {
        (Some(least), Some(allowed)) if least > allowed => Outcome::Fail,
        (Some(_), Some(_)) => Outcome::Pass,
        _ => Outcome::Unknown,
    };
    let found = format!(
        "{name}: {:.2} ms of the new release, {:.2} ms of the old one",
        new.unwrap_or_default(),
        old.unwrap_or_default()
    );
    let words = match (least, allowed) {
        (Some(least), Some(allowed)) => {
            format!("{found}; by ranks (binomial): at least {least:.2} ms, allowed {allowed:.2} ms")
        }
        (_, None) => format!("{found}; too few requests of the old release to tell"),
        (None, _) => format!("{found}; too few requests of the new release to tell"),
    };
    Check {
        name: name.into(),
        stable: old,
        candidate: new,
        allowed,
        at_least: least,
        p: None,
        outcome,
        words,
    }
}

/// The shortest duration of the bucket that the quantile is in or beyond.
fn at_least(sample: &Sample, part: f64, divisor: f64, level: f64) -> Option<Duration> {
    let n = independent(sample, divisor);
    let rank = statistics::rank_below(part, n, level)?;
    sample.bucket_at(rank as f64 / n as f64).map(histogram::begin)
}

/// The longest duration of the bucket that the quantile is in or below.
fn at_most(sample: &Sample, part: f64, divisor: f64, level: f64) -> Option<Duration> {
    let n = independent(sample, divisor);
    let rank = statistics::rank_above(part, n, level)?;
    sample.bucket_at(rank as f64 / n as f64).map(|bucket| histogram::begin(bucket + 1))
}

/// As many independent requests as tell as much (Woodruff 1952: the bounds of a quantile in a sample of groups are those of
/// the proportion below it).
fn independent(sample: &Sample, divisor: f64) -> u64 {
    ((sample.requests() as f64 / divisor) as u64).min(RANKED)
}

/// How far subjects differ in how long their requests take, by the numbers of the buckets: a kind of logarithm.
fn design(sample: &Sample) -> Design {
    let n = sample.requests() as f64;
    let numbered = || sample.latency.iter().enumerate().map(|(bucket, count)| (bucket as f64, *count as f64));
    let mean = numbered().map(|(bucket, count)| bucket * count).sum::<f64>() / n;
    let one = numbered().map(|(bucket, count)| count * (bucket - mean).powi(2)).sum::<f64>() / n;
    Design::of(sample.subjects.iter().map(|subject| (subject.requests as f64, subject.latency as f64)), one)
}
