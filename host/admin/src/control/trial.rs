//! Two releases of one plugin side by side: the live one, and one that takes over from it or was there before.
//!
//! **Invariant:** an exchange ends on the release that it began on.

use std::sync::Arc;
use std::time::Instant;

use ostler_core::rollout::Strategy;
use ostler_policy::Shadow;
use ostler_release::rollout::{Rollout, State};
use ostler_runtime::Component;

use super::entry::{Entry, Kept, Live, OnTrial, Shadowing};
use super::{Control, Refusal};

impl Control {
    /// Makes `component` a running release of `name` beside the live one, with places of its own: it can take none from that.
    pub(super) fn candidate(&self, name: &str, entry: &Entry, component: Component) -> Result<Live, Refusal> {
        self.link(name, &entry.definition.spec, component, None)
    }

    /// `candidate` as it serves some, or gets copies of requests, under `rollout`.
    pub(super) fn on_trial(
        &self,
        name: &str,
        entry: &Entry,
        candidate: Live,
        rollout: &Rollout,
    ) -> Result<OnTrial, Refusal> {
        let shadow = self.shadow(name, entry, &candidate.component, rollout)?;
        Ok(OnTrial { live: candidate, choice: Arc::new(rollout.choice()), shadow })
    }

    /// What copies go to, if `rollout` makes any.
    fn shadow(
        &self,
        name: &str,
        entry: &Entry,
        component: &Component,
        rollout: &Rollout,
    ) -> Result<Option<Shadowing>, Refusal> {
        if rollout.spec.strategy != Strategy::Shadow {
            return Ok(None);
        }
        let (plugin, recorder) = self.0.runtime.shadow(name, &entry.definition.spec, component)?;
        let of = Shadow::new(&plugin, recorder, rollout.share(), rollout.spec.unsafe_methods);
        Ok(Some(Shadowing { plugin, of }))
    }

    /// `entry` with what stood beside the live release `before`, under its new definition. What cannot go on there ends.
    pub(super) fn carry(&self, name: &str, entry: Entry, before: Option<&Entry>) -> Entry {
        let Some(before) = before.filter(|_| entry.live.is_some()) else { return entry };
        let unchanged = before.definition.spec == entry.definition.spec;
        let carried = |live: &Live| match unchanged {
            true => Some(live.clone()),
            false => self.candidate(name, &entry, live.component.clone()).ok(),
        };
        let trial = before.trial.as_ref().and_then(|trial| {
            let live = carried(&trial.live)?;
            let shadow = match (unchanged, self.0.rollouts.get(name)) {
                (false, Some(driven)) => self.shadow(name, &entry, &live.component, &driven.rollout).ok()?,
                _ => trial.shadow.clone(),
            };
            Some(OnTrial { live, choice: trial.choice.clone(), shadow })
        });
        let kept = before
            .kept
            .as_ref()
            .and_then(|kept| Some(Kept { live: carried(&kept.live)?, until: kept.until }));
        Entry { trial, kept, ..entry }
    }

    /// Lets go of releases that were kept ready long enough.
    pub(super) async fn release_kept(&self) {
        let now = Instant::now();
        for entry in self.0.state.lock().await.plugins.values_mut() {
            entry.kept.take_if(|kept| kept.until <= now);
        }
    }
}

impl Entry {
    /// Serves whom `rollout`, of this plugin, has it serve now, with the releases that stand here.
    pub(super) fn stand_as(&mut self, rollout: &Rollout) -> Result<(), Refusal> {
        let nothing = || Refusal::Conflict("no release of this plugin is on trial".into());
        match rollout.state {
            State::Running | State::Holding | State::Paused => {
                self.trial.as_mut().ok_or_else(nothing)?.choice = Arc::new(rollout.choice());
            }
            State::Promoted => {
                let trial = self.trial.take().ok_or_else(nothing)?;
                let before = self.live.replace(trial.live);
                self.kept = before.map(|live| Kept::until(live, rollout.spec.keep));
            }
            State::Aborted | State::Withdrawn | State::Superseded => self.trial = None,
        }
        Ok(())
    }
}
