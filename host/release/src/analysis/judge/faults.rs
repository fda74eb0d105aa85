//! Whether more of the new release's requests fail.

use super::{Pair, chance, percent};
use crate::analysis::sample::Sample;
use crate::analysis::statistics::{self, Design};
use crate::analysis::verdict::{Check, Outcome};

/// Errors, traps, deadlines.
pub(super) const TESTS: usize = 3;

/// Which faults are counted.
type Counts = fn(&Sample) -> u64;

/// `faults` of `requests`, as many as independent ones that tell as much.
struct Counted {
    faults: f64,
    requests: f64,
}

/// All faults against `margin`, and those kinds among them that are worse than an error.
pub(super) fn compare(pair: &Pair<'_>, margin: f64, checks: &mut Vec<Check>) {
    let (stable, candidate) = (design(pair.stable), design(pair.candidate));
    let divisors = [stable.divisor(&candidate), candidate.divisor(&stable)];
    let kinds: [(&str, Counts); TESTS] = [
        ("errors", Sample::faults),
        ("traps", |sample| sample.traps),
        ("deadlines", |sample| sample.deadlines),
    ];
    for (name, faults) in kinds {
        checks.push(check(pair, name, margin, divisors, faults));
    }
}

fn check(
    pair: &Pair<'_>,
    name: &str,
    margin: f64,
    [stable_divisor, candidate_divisor]: [f64; 2],
    faults: Counts,
) -> Check {
    let stable = Counted::of(pair.stable, faults, stable_divisor);
    let candidate = Counted::of(pair.candidate, faults, candidate_divisor);
    let rate = |sample: &Sample| faults(sample) as f64 / sample.requests() as f64;
    let (old, new) = (rate(pair.stable), rate(pair.candidate));
    let found = format!(
        "{name}: {} of {} requests of the new release ({}), {} of {} of the old one ({})",
        faults(pair.candidate),
        pair.candidate.requests(),
        percent(new),
        faults(pair.stable),
        pair.stable.requests(),
        percent(old),
    );
    let check = Check {
        name: name.into(),
        stable: Some(old),
        candidate: Some(new),
        allowed: Some(old + margin),
        at_least: None,
        p: None,
        outcome: Outcome::Pass,
        words: String::new(),
    };
    match margin > 0.0 {
        true => beyond_margin(check, &found, margin, pair.level, &stable, &candidate),
        false => beyond_nothing(check, &found, pair.level, &stable, &candidate),
    }
}

/// Without a margin: Fisher's exact test, which is right for few faults as well.
fn beyond_nothing(check: Check, found: &str, level: f64, stable: &Counted, candidate: &Counted) -> Check {
    // Whole numbers, rounded in favour of the new release.
    let (hits, n) = (candidate.faults.floor() as u64, candidate.requests.round() as u64);
    let (others, m) = (stable.faults.ceil() as u64, stable.requests.floor() as u64);
    let p = statistics::fisher(hits, n.max(hits), others, m.max(others));
    let outcome = if p <= level { Outcome::Fail } else { Outcome::Pass };
    Check { p: Some(p), outcome, words: format!("{found}; Fisher's exact test, {}", chance(p)), ..check }
}

/// With one: what the new rate is at least against what the old one is at most, each but for half the level.
fn beyond_margin(
    check: Check,
    found: &str,
    margin: f64,
    level: f64,
    stable: &Counted,
    candidate: &Counted,
) -> Check {
    let least = statistics::at_least(candidate.faults, candidate.requests, level / 2.0);
    let allowed = statistics::at_most(stable.faults, stable.requests, level / 2.0) + margin;
    let outcome = if least > allowed { Outcome::Fail } else { Outcome::Pass };
    let words = format!(
        "{found}; bounds of Clopper and Pearson: at least {}, allowed {}",
        percent(least),
        percent(allowed)
    );
    Check { allowed: Some(allowed), at_least: Some(least), outcome, words, ..check }
}

impl Counted {
    fn of(sample: &Sample, faults: Counts, divisor: f64) -> Self {
        Counted { faults: faults(sample) as f64 / divisor, requests: sample.requests() as f64 / divisor }
    }
}

/// How far subjects differ in how often their requests fail.
fn design(sample: &Sample) -> Design {
    let rate = sample.faults() as f64 / sample.requests() as f64;
    let groups = sample.subjects.iter().map(|subject| (subject.requests as f64, subject.faults as f64));
    Design::of(groups, rate * (1.0 - rate))
}
