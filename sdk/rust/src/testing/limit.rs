//! A rate limit in memory: a number for each key, and the same again when its time is over.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::bindings::ostler::plugin::rate_limit::{Decision, Error};

/// One limit, with what each key has taken and since when.
pub(crate) struct Limit {
    pub(crate) admits: u64,
    pub(crate) per: Duration,
    taken: BTreeMap<String, (u64, Duration)>,
}

impl Limit {
    pub(crate) fn new(admits: u64, per: Duration) -> Self {
        Limit { admits, per, taken: BTreeMap::new() }
    }

    pub(crate) fn check(&mut self, key: &str, cost: u32, now: Duration) -> Result<Decision, Error> {
        if !(1..=512).contains(&key.len()) {
            return Err(Error::Invalid(format!("a key has 1 to 512 bytes, this one {}", key.len())));
        }
        if !(1..=1_000_000).contains(&cost) {
            return Err(Error::Invalid(format!("a cost is 1 to 1,000,000, this one {cost}")));
        }
        let (taken, since) = self.taken.entry(key.to_owned()).or_insert((0, now));
        if now >= *since + self.per {
            (*taken, *since) = (0, now);
        }
        let admitted = *taken + u64::from(cost) <= self.admits;
        if admitted {
            *taken += u64::from(cost);
        }
        let wait = if admitted { Duration::ZERO } else { *since + self.per - now };
        let remaining = self.admits - *taken;
        Ok(Decision { admitted, remaining, retry_after_ms: wait.as_millis() as u64 })
    }
}
