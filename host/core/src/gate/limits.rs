//! `limits`, `cost`: how often a client may ask.

use crate::settings::{Located, Section};

/// Which rate limits a request takes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LimitsSpec {
    /// `limits`: names of `[limits.NAME]`, which must all admit the request; an empty list lifts those of `[defaults]`.
    pub limits: Option<Vec<Located<String>>>,
    /// `cost`: what one request takes from each of them. Default: 1.
    pub cost: Option<u32>,
}

impl LimitsSpec {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        // Asked for in any case, so that a misspelt key is told its name.
        let (told, limits) = (section.has("limits"), section.strings("limits"));
        LimitsSpec {
            limits: told.then_some(limits),
            cost: section.integer("cost", 1..=1_000_000).map(|cost| cost as u32),
        }
    }

    pub(super) fn or(&self, further: &Self) -> Self {
        LimitsSpec {
            limits: self.limits.clone().or_else(|| further.limits.clone()),
            cost: self.cost.or(further.cost),
        }
    }
}
