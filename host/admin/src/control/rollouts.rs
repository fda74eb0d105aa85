//! Rollouts as they are driven: a new release begins, both releases' figures are compared, and what follows is recorded and put
//! in force.
//!
//! **Invariant:** a transition is in the database before requests see it; whoever makes one holds `change`.

mod driven;
mod metrics;
mod resume;
mod view;
mod wish;

use std::time::Duration;

use bytes::Bytes;
use ostler_core::rollout::{RolloutSpec, Strategy};
use ostler_release::NewRelease;
use ostler_release::rollout::{Arm, Event, Rollout, State};
use ostler_services::Clock;

use super::entry::{Entry, Live, OnTrial};
use super::{Control, Refusal};

pub(super) use driven::Rollouts;
pub(crate) use view::RolloutView;
pub(crate) use wish::Wish;

use driven::Driven;

/// How often it is looked whether anything is due.
const TICK: Duration = Duration::from_millis(100);

/// A release that is to take over.
pub(super) struct Incoming<'a> {
    pub(super) live: Live,
    pub(super) release: NewRelease,
    pub(super) component: Bytes,
    pub(super) spec: RolloutSpec,
    /// Who deploys it, and why.
    pub(super) by: (&'a str, &'a str),
}

impl Control {
    /// Drives all rollouts, for ever.
    pub async fn drive_rollouts(self) {
        let mut interval = tokio::time::interval(TICK);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            for name in self.0.rollouts.names() {
                if let Err(error) = self.tick(&name).await {
                    tracing::error!(plugin = name, %error, "a rollout cannot go on; it is tried again");
                }
            }
        }
    }

    /// Records a release and lets it take over in its way. Whether it is new to the plugin, and the rollout.
    pub(super) async fn roll_out(
        &self,
        name: &str,
        entry: Entry,
        incoming: Incoming<'_>,
    ) -> Result<(bool, Rollout), Refusal> {
        self.may_begin(name)?;
        let Incoming { live, release, component, spec, by } = incoming;
        let before = entry.live.clone();
        let digests = (before.as_ref().map(|live| live.component.digest), live.component.digest);
        let recorded = self.0.registry.record(name, release, component).await?;
        let (rollout, event) = Rollout::begin(name, digests, spec, Clock::default().now_ms(), by);
        let rollout = self.0.registry.begin_rollout(rollout, event.clone()).await?;
        match before {
            Some(before) if rollout.ended_at_ms.is_none() => {
                let trial = self.begin_trial(name, &entry, live, &rollout).await?;
                self.0.rollouts.insert(Driven::new(rollout.clone(), &before, &trial));
            }
            before => {
                let kept = match rollout.spec.strategy {
                    Strategy::BlueGreen => {
                        before.map(|live| super::entry::Kept::until(live, rollout.spec.keep))
                    }
                    _ => None,
                };
                self.go_live(name, Entry { live: Some(live), trial: None, kept, ..entry }).await?;
            }
        }
        self.tell(&rollout, &event);
        Ok((recorded.new, rollout))
    }

    /// One release at a time takes over.
    pub(super) fn may_begin(&self, name: &str) -> Result<(), Refusal> {
        match self.0.rollouts.get(name) {
            None => Ok(()),
            Some(_) => Err(ostler_release::Error::RolloutUnderWay { plugin: name.to_owned() }.into()),
        }
    }

    /// Compares, if it is time to, and does what follows.
    async fn tick(&self, name: &str) -> Result<(), Refusal> {
        let now = Clock::default().now_ms();
        if !self.0.rollouts.get(name).is_some_and(|driven| driven.is_due(now)) {
            return Ok(());
        }
        let _change = self.0.change.lock().await;
        let Some(mut driven) = self.0.rollouts.get(name) else { return Ok(()) };
        let entry = self.0.state.lock().await.plugins.get(name).cloned();
        let mut rollout = driven.rollout.clone();
        let event = match stands(entry.as_ref(), &rollout) {
            Ok((stable, trial)) => {
                driven.follow(stable, trial);
                let (requests, verdict) = driven.check(now);
                rollout.tick(now, requests, Some(&verdict))
            }
            Err(why) => rollout.abort(now, ostler_release::rollout::HOST, why).ok(),
        };
        self.0.rollouts.insert(driven);
        match event {
            Some(event) => self.put_in_force(rollout, event).await,
            None => Ok(()),
        }
    }

    /// Records a transition, and shows it to requests.
    pub(super) async fn put_in_force(&self, rollout: Rollout, event: Event) -> Result<(), Refusal> {
        let name = rollout.plugin.clone();
        match self.0.registry.save_rollout(rollout.clone(), event.clone()).await {
            // It is gone with its plugin.
            Err(ostler_release::Error::NoRollout { .. }) => {
                self.0.rollouts.remove(&name);
                return Ok(());
            }
            saved => saved?,
        }
        let shown = match rollout.state {
            State::Running | State::Holding | State::Paused => {
                self.share_trial(&name, rollout.choice()).await
            }
            State::Promoted => self.end_trial(&name, Arm::Candidate, Some(rollout.spec.keep)).await,
            State::Aborted | State::Withdrawn | State::Superseded => {
                self.end_trial(&name, Arm::Stable, None).await
            }
        };
        self.0.rollouts.moved(&rollout);
        self.tell(&rollout, &event);
        match shown {
            Err(Refusal::NotFound(_)) => Ok(()),
            shown => shown,
        }
    }

    /// A line for operators, and a count.
    fn tell(&self, rollout: &Rollout, event: &Event) {
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
