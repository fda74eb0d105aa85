//! What is remembered of rollouts under way beside what is recorded: readings of both releases' figures.
//!
//! **Invariant:** a step is judged by what happened in it, of both releases over the same time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::control::entry::{Live, OnTrial};
use ostler_core::rollout::{Share, Strategy};
use ostler_policy::Shadow;
use ostler_release::analysis::{Figures, Sample, Verdict, judge};
use ostler_release::rollout::Rollout;

use super::metrics::Outcomes;

/// All rollouts under way, by plugin; and counts of those that ended.
#[derive(Default)]
pub(in crate::control) struct Rollouts {
    driven: Mutex<BTreeMap<String, Driven>>,
    pub(super) outcomes: Outcomes,
}

/// A rollout under way.
#[derive(Clone)]
pub(in crate::control) struct Driven {
    pub(in crate::control) rollout: Rollout,
    /// Of the old and the new release.
    figures: [Arc<Figures>; 2],
    /// Where the copies go, if any are made.
    pub(super) shadow: Option<Arc<Shadow>>,
    /// What they had counted when the step began.
    began: [Arc<Sample>; 2],
    /// What the old release did in the step before: the new one is compared with it once that serves all.
    before: Option<Arc<Sample>>,
    checked_ms: i64,
    /// The last check.
    pub(in crate::control) verdict: Option<Arc<Verdict>>,
}

impl Rollouts {
    pub(in crate::control) fn names(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    pub(in crate::control) fn get(&self, plugin: &str) -> Option<Driven> {
        self.lock().get(plugin).cloned()
    }

    pub(in crate::control) fn all(&self) -> Vec<Driven> {
        self.lock().values().cloned().collect()
    }

    pub(in crate::control) fn insert(&self, driven: Driven) {
        self.lock().insert(driven.rollout.plugin.clone(), driven);
    }

    pub(in crate::control) fn remove(&self, plugin: &str) {
        self.lock().remove(plugin);
    }

    /// Takes over what has become of a rollout.
    pub(super) fn moved(&self, rollout: &Rollout) {
        let mut all = self.lock();
        match all.get_mut(&rollout.plugin) {
            Some(_) if rollout.ended_at_ms.is_some() => drop(all.remove(&rollout.plugin)),
            Some(driven) => driven.moved(rollout),
            None => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Driven>> {
        self.driven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Driven {
    /// A rollout whose step begins now, as far as figures go.
    pub(in crate::control) fn new(rollout: Rollout, stable: &Live, trial: &OnTrial) -> Self {
        let figures = figures(stable, trial);
        figures.iter().for_each(|figures| figures.reserve(&rollout.spec.analysis.metrics));
        let shadow = trial.shadow.as_ref().map(|shadow| shadow.of.clone());
        let began = figures.each_ref().map(|figures| Arc::new(figures.read()));
        let checked_ms = rollout.step_since_ms;
        Driven { rollout, figures, shadow, began, before: None, checked_ms, verdict: None }
    }

    /// Whether a check is to be made.
    pub(super) fn is_due(&self, now_ms: i64) -> bool {
        let every = i64::try_from(self.rollout.spec.analysis.every.as_millis()).unwrap_or(i64::MAX);
        let passed = now_ms.saturating_sub(self.checked_ms);
        // A clock that was set back would put the next check off by as much.
        passed >= every || passed < 0
    }

    /// The releases count anew once their plugin's definition has changed.
    pub(super) fn follow(&mut self, stable: &Live, trial: &OnTrial) {
        let figures = figures(stable, trial);
        if !figures.iter().zip(&self.figures).all(|(now, known)| Arc::ptr_eq(now, known)) {
            *self = Driven::new(self.rollout.clone(), stable, trial);
        }
    }

    /// What both have done in this step.
    pub(super) fn window(&self) -> [Sample; 2] {
        let [stable, candidate] = &self.figures;
        let [from, since] = &self.began;
        [&stable.read() - &**from, &candidate.read() - &**since]
    }

    /// Compares the two: how many requests the new one has answered in this step, and what is to be said of it.
    pub(super) fn check(&mut self, now_ms: i64) -> (u64, Verdict) {
        let [stable, candidate] = self.window();
        let verdict = self.judge(&stable, &candidate);
        (self.checked_ms, self.verdict) = (now_ms, Some(Arc::new(verdict.clone())));
        (candidate.requests(), verdict)
    }

    fn judge(&self, stable: &Sample, candidate: &Sample) -> Verdict {
        let analysis = &self.rollout.spec.analysis;
        let serves_all = self.rollout.spec.strategy == Strategy::Canary && self.rollout.share() == Share::ALL;
        match &self.before {
            Some(before) if serves_all => judge(before, candidate, analysis),
            // After a restart, or in a canary of one step: there is nothing to compare with, nor will there be.
            None if serves_all && stable.requests() == 0 => Verdict::Pass { checks: Vec::new() },
            _ => judge(stable, candidate, analysis),
        }
    }

    /// A new step has figures of its own.
    fn moved(&mut self, rollout: &Rollout) {
        let anew = (rollout.step, rollout.step_since_ms) != (self.rollout.step, self.rollout.step_since_ms);
        if anew {
            let [stable, _] = self.window();
            self.before = Some(Arc::new(stable)).filter(|stable| stable.requests() > 0);
            self.began = self.figures.each_ref().map(|figures| Arc::new(figures.read()));
            (self.checked_ms, self.verdict) = (rollout.step_since_ms, None);
        }
        self.rollout = rollout.clone();
    }
}

fn figures(stable: &Live, trial: &OnTrial) -> [Arc<Figures>; 2] {
    [&stable.plugin, trial.measured()].map(|release| release.figures().clone())
}
