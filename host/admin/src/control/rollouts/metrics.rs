//! What metrics tell of rollouts: those that ended, by strategy and outcome, and where those under way stand.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use ostler_observe::metrics::{Metrics, Text};
use ostler_release::rollout::Rollout;

use super::Rollouts;

/// Rollouts that ended since the start, by strategy and outcome: two closed sets.
#[derive(Default)]
pub(super) struct Outcomes(Mutex<BTreeMap<(&'static str, &'static str), u64>>);

impl Rollouts {
    /// Registers what there is to tell.
    pub(in crate::control) fn told_by(self: &Arc<Self>, metrics: &Metrics) {
        let rollouts = self.clone();
        metrics.register(move |text| rollouts.collect(text));
    }

    /// Counts a rollout if it has ended.
    pub(super) fn count(&self, rollout: &Rollout) {
        if rollout.ended_at_ms.is_some() {
            let key = (rollout.spec.strategy.as_str(), rollout.state.as_str());
            let mut counts = self.outcomes.0.lock().unwrap_or_else(PoisonError::into_inner);
            *counts.entry(key).or_default() += 1;
        }
    }

    fn collect(&self, text: &mut Text) {
        let counts = self.outcomes.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for ((strategy, outcome), count) in counts {
            let labels = [("strategy", strategy), ("outcome", outcome)];
            text.counter("ostler_rollouts_total", "Rollouts that have ended.", &labels, count);
        }
        let help = "When rollouts were last driven, in seconds since 1970; 0 before that.";
        let driven = self.driven_ms.load(Ordering::Relaxed) as f64 / 1_000.0;
        text.gauge("ostler_rollouts_driven_timestamp_seconds", help, &[], driven);
        for driven in self.all() {
            let rollout = &driven.rollout;
            let labels = [("plugin", rollout.plugin.as_str()), ("strategy", rollout.spec.strategy.as_str())];
            let (share, step) = (rollout.share().part(), rollout.step as f64 + 1.0);
            text.gauge("ostler_rollout_share", "Share of the new release, from 0 to 1.", &labels, share);
            text.gauge("ostler_rollout_step", "Step of the rollout under way, from 1.", &labels, step);
            let (help, failures) =
                ("Checks of the rollout under way that failed.", f64::from(rollout.failures));
            text.gauge("ostler_rollout_failed_checks", help, &labels, failures);
        }
    }
}
