//! What is remembered of rollouts under way beside what is recorded: readings of both releases' figures.
//!
//! **Invariant:** a step is judged by what happened in it, of both releases over the same time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::control::entry::{Live, OnTrial};
use ostler_core::rollout::{AnalysisSpec, Share, Strategy};
use ostler_policy::Shadow;
use ostler_release::analysis::{Figures, Sample, Verdict, judge};
use ostler_release::rollout::{Event, Looks, Rollout};
use serde_json::{Value, json};

use super::metrics::Outcomes;
use super::view::compared;

/// All rollouts under way, by plugin; and counts of those that ended.
#[derive(Default)]
pub(in crate::control) struct Rollouts {
    driven: Mutex<BTreeMap<String, Driven>>,
    pub(super) outcomes: Outcomes,
    /// When rollouts were last driven, in Unix milliseconds.
    pub(super) driven_ms: AtomicI64,
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
    looks: Looks,
    /// When it was last looked whether there is anything to check or to record.
    pub(super) checked_ms: i64,
    /// The last check of this step.
    pub(in crate::control) verdict: Option<Arc<Verdict>>,
    /// What happened and could not be recorded yet.
    pub(super) unsaved: Vec<Event>,
}

impl Rollouts {
    /// Plugins of those that are to be checked now.
    pub(super) fn due(&self, now_ms: i64) -> Vec<String> {
        let all = self.lock();
        all.iter().filter(|(_, driven)| driven.is_due(now_ms)).map(|(name, _)| name.clone()).collect()
    }

    /// The plugin's rollout if it is due; it is not until its next time then, whatever comes of this one.
    pub(super) fn take_turn(&self, plugin: &str, now_ms: i64) -> Option<Driven> {
        let mut all = self.lock();
        let driven = all.get_mut(plugin).filter(|driven| driven.is_due(now_ms))?;
        driven.checked_ms = now_ms;
        Some(driven.clone())
    }

    /// Says that all rollouts have been driven.
    pub(super) fn driven_at(&self, now_ms: i64) {
        self.driven_ms.store(now_ms, Ordering::Relaxed);
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

    /// Takes over what has become of a rollout, and what of it is yet to be recorded.
    pub(super) fn moved(&self, rollout: &Rollout, unsaved: Vec<Event>, now_ms: i64) {
        let mut all = self.lock();
        match all.get_mut(&rollout.plugin) {
            Some(_) if rollout.ended_at_ms.is_some() && unsaved.is_empty() => {
                all.remove(&rollout.plugin);
            }
            Some(driven) => {
                driven.moved(rollout, now_ms);
                driven.unsaved = unsaved;
            }
            None => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Driven>> {
        self.driven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Driven {
    /// A rollout whose step begins now, as far as figures go.
    pub(in crate::control) fn new(rollout: Rollout, stable: &Live, trial: &OnTrial, now_ms: i64) -> Self {
        let figures = figures(stable, trial);
        figures.iter().for_each(|figures| figures.reserve(&rollout.spec.analysis.metrics));
        let shadow = trial.shadow.as_ref().map(|shadow| shadow.of.clone());
        Driven { shadow, ..Driven::of(rollout, figures, now_ms) }
    }

    pub(super) fn of(rollout: Rollout, figures: [Arc<Figures>; 2], checked_ms: i64) -> Self {
        let began = figures.each_ref().map(|figures| Arc::new(figures.read()));
        let (looks, unsaved) = (Looks::default(), Vec::new());
        Driven {
            rollout,
            figures,
            shadow: None,
            began,
            before: None,
            looks,
            checked_ms,
            verdict: None,
            unsaved,
        }
    }

    /// Whether a check is to be made.
    pub(super) fn is_due(&self, now_ms: i64) -> bool {
        let every = i64::try_from(self.rollout.spec.analysis.every.as_millis()).unwrap_or(i64::MAX);
        let passed = now_ms.saturating_sub(self.checked_ms);
        // A clock that was set back would put the next check off by as much.
        passed >= every || passed < 0
    }

    /// The releases count anew once their plugin's definition has changed. What the old one did in the step before stays what
    /// the new one is compared with once that serves all: nothing else could be.
    pub(super) fn follow(&mut self, stable: &Live, trial: &OnTrial, now_ms: i64) {
        let figures = figures(stable, trial);
        if !figures.iter().zip(&self.figures).all(|(now, known)| Arc::ptr_eq(now, known)) {
            let (before, unsaved) = (self.before.take(), std::mem::take(&mut self.unsaved));
            let anew = Driven::new(self.rollout.clone(), stable, trial, now_ms);
            *self = Driven { before, unsaved, ..anew };
        }
    }

    /// What both have done in this step.
    pub(super) fn window(&self) -> [Sample; 2] {
        let [stable, candidate] = &self.figures;
        let [from, since] = &self.began;
        [&stable.read() - &**from, &candidate.read() - &**since]
    }

    /// Compares the two if there is more to see than at the last look: `verdict` is what is to be said of the step. How many
    /// requests the new one has answered in it.
    pub(super) fn check(&mut self) -> u64 {
        let [stable, candidate] = self.window();
        let requests = candidate.requests();
        let spec = &self.rollout.spec;
        let serves_all = spec.strategy == Strategy::Canary && self.rollout.share() == Share::ALL;
        let against = match &self.before {
            Some(before) if serves_all => before,
            _ => &stable,
        };
        if serves_all && against.requests() == 0 {
            self.verdict = Some(Arc::new(nothing_to_compare_with()));
        } else if let Some(part) = self.looks.next([against.requests(), requests]) {
            let significance = spec.analysis.significance * part;
            let analysis = AnalysisSpec { significance, ..spec.analysis.clone() };
            self.verdict = Some(Arc::new(judge(against, &candidate, &analysis)));
        } else if self.verdict.is_none() {
            self.verdict = Some(Arc::new(judge(against, &candidate, &spec.analysis)));
        }
        requests
    }

    /// What a shadow or a comparison has shown, as evidence of its end.
    pub(super) fn findings(&self) -> Option<Value> {
        if let Some(shadow) = &self.shadow {
            return Some(json!({ "shadow": shadow.report() }));
        }
        let [stable, candidate] = self.window();
        let compared = || json!({ "report": compared(&self.rollout, &stable, &candidate) });
        (self.rollout.spec.strategy == Strategy::Ab).then(compared)
    }

    /// A step that begins has figures of its own, and what the old release did in the one before is what is compared with once
    /// the new one serves all. One that begins again does so in its own place.
    fn moved(&mut self, rollout: &Rollout, now_ms: i64) {
        if rollout.step != self.rollout.step {
            let [stable, _] = self.window();
            self.before = Some(Arc::new(stable)).filter(|stable| stable.requests() > 0);
        }
        if (rollout.step, rollout.step_since_ms) != (self.rollout.step, self.rollout.step_since_ms) {
            self.began = self.figures.each_ref().map(|figures| Arc::new(figures.read()));
            (self.looks, self.checked_ms, self.verdict) = (Looks::default(), now_ms, None);
        }
        self.rollout = rollout.clone();
    }
}

/// After a restart in the last step: the old release answers nothing any more, and nothing is known of what it did.
fn nothing_to_compare_with() -> Verdict {
    let missing = "the host has started in this step, in which the old release answers nothing: there is nothing to compare \
                   with; promote or abort it by hand";
    Verdict::Hold { missing: missing.into(), checks: Vec::new() }
}

fn figures(stable: &Live, trial: &OnTrial) -> [Arc<Figures>; 2] {
    [&stable.plugin, trial.measured()].map(|release| release.figures().clone())
}

#[cfg(test)]
mod tests;
