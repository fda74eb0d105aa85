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

/// Adds both checks; the median is missing, and waited for, while there are too few requests for it.
pub(super) fn compare(pair: &Pair<'_>, spec: &AnalysisSpec, checks: &mut Vec<Check>) -> Option<String> {
    let median = check(pair, "p50", 0.5, spec.p50);
    let few =
        [pair.stable, pair.candidate].iter().any(|sample| sample.requests() < needed(0.5, pair.level / 2.0));
    let missing = (median.outcome == Outcome::Unknown && few).then(|| median.words.clone());
    checks.extend([median, check(pair, "p99", 0.99, spec.p99)]);
    missing
}

/// What the new release's quantile is at least, against what the old one's is at most, each but for half the level.
fn check(pair: &Pair<'_>, name: &str, part: f64, factor: f64) -> Check {
    let level = pair.level / 2.0;
    let [old, new] = [pair.stable, pair.candidate].map(|sample| design(sample).divisor(level));
    let (least, most) = (at_least(pair.candidate, part, new, level), at_most(pair.stable, part, old, level));
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
    let lack = |sample: &Sample, part: f64, whose| match (sample.requests(), needed(part, level)) {
        (requests, needed) if requests < needed => {
            format!("{found}; {requests} requests of {whose} of the {needed} that it takes to tell")
        }
        (requests, _) => format!("{found}; {requests} requests of {whose}, of too few subjects to tell"),
    };
    let words = match (least, allowed) {
        (Some(least), Some(allowed)) => {
            format!("{found}; by ranks (binomial): at least {least:.2} ms, allowed {allowed:.2} ms")
        }
        (_, None) => lack(pair.stable, part, "the old release"),
        (None, _) => lack(pair.candidate, 1.0 - part, "the new release"),
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

/// Requests, each of another subject, from which on the greatest is above a quantile at `part` but for a chance of `level`.
fn needed(part: f64, level: f64) -> u64 {
    (level.ln() / part.ln()).ceil() as u64
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
