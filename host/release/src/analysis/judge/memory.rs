//! Whether instances of the new release take more memory, or ever more.
//!
//! Memory of an instance is hardly a matter of chance, and its readings are anything but independent: what is measured is
//! compared as it is, without a test.

use super::Pair;
use crate::analysis::sample::Sample;
use crate::analysis::verdict::{Check, Outcome};

/// Readings from which on there is something to say.
const LEAST: u64 = 30;

/// What is borne beside the factor, in bytes: a few pages more or less are no leak.
const SLACK: f64 = (1 << 20) as f64;

pub(super) fn compare(pair: &Pair<'_>, factor: f64, checks: &mut Vec<Check>) {
    let stable = pair.stable.memory_mean();
    let enough = [pair.stable, pair.candidate].iter().all(|sample| sample.memory.readings >= LEAST);
    checks.push(check("memory", stable, pair.candidate.memory_mean(), factor, enough));
    // A release whose memory grows by nature may grow as the old one does.
    let end =
        |sample: &Sample| sample.memory_at_end().zip(sample.memory_mean()).map(|(end, mean)| end.max(mean));
    checks.push(check("memory-growth", end(pair.stable), end(pair.candidate), factor, enough));
}

fn check(name: &str, stable: Option<f64>, candidate: Option<f64>, factor: f64, enough: bool) -> Check {
    let allowed = stable.map(|bytes| bytes * factor + SLACK);
    let outcome = match (candidate, allowed) {
        (Some(candidate), Some(allowed)) if enough && candidate > allowed => Outcome::Fail,
        (Some(_), Some(_)) if enough => Outcome::Pass,
        _ => Outcome::Unknown,
    };
    let what =
        if name == "memory" { "mean of an instance" } else { "at the end of the line through all readings" };
    let mib =
        |bytes: Option<f64>| bytes.map_or("nothing".into(), |bytes| format!("{:.1} MiB", bytes / SLACK));
    let words = match outcome {
        Outcome::Unknown => format!("{name}: fewer than {LEAST} readings of one of the two"),
        _ => format!(
            "{name}: {what}, {} of the new release, {} of the old one, allowed {}",
            mib(candidate),
            mib(stable),
            mib(allowed)
        ),
    };
    Check { name: name.into(), stable, candidate, allowed, at_least: None, p: None, outcome, words }
}
