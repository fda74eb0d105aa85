//! Whether exchanges were divided between arms as they should have been. If not, something decides with the flag who is
//! counted, and no difference can be trusted (Fabijan et al., "Diagnosing sample ratio mismatch", KDD 2019).

use std::collections::BTreeMap;

use serde::Serialize;

use super::arm::Arm;
use crate::analysis::statistics;

/// Chance of an alarm although all is well; small, since people look often.
const LEVEL: f64 = 0.001;

/// Groups of subjects from which on the division says anything.
const GROUPS: f64 = 20.0;

/// Whether exchanges were divided as they should have been.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Split {
    /// Part of all that each arm should have had.
    pub expected: BTreeMap<String, f64>,
    /// Part of all that it had.
    pub observed: BTreeMap<String, f64>,
    /// Chance of a division as far off as this.
    pub p: Option<f64>,
    /// Whether there is something wrong.
    pub mismatch: bool,
    /// All of it in a sentence.
    pub words: String,
}

impl Split {
    /// Compares with `weights`, one for each arm. None without weights to compare with, or exchanges.
    pub(super) fn of(arms: &[Arm], weights: &[f64]) -> Option<Self> {
        let whole: f64 = weights.iter().sum();
        let total: u64 = arms.iter().map(Arm::total).sum();
        let sound = weights.len() == arms.len() && weights.iter().all(|weight| *weight >= 0.0);
        if !sound || whole <= 0.0 || !whole.is_finite() || total == 0 {
            return None;
        }
        let named = |part: &dyn Fn(usize) -> f64| {
            arms.iter().enumerate().map(|(at, arm)| (arm.name().to_owned(), part(at))).collect()
        };
        let part = |at: usize| weights[at] / whole;
        // Each arm against all others, with as many tests as arms.
        let p = (0..arms.len()).map(|at| chance(arms, at, part(at))).collect::<Option<Vec<_>>>();
        let p = p.map(|all| (all.into_iter().fold(1.0, f64::min) * arms.len() as f64).min(1.0));
        let mismatch = p.is_some_and(|p| p < LEVEL);
        Some(Split {
            expected: named(&part),
            observed: named(&|at| arms[at].total() as f64 / total as f64),
            p,
            mismatch,
            words: words(p, mismatch),
        })
    }
}

/// The chi-square test of one arm's part, corrected for groups of subjects (Rao and Scott 1981): the square of a ratio over its
/// standard error, with as many degrees of freedom as there are groups but one.
fn chance(arms: &[Arm], at: usize, part: f64) -> Option<f64> {
    let own = arms[at].exchanges();
    let groups = (0..own.len()).map(|group| {
        let all: u64 = arms.iter().filter_map(|arm| arm.exchanges().get(group)).sum();
        (all as f64, own[group] as f64)
    });
    let ratio = statistics::ratio(groups).filter(|ratio| ratio.groups >= GROUPS)?;
    let off = (ratio.value - part).abs();
    match ratio.variance > 0.0 {
        true => {
            Some((2.0 * statistics::student_above(off / ratio.variance.sqrt(), ratio.groups - 1.0)).min(1.0))
        }
        false => Some(f64::from(off < 1e-9)),
    }
}

fn words(p: Option<f64>, mismatch: bool) -> String {
    match (p, mismatch) {
        (None, _) => format!("subjects of fewer than {GROUPS} groups: the division says nothing yet"),
        (Some(p), false) => format!("divided as it should be (corrected chi-square test, p = {p:.3})"),
        (Some(p), true) => format!(
            "NOT divided as it should be (corrected chi-square test, p = {p:.1e}): trust no difference before it is known why; \
             look for requests that fail or are cached before the flag is asked, robots, and overrides"
        ),
    }
}
