//! Whether more of the new release's requests fail.

use super::{Pair, chance, percent};
use crate::analysis::figures::{Fault, KINDS};
use crate::analysis::sample::{Sample, SubjectSample};
use crate::analysis::statistics::{self, Design, GROUPS};
use crate::analysis::verdict::{Check, Outcome};

/// All faults together, and each kind but plain errors by itself.
pub(super) const TESTS: usize = KINDS;

/// Groups of subjects that must have met a fault: one alone may be a client that is broken.
const HIT: usize = 2;

/// Which faults are counted.
#[derive(Clone, Copy)]
enum Which {
    All,
    Only(Fault),
}

/// `faults` of `requests`, as many as independent ones that tell as much.
struct Counted {
    faults: f64,
    requests: f64,
}

/// All faults against `margin`, and those kinds among them that are worse than an error. What is suspected and cannot be told
/// of so few subjects is missing.
pub(super) fn compare(pair: &Pair<'_>, margin: f64, checks: &mut Vec<Check>) -> Option<String> {
    let worse = Fault::ALL.into_iter().filter(|kind| *kind != Fault::Error).map(Which::Only);
    let found: Vec<_> =
        std::iter::once(Which::All).chain(worse).map(|which| check(pair, which, margin)).collect();
    let suspected =
        found.iter().find(|check| check.outcome == Outcome::Unknown).map(|check| check.words.clone());
    checks.extend(found);
    suspected
}

fn check(pair: &Pair<'_>, which: Which, margin: f64) -> Check {
    let [old, new] =
        [pair.stable, pair.candidate].map(|sample| which.count(sample) / sample.requests() as f64);
    let divisors = [pair.stable, pair.candidate].map(|sample| which.design(sample).divisor(pair.level));
    let proof = test(pair, which, margin, divisors);
    let hit = pair.candidate.subjects.iter().filter(|subject| which.of(subject) > 0).count();
    let asked = pair.candidate.subjects.iter().filter(|subject| subject.requests > 0).count();
    let outcome = match proof.fails && hit >= HIT {
        true => Outcome::Fail,
        // Request by request it would be none of chance; that these few subjects are unlucky, nobody can exclude.
        false if (asked as f64) < GROUPS && test(pair, which, margin, [1.0; 2]).fails => Outcome::Unknown,
        false => Outcome::Pass,
    };
    let name = which.name();
    let few = match outcome {
        Outcome::Unknown => format!("; subjects of {asked} groups are too few to tell, it takes {GROUPS}"),
        _ => String::new(),
    };
    let words = format!(
        "{name}: {} of {} requests of the new release ({}), {} of {} of the old one ({}); {}{few}",
        which.count(pair.candidate),
        pair.candidate.requests(),
        percent(new),
        which.count(pair.stable),
        pair.stable.requests(),
        percent(old),
        proof.words,
    );
    Check {
        name: name.into(),
        stable: Some(old),
        candidate: Some(new),
        allowed: Some(proof.allowed.unwrap_or(old + margin)),
        at_least: proof.at_least,
        p: proof.p,
        outcome,
        words,
    }
}

/// What a test has shown.
struct Proof {
    fails: bool,
    p: Option<f64>,
    at_least: Option<f64>,
    allowed: Option<f64>,
    words: String,
}

/// The test of counts that are divided by these, of the old release and of the new one.
fn test(pair: &Pair<'_>, which: Which, margin: f64, divisors: [f64; 2]) -> Proof {
    let counted = |sample: &Sample, divisor: f64| Counted {
        faults: which.count(sample) / divisor,
        requests: sample.requests() as f64 / divisor,
    };
    let (stable, candidate) = (counted(pair.stable, divisors[0]), counted(pair.candidate, divisors[1]));
    match margin > 0.0 {
        true => beyond_margin(margin, pair.level, &stable, &candidate),
        false => beyond_nothing(pair.level, &stable, &candidate),
    }
}

/// Without a margin: Fisher's exact test, which is right for few faults as well.
fn beyond_nothing(level: f64, stable: &Counted, candidate: &Counted) -> Proof {
    // Whole numbers, rounded in favour of the new release.
    let (hits, n) = (candidate.faults.floor() as u64, candidate.requests.round() as u64);
    let (others, m) = (stable.faults.ceil() as u64, stable.requests.floor() as u64);
    let p = statistics::fisher(hits, n.max(hits), others, m.max(others));
    let words = format!("Fisher's exact test, {}", chance(p));
    Proof { fails: p <= level, p: Some(p), at_least: None, allowed: None, words }
}

/// With one: what the new rate is at least against what the old one is at most, each but for half the level.
fn beyond_margin(margin: f64, level: f64, stable: &Counted, candidate: &Counted) -> Proof {
    let least = statistics::at_least(candidate.faults, candidate.requests, level / 2.0);
    let allowed = statistics::at_most(stable.faults, stable.requests, level / 2.0) + margin;
    let words =
        format!("bounds of Clopper and Pearson: at least {}, allowed {}", percent(least), percent(allowed));
    Proof { fails: least > allowed, p: None, at_least: Some(least), allowed: Some(allowed), words }
}

impl Which {
    fn name(self) -> &'static str {
        match self {
            Which::All => Fault::Error.as_str(),
            Which::Only(kind) => kind.as_str(),
        }
    }

    fn of(self, subject: &SubjectSample) -> u64 {
        match self {
            Which::All => subject.all_faults(),
            Which::Only(kind) => subject.faults[kind as usize],
        }
    }

    fn count(self, sample: &Sample) -> f64 {
        sample.subjects.iter().map(|subject| self.of(subject)).sum::<u64>() as f64
    }

    /// How far subjects differ in how often their requests fail so.
    fn design(self, sample: &Sample) -> Design {
        let rate = self.count(sample) / sample.requests() as f64;
        let groups = sample.subjects.iter().map(|subject| (subject.requests as f64, self.of(subject) as f64));
        Design::of(groups, rate * (1.0 - rate))
    }
}
