//! Two releases of one plugin side by side: the live one, and one that takes over from it or was there before.
//!
//! Each of these puts the next snapshot in force, so that requests see it at once; whoever calls them holds `change`, and has
//! recorded first what is done here. **Invariant:** an exchange ends on the release that it began on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ostler_core::Digest;
use ostler_core::rollout::Strategy;
use ostler_policy::Shadow;
use ostler_release::rollout::{Arm, Choice, Rollout};
use ostler_runtime::Component;

use super::entry::{Entry, Kept, Live, OnTrial, Shadowing};
use super::view::unknown;
use super::{Control, Refusal};

impl Control {
    /// Makes `component` a running release of `name` beside the live one, with places of its own: it can take none from that.
    pub(super) fn candidate(&self, name: &str, entry: &Entry, component: Component) -> Result<Live, Refusal> {
        self.link(name, &entry.definition.spec, component, None)
    }

    /// Serves some with `candidate`, or copies requests to it, as `rollout` stands.
    pub(super) async fn begin_trial(
        &self,
        name: &str,
        entry: &Entry,
        candidate: Live,
        rollout: &Rollout,
    ) -> Result<OnTrial, Refusal> {
        let shadow = self.shadow(name, entry, &candidate.component, rollout)?;
        let trial = OnTrial { live: candidate, choice: Arc::new(rollout.choice()), shadow };
        let begun = trial.clone();
        self.change_entry(name, |entry| entry.trial = Some(trial)).await?;
        Ok(begun)
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

    /// Serves others with the release on trial than until now.
    pub(super) async fn share_trial(&self, name: &str, choice: Choice) -> Result<(), Refusal> {
        self.change_entry(name, |entry| {
            if let Some(trial) = &mut entry.trial {
                trial.choice = Arc::new(choice);
            }
        })
        .await
    }

    /// Serves all with one of the two. The other stays ready for `keep` if it was live.
    pub(super) async fn end_trial(
        &self,
        name: &str,
        winner: Arm,
        keep: Option<Duration>,
    ) -> Result<(), Refusal> {
        self.change_entry(name, |entry| {
            let Some(trial) = entry.trial.take() else { return };
            if winner == Arm::Candidate {
                let before = entry.live.replace(trial.live);
                entry.kept = keep.zip(before).map(|(keep, live)| Kept::until(live, keep));
            }
        })
        .await
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

    /// The release with this digest, if it is kept ready.
    pub(super) fn ready(entry: &Entry, digest: &Digest) -> Option<Live> {
        let kept = entry.kept.as_ref().filter(|kept| kept.live.component.digest == *digest)?;
        Some(kept.live.clone())
    }

    /// Lets go of releases that were kept ready long enough.
    pub(super) async fn release_kept(&self) {
        let now = Instant::now();
        for entry in self.0.state.lock().await.plugins.values_mut() {
            entry.kept.take_if(|kept| kept.until <= now);
        }
    }

    /// Changes one plugin, and puts the next snapshot in force.
    async fn change_entry(&self, name: &str, change: impl FnOnce(&mut Entry)) -> Result<(), Refusal> {
        let mut state = self.0.state.lock().await;
        let mut next = state.plugins.get(name).cloned().ok_or_else(|| unknown(name))?;
        change(&mut next);
        let before = state.plugins.insert(name.to_owned(), next);
        let published = self.publish(&mut state);
        if let (Err(_), Some(before)) = (&published, before) {
            state.plugins.insert(name.to_owned(), before);
        }
        published
    }
}
