//! What an experiment has shown so far: counts of each arm, and how they differ, with a confidence that holds at any time.
//!
//! Unit of all variances are groups of subjects, so that one subject's many requests are not taken for many subjects.
//! **Invariant:** all intervals of a report hold together with 95 %, at all times at which anybody looks.

mod arm;
mod difference;
#[cfg(test)]
mod simulated;
mod split;

use ostler_core::rollout::Share;
use serde::Serialize;

pub use arm::{Arm, ArmReport, MetricReport};
pub use difference::{Difference, Of, Shows};
pub use split::Split;

use super::sample::Sample;

/// The test, as reports name it.
const TEST: &str = "asymptotic confidence sequences (Waudby-Smith et al. 2024) of the difference between arms, with variances \
                    between groups of subjects; all intervals together hold with 95 % at all times";

/// What an experiment has shown so far.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Each arm by itself.
    pub arms: Vec<ArmReport>,
    /// Each other arm against the first, metric by metric.
    pub differences: Vec<Difference>,
    /// Whether exchanges were divided as they should have been; none if nothing says how.
    pub split: Option<Split>,
    /// The test that was made, with its source.
    pub test: &'static str,
}

/// Compares two releases that run side by side.
pub fn report(stable: &Sample, candidate: &Sample) -> Report {
    compare(&[Arm::release("stable", stable), Arm::release("candidate", candidate)], None)
}

/// [`report`], where the candidate should have had this share of the subjects.
pub fn report_of_share(stable: &Sample, candidate: &Sample, share: Share) -> Report {
    let part = f64::from(share.0) / f64::from(Share::ALL.0);
    let arms = [Arm::release("stable", stable), Arm::release("candidate", candidate)];
    compare(&arms, Some(&[1.0 - part, part]))
}

/// Compares each other arm with the first; `split` is what part of the subjects each should have had, as weights.
pub fn compare(arms: &[Arm], split: Option<&[f64]>) -> Report {
    let differences = match arms {
        [against, others @ ..] => difference::all(against, others),
        [] => Vec::new(),
    };
    Report {
        arms: arms.iter().map(Arm::report).collect(),
        differences,
        split: split.and_then(|weights| Split::of(arms, weights)),
        test: TEST,
    }
}
