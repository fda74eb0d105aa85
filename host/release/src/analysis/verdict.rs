//! What a comparison comes to, with its evidence: kept with the rollout, and shown.

use serde::{Deserialize, Serialize};

/// What a comparison of two releases comes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing speaks against the new release.
    Pass {
        /// What was compared.
        checks: Vec<Check>,
    },
    /// There is too little to compare. Never a reason to go on.
    Hold {
        /// What is missing, in words.
        missing: String,
        /// What could be compared.
        checks: Vec<Check>,
    },
    /// The new release does worse than it may.
    Fail {
        /// What was compared.
        checks: Vec<Check>,
    },
}

/// One comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// `errors`, and the worse kinds of them by their names (parts of all requests, 0 to 1), `p50`, `p99` (milliseconds), `memory`, `memory-growth`
    /// (bytes), or `metric:NAME`.
    pub name: String,
    /// What was measured of the old release.
    pub stable: Option<f64>,
    /// What was measured of the new one.
    pub candidate: Option<f64>,
    /// What the new one may have, given the old one's.
    pub allowed: Option<f64>,
    /// What the new one's true value is at least, but for the level's chance.
    pub at_least: Option<f64>,
    /// Chance of a difference as great as this one if there were none.
    pub p: Option<f64>,
    /// What it comes to.
    pub outcome: Outcome,
    /// All of it in a sentence, with the test that was made.
    pub words: String,
}

/// What one comparison comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Nothing speaks against the new release.
    Pass,
    /// The new release does worse than it may.
    Fail,
    /// There is too little to tell.
    Unknown,
}

impl Verdict {
    /// What was compared.
    pub fn checks(&self) -> &[Check] {
        match self {
            Verdict::Pass { checks } | Verdict::Hold { checks, .. } | Verdict::Fail { checks } => checks,
        }
    }

    /// Whether the new release does worse than it may.
    pub fn failed(&self) -> bool {
        matches!(self, Verdict::Fail { .. })
    }

    /// Why, in a sentence.
    pub fn why(&self) -> String {
        match self {
            Verdict::Pass { checks } => {
                let untold = checks.iter().filter(|check| check.outcome == Outcome::Unknown);
                let untold: Vec<_> = untold.map(|check| check.name.as_str()).collect();
                let but = if untold.is_empty() { "" } else { "; too little to tell of " };
                format!("nothing speaks against the new release{but}{}", untold.join(", "))
            }
            Verdict::Hold { missing, .. } => format!("too little to compare: {missing}"),
            Verdict::Fail { checks } => {
                let failed = checks.iter().filter(|check| check.outcome == Outcome::Fail);
                failed.map(|check| check.words.as_str()).collect::<Vec<_>>().join("; ")
            }
        }
    }
}
