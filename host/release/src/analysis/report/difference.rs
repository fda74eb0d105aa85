//! How two arms differ in one metric.

use serde::Serialize;

use super::arm::{Arm, ERRORS};
use crate::analysis::judge::chance;
use crate::analysis::sequential::{Estimate, LEVEL};
use crate::analysis::statistics::Ratio;

/// Exchanges (or values) and groups of subjects of each arm from which on the limit theorem may be relied on.
const LEAST: (f64, f64) = (100.0, 20.0);

/// How an arm differs from the first one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// As it was reported, or `errors (built in)`.
    pub metric: String,
    /// What is compared of it.
    pub of: Of,
    /// The arm.
    pub arm: String,
    /// The first one.
    pub against: String,
    /// The arm's, less the first one's.
    pub difference: f64,
    /// As part of the first one's.
    pub relative: Option<f64>,
    /// Where the true difference is, with all other intervals of the report, at all times, with 95 %.
    pub interval: Option<[f64; 2]>,
    /// Chance of ever seeing such a difference in any of the report's comparisons if there were none.
    pub p: Option<f64>,
    /// What it comes to.
    pub shows: Shows,
    /// All of it in a sentence.
    pub words: String,
}

/// What is compared of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Of {
    /// Its sum by exchange.
    PerExchange,
    /// The mean of its values.
    Mean,
}

/// What a difference comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shows {
    /// The arm has more of it.
    Higher,
    /// The arm has less of it.
    Lower,
    /// Nothing yet.
    Undecided,
    /// There is too little for a statement.
    TooLittle,
}

/// Two of the same to compare.
struct Pair<'a> {
    metric: &'a str,
    of: Of,
    arm: &'a Arm,
    ratios: [Ratio; 2],
}

/// Of each other arm, metric by metric.
pub(super) fn all(against: &Arm, others: &[Arm]) -> Vec<Difference> {
    let pairs: Vec<Pair<'_>> = others.iter().flat_map(|arm| pairs(against, arm)).collect();
    // Bonferroni: the intervals hold together.
    let comparisons = pairs.len() as f64;
    pairs.iter().map(|pair| pair.difference(against, comparisons)).collect()
}

fn pairs<'a>(against: &'a Arm, arm: &'a Arm) -> Vec<Pair<'a>> {
    let mut pairs = Vec::new();
    let mut names = against.comparable();
    names.extend(arm.comparable());
    for metric in names {
        let mut add = |of, first, second| {
            if let (Some(first), Some(second)) = (first, second) {
                pairs.push(Pair { metric, of, arm, ratios: [first, second] });
            }
        };
        add(Of::PerExchange, against.per_exchange(metric), arm.per_exchange(metric));
        // Where each exchange reports once, the mean is the same again; where all values are one and the same, it says nothing.
        let varies = |ratio: &Option<Ratio>| ratio.is_some_and(|ratio| ratio.variance > 0.0);
        let (first, second) = (against.mean(metric), arm.mean(metric));
        let again = against.reports_always(metric) && arm.reports_always(metric);
        if !again && (varies(&first) || varies(&second)) {
            add(Of::Mean, first, second);
        }
    }
    pairs
}

impl Pair<'_> {
    fn difference(&self, against: &Arm, comparisons: f64) -> Difference {
        let [first, second] = self.ratios;
        let difference = second.value - first.value;
        let told = self.estimate().map(|estimate| {
            let half = estimate.half_width(LEVEL / comparisons);
            ([difference - half, difference + half], (estimate.p() * comparisons).min(1.0))
        });
        let shows = match told {
            None => Shows::TooLittle,
            Some(([low, _], _)) if low > 0.0 => Shows::Higher,
            Some(([_, high], _)) if high < 0.0 => Shows::Lower,
            Some(_) => Shows::Undecided,
        };
        Difference {
            metric: self.metric.into(),
            of: self.of,
            arm: self.arm.name().into(),
            against: against.name().into(),
            difference,
            relative: (first.value != 0.0).then(|| difference / first.value.abs()),
            interval: told.map(|(interval, _)| interval),
            p: told.map(|(_, p)| p),
            shows,
            words: self.words(against, difference, told, shows),
        }
    }

    /// None while there is too little, or all groups are the same.
    fn estimate(&self) -> Option<Estimate> {
        let enough = |ratio: &Ratio| ratio.count >= LEAST.0 && ratio.groups >= LEAST.1;
        let [first, second] = self.ratios;
        let variance = first.variance + second.variance;
        if !self.ratios.iter().all(enough) || variance <= 0.0 {
            return None;
        }
        let squares = |ratio: Ratio| ratio.variance.powi(2) / (ratio.groups - 1.0);
        Some(Estimate {
            difference: second.value - first.value,
            variance,
            freedom: variance.powi(2) / (squares(first) + squares(second)),
            exchanges: first.count + second.count,
        })
    }

    fn words(&self, against: &Arm, difference: f64, told: Option<([f64; 2], f64)>, shows: Shows) -> String {
        let what = match (self.metric, self.of) {
            (ERRORS, _) => "failed exchanges, as a part of all,".into(),
            (metric, Of::PerExchange) => format!("{metric} by exchange"),
            (metric, Of::Mean) => format!("the mean of {metric}"),
        };
        let (arm, against) = (self.arm.name(), against.name());
        let Some(([low, high], p)) = told else {
            let (exchanges, groups) = LEAST;
            return format!(
                "{what}: too little for a statement on {arm:?} and {against:?}; it takes {exchanges} of each, by subjects of \
                 {groups} groups, that are not all alike"
            );
        };
        let verdict = match shows {
            Shows::Higher => format!("is higher in {arm:?} than in {against:?}"),
            Shows::Lower => format!("is lower in {arm:?} than in {against:?}"),
            _ => format!("shows no difference yet between {arm:?} and {against:?}"),
        };
        format!(
            "{what} {verdict}: {difference:+.4}, between {low:+.4} and {high:+.4} with 95 %, always valid {}",
            chance(p)
        )
    }
}
