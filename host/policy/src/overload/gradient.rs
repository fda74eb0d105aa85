//! What the next limit is, from one window of samples.
//!
//! The gradient of Envoy's adaptive concurrency filter (`envoy.filters.http.adaptive_concurrency`) and of Netflix's
//! concurrency-limits: the limit shrinks by as much as calls take longer than they would without a crowd, and grows by its
//! square root. Both have to guess what a call would take without a crowd. Here that is the mean of windows in which the limit
//! did not bind, however mixed the calls; only while it binds for long, a short probe lets in few, to measure it anew.

/// How much longer than without a crowd calls may take before the limit shrinks: 1.5 times.
const TOLERANCE: f64 = 1.5;

/// A limit shrinks to half at most in one window.
const STEEPEST: f64 = 0.5;

/// Of the limit, in percent: who has fewer under way has no need of it.
const BINDS: u64 = 70;

/// What was seen in one window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// What calls took on average.
    pub(super) mean: u64,
    /// Most that were under way at once.
    pub(super) peak: u32,
    /// Whether requests were shed.
    pub(super) shed: bool,
}

/// A limit, and what calls take without a crowd (0: not known yet).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    pub(super) limit: u32,
    pub(super) usual: u64,
}

impl Window {
    /// Whether the limit was needed.
    pub(super) fn binds(&self, limit: u32) -> bool {
        self.shed || u64::from(self.peak) * 100 >= u64::from(limit) * BINDS
    }
}

impl State {
    /// The state after `window`. `first` is where the limit stands when it is not needed.
    pub(super) fn after(self, window: Window, first: u32) -> State {
        let State { limit, usual } = self;
        let room = f64::from(limit).sqrt();
        if !window.binds(limit) {
            let grown = if limit < first { ((f64::from(limit) + room) as u32).min(first) } else { limit };
            return State { limit: grown, usual: mixed(usual, window.mean, true) };
        }
        let usual = mixed(usual, window.mean, false);
        let gradient = (TOLERANCE * usual as f64 / window.mean.max(1) as f64).clamp(STEEPEST, 1.0);
        State { limit: (f64::from(limit) * gradient + room) as u32, usual }
    }
}

/// What calls take without a crowd, with a further mean: quickly down, slowly up, and up only if there was no crowd.
fn mixed(usual: u64, mean: u64, up: bool) -> u64 {
    match (usual, up) {
        (0, _) => mean,
        (usual, _) if mean < usual => usual / 2 + mean / 2,
        (usual, true) => usual + (mean - usual) / 8,
        (usual, false) => usual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(limit: u32, usual: u64, mean: u64, peak: u32) -> State {
        State { limit, usual }.after(Window { mean, peak, shed: false }, 512)
    }

    #[test]
    fn a_limit_that_is_not_needed_stays_whatever_calls_take() {
        assert_eq!(after(512, 1000, 100_000, 100).limit, 512);
        assert_eq!(after(1024, 1000, 100_000, 100).limit, 1024);
        // One that had shrunk comes back.
        assert_eq!(after(64, 1000, 1000, 10).limit, 72);
        assert_eq!(after(510, 1000, 1000, 10).limit, 512);
    }

    #[test]
    fn a_limit_that_binds_shrinks_with_what_calls_take_longer() {
        assert_eq!(after(100, 1000, 1000, 100).limit, 110);
        assert_eq!(after(100, 1000, 1500, 100).limit, 110);
        assert_eq!(after(100, 1000, 2000, 100).limit, 85);
        assert_eq!(after(100, 1000, 1_000_000, 100).limit, 60);
        assert_eq!(after(100, 0, 1_000_000, 100).limit, 110);
    }

    #[test]
    fn what_is_usual_goes_down_at_once_and_up_only_without_a_crowd() {
        assert_eq!(after(100, 1000, 500, 100).usual, 750);
        assert_eq!(after(100, 1000, 9000, 100).usual, 1000);
        assert_eq!(after(100, 1000, 9000, 10).usual, 2000);
    }
}
