//! Whether instances of the new release take more memory, or ever more.
//!
//! Memory of an instance is hardly a matter of chance, and its readings are anything but independent: what is measured is
//! compared as it is, without a test. An instance that grew once stays as great as it is, and one upload may do that: a mean
//! that is greater says nothing unless all instances are, or they go on growing.

use super::Pair;
use crate::analysis::sample::{MemorySample, Sample};
use crate::analysis::verdict::{Check, Outcome};

/// Readings from which on there is something to say.
const LEAST: u64 = 30;

/// Exchanges in which an instance grew, from which on growth is no single request's.
const GROWTHS: u64 = 5;

/// What is borne beside the factor, in bytes: a few pages more or less are no leak.
const SLACK: f64 = (1 << 20) as f64;

/// Adds both checks, and tells what is missing.
pub(super) fn compare(pair: &Pair<'_>, factor: f64, checks: &mut Vec<Check>) -> Option<String> {
    let (old, new) = (&pair.stable.memory, &pair.candidate.memory);
    let growing = new.growths >= GROWTHS && grown(new) > grown(old);
    let end =
        |sample: &Sample| sample.memory_at_end().zip(sample.memory_mean()).map(|(end, mean)| end.max(mean));
    let [means, ends] = [Sample::memory_mean, end]
        .map(|of: fn(&Sample) -> Option<f64>| [pair.stable, pair.candidate].map(of));
    let few =
        [("the old release", old), ("the new release", new)].into_iter().find(|(_, of)| of.readings < LEAST);
    let missing = few
        .map(|(who, of)| format!("{} readings of memory of {who} of the {LEAST} that it takes", of.readings));
    // A release whose memory grows by nature may grow as the old one does.
    for (name, what, measured) in [
        ("memory", "mean of an instance", means),
        ("memory-growth", "at the end of the line through all readings", ends),
    ] {
        checks.push(match &missing {
            Some(missing) => check(name, measured, factor, Outcome::Unknown, format!("{name}: {missing}")),
            None => compared(name, what, measured, factor, growing, new),
        });
    }
    missing
}

fn compared(
    name: &str,
    what: &str,
    [stable, candidate]: [Option<f64>; 2],
    factor: f64,
    growing: bool,
    new: &MemorySample,
) -> Check {
    let allowed = allowed(stable, factor);
    let beyond = |bytes: Option<f64>| bytes.zip(allowed).is_some_and(|(bytes, allowed)| bytes > allowed);
    let fails = beyond(candidate) && (growing || beyond(Some(new.least as f64)));
    let mib =
        |bytes: Option<f64>| bytes.map_or("nothing".into(), |bytes| format!("{:.1} MiB", bytes / SLACK));
    let words = format!(
        "{name}: {what}, {} of the new release, {} of the old one, allowed {}; the new one's grew in {} of {} exchanges",
        mib(candidate),
        mib(stable),
        mib(allowed),
        new.growths,
        new.readings,
    );
    let outcome = if fails { Outcome::Fail } else { Outcome::Pass };
    check(name, [stable, candidate], factor, outcome, words)
}

fn check(
    name: &str,
    [stable, candidate]: [Option<f64>; 2],
    factor: f64,
    outcome: Outcome,
    words: String,
) -> Check {
    let allowed = allowed(stable, factor);
    Check { name: name.into(), stable, candidate, allowed, at_least: None, p: None, outcome, words }
}

fn allowed(stable: Option<f64>, factor: f64) -> Option<f64> {
    stable.map(|bytes| bytes * factor + SLACK)
}

/// Pages by which instances grow with an exchange, in the mean.
fn grown(memory: &MemorySample) -> f64 {
    memory.grown as f64 / memory.readings as f64
}
