//! Rollouts as they are driven: a new release begins, both releases' figures are compared, and what follows is recorded and put
//! in force.
//!
//! **Invariant:** a share that grows is in the database before requests see it; one that is taken back is taken back whether or
//! not that can be recorded. Whoever makes a transition holds `change`.

mod drive;
mod driven;
mod metrics;
mod resume;
mod view;
mod wish;

use bytes::Bytes;
use ostler_core::rollout::Strategy;
use ostler_release::NewRelease;
use ostler_release::rollout::{Event, Rollout, State};
use ostler_services::Clock;

use super::entry::{Entry, Kept, Live, OnTrial};
use super::prepared::Prepared;
use super::{Control, Refusal};

pub(super) use driven::Rollouts;
pub(crate) use view::RolloutView;
pub(crate) use wish::Wish;

use driven::Driven;

/// A release that is to take over.
pub(super) struct Incoming {
    pub(super) live: Live,
    pub(super) release: NewRelease,
    pub(super) component: Bytes,
    /// How, and that it begins.
    pub(super) rollout: Rollout,
    pub(super) event: Event,
}

impl Control {
    /// Records a release and lets it take over in its way. Whether it is new to the plugin, and the rollout.
    pub(super) async fn roll_out(
        &self,
        name: &str,
        entry: Entry,
        incoming: Incoming,
    ) -> Result<(bool, Rollout), Refusal> {
        self.may_begin(name)?;
        let Incoming { live, release, component, rollout, event } = incoming;
        let next = self.beginning(name, entry, live, &rollout)?;
        let side_by_side = next.live.clone().zip(next.trial.clone());
        let prepared = self.prepare_entry(name, next).await?;
        let recorded = self.0.registry.record(name, release, component).await?;
        let rollout = self.0.registry.begin_rollout(rollout, event.clone()).await?;
        self.put(prepared).await;
        if let Some((stable, trial)) = side_by_side {
            let now = Clock::default().now_ms();
            self.0.rollouts.insert(Driven::new(rollout.clone(), &stable, &trial, now));
        }
        self.tell(&rollout, &event);
        Ok((recorded.new, rollout))
    }

    /// The plugin as it stands once `rollout` of `candidate` has begun.
    fn beginning(
        &self,
        name: &str,
        entry: Entry,
        candidate: Live,
        rollout: &Rollout,
    ) -> Result<Entry, Refusal> {
        if rollout.ended_at_ms.is_none() {
            let trial = self.on_trial(name, &entry, candidate, rollout)?;
            return Ok(Entry { trial: Some(trial), ..entry });
        }
        let before = entry.live.filter(|_| rollout.spec.strategy == Strategy::BlueGreen);
        let kept = before.map(|live| Kept::until(live, rollout.spec.keep));
        Ok(Entry { live: Some(candidate), trial: None, kept, ..entry })
    }

    /// One release at a time takes over.
    pub(super) fn may_begin(&self, name: &str) -> Result<(), Refusal> {
        match self.0.registry.rollout_under_way(name)? {
            None => Ok(()),
            Some(_) => Err(ostler_release::Error::RolloutUnderWay { plugin: name.to_owned() }.into()),
        }
    }

    /// Records a transition, and shows it to requests.
    pub(super) async fn put_in_force(&self, rollout: Rollout, mut event: Event) -> Result<(), Refusal> {
        let driven = self.0.rollouts.get(&rollout.plugin).filter(|driven| driven.rollout.id == rollout.id);
        if rollout.ended_at_ms.is_some() {
            event.evidence = event.evidence.or_else(|| driven.as_ref()?.findings());
        }
        let prepared = self.next(&rollout).await?;
        let grows = driven.as_ref().is_none_or(|driven| driven.rollout.share() < rollout.share());
        let mut unsaved = driven.map(|driven| driven.unsaved).unwrap_or_default();
        unsaved.push(event.clone());
        let saved = self.0.registry.save_rollout(rollout.clone(), unsaved.clone()).await;
        match &saved {
            Ok(()) => unsaved.clear(),
            Err(_) if grows => return Ok(saved?),
            Err(_) => {}
        }
        self.put(prepared).await;
        self.0.rollouts.moved(&rollout, unsaved, Clock::default().now_ms());
        self.tell(&rollout, &event);
        saved.map_err(|error| {
            let what = &event.what;
            Refusal::Unavailable(format!(
                "{what}, but that cannot be recorded yet, which is tried again: {error}"
            ))
        })
    }

    /// The next state, in which requests are divided as `rollout` has it. One that ends may have lost its plugin.
    async fn next(&self, rollout: &Rollout) -> Result<Prepared, Refusal> {
        self.prepare(|state| match state.plugins.get_mut(&rollout.plugin) {
            Some(entry) => entry.stand_as(rollout),
            None if matches!(rollout.state, State::Aborted | State::Withdrawn) => Ok(()),
            None => Err(super::view::unknown(&rollout.plugin)),
        })
        .await
    }

    /// Gives up rollouts whose releases do not stand side by side any more, since a definition has changed.
    pub(super) async fn end_fallen(&self) {
        for Driven { rollout, .. } in self.0.rollouts.all() {
            let entry = self.0.state.lock().await.plugins.get(&rollout.plugin).cloned();
            if let Err(why) = stands(entry.as_ref(), &rollout) {
                self.give_up(rollout, why).await;
            }
        }
    }

    /// Ends a rollout that cannot go on; the live release serves all. Whoever calls this holds `change`.
    async fn give_up(&self, mut rollout: Rollout, why: &str) {
        let plugin = rollout.plugin.clone();
        let Ok(event) = rollout.abort(Clock::default().now_ms(), ostler_release::rollout::HOST, why) else {
            return;
        };
        if let Err(error) = self.put_in_force(rollout, event).await {
            tracing::error!(plugin, %error, "a rollout that cannot go on");
        }
    }

    /// A line for operators, and a count.
    pub(super) fn tell(&self, rollout: &Rollout, event: &Event) {
        self.0.rollouts.count(rollout);
        let (plugin, what, who, why) = (&rollout.plugin, &event.what, &event.who, &event.why);
        let (strategy, candidate) = (rollout.spec.strategy.as_str(), rollout.candidate.short());
        let share = rollout.share().to_string();
        match (rollout.state, what.as_str()) {
            (State::Withdrawn, _) | (_, "check-failed") => {
                let evidence = event.evidence.as_ref().map(ToString::to_string).unwrap_or_default();
                tracing::warn!(plugin, strategy, candidate, what, who, why, share, evidence, "rollout");
            }
            _ => tracing::info!(plugin, strategy, candidate, what, who, why, share, "rollout"),
        }
    }
}

/// The two releases, if they stand side by side as the rollout has it.
fn stands<'a>(entry: Option<&'a Entry>, rollout: &Rollout) -> Result<(&'a Live, &'a OnTrial), &'static str> {
    let entry = entry.ok_or("the plugin is gone")?;
    let stable = entry.live.as_ref().filter(|live| Some(live.component.digest) == rollout.stable);
    let stable = stable.ok_or("another release became live")?;
    let trial = entry.trial.as_ref().filter(|trial| trial.live.component.digest == rollout.candidate);
    let trial = trial.ok_or("the new release cannot run under the plugin's new definition")?;
    Ok((stable, trial))
}

#[cfg(test)]
mod tests;
