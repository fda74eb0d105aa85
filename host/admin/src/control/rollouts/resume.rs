//! A start goes on with the rollouts that were under way: the same releases, the same step, the same subjects.

use std::time::Duration;

use ostler_core::Digest;
use ostler_core::rollout::Strategy;
use ostler_release::rollout::{Rollout, State};
use ostler_runtime::Component;
use ostler_services::Clock;

use super::driven::Driven;
use crate::control::entry::{Entry, Kept};
use crate::control::{Control, Refusal};

impl Control {
    /// Goes on with what is recorded as under way and is not driven. One that cannot go on is aborted, and its plugin's live
    /// release serves all; what may be possible later is tried again.
    pub(in crate::control) async fn resume_rollouts(&self) {
        let under_way = match self.0.registry.rollouts_under_way() {
            Ok(under_way) => under_way,
            Err(error) => {
                tracing::error!(%error, "the rollouts under way cannot be read; it is tried again");
                return;
            }
        };
        for rollout in under_way {
            let name = rollout.plugin.clone();
            if self.0.rollouts.get(&name).is_some() {
                continue;
            }
            match self.resume(&rollout).await {
                Ok(()) => {}
                Err(error @ Refusal::Unavailable(_)) => {
                    tracing::error!(plugin = name, %error, "the rollout under way cannot go on yet");
                }
                Err(error) => {
                    tracing::error!(plugin = name, %error, "the rollout under way cannot go on; it is aborted");
                    let _change = self.0.change.lock().await;
                    if self.waits(&rollout).unwrap_or(false) {
                        self.give_up(rollout, &error.to_string()).await;
                    }
                }
            }
        }
    }

    async fn resume(&self, rollout: &Rollout) -> Result<(), Refusal> {
        let name = &rollout.plugin;
        if let Some(flaw) = &rollout.flaw {
            let told = format!("another version began it, and this one does not understand {flaw}");
            return Err(Refusal::Conflict(told));
        }
        let component = self.recorded_component(name, rollout.candidate).await?;
        let _change = self.0.change.lock().await;
        if !self.waits(rollout)? {
            return Ok(());
        }
        let entry = self.0.state.lock().await.plugins.get(name).cloned();
        let gone = || Refusal::Conflict("the release that it takes over from is not live any more".into());
        let entry = entry.ok_or_else(gone)?;
        let stable = entry.live.clone().filter(|live| Some(live.component.digest) == rollout.stable);
        let stable = stable.ok_or_else(gone)?;
        let candidate = self.candidate(name, &entry, component)?;
        let trial = self.on_trial(name, &entry, candidate, rollout)?;
        let prepared = self.prepare_entry(name, Entry { trial: Some(trial.clone()), ..entry }).await?;
        self.put(prepared).await;
        let (step, share) = (rollout.step + 1, rollout.share().to_string());
        tracing::info!(plugin = name, step, share, "a rollout goes on where it stood");
        let now = Clock::default().now_ms();
        self.0.rollouts.insert(Driven::new(rollout.clone(), &stable, &trial, now));
        Ok(())
    }

    /// Whether it is under way still, and nobody drives it.
    fn waits(&self, rollout: &Rollout) -> Result<bool, Refusal> {
        let now = self.0.registry.rollout_under_way(&rollout.plugin)?;
        Ok(now.is_some_and(|now| now.id == rollout.id) && self.0.rollouts.get(&rollout.plugin).is_none())
    }

    /// Makes releases ready again that were kept so when the host ended.
    pub(super) async fn keep_again(&self) {
        let plugins: Vec<_> = self.0.state.lock().await.plugins.keys().cloned().collect();
        for name in plugins {
            if let Err(error) = self.keep_one_again(&name).await {
                tracing::warn!(plugin = name, %error, "the release before the live one cannot be kept ready");
            }
        }
    }

    async fn keep_one_again(&self, name: &str) -> Result<(), Refusal> {
        let Some((stable, candidate, until)) = self.kept_before(name)? else { return Ok(()) };
        let component = self.recorded_component(name, stable).await?;
        let _change = self.0.change.lock().await;
        let entry = self.0.state.lock().await.plugins.get(name).cloned();
        let is_live = |entry: &Entry| {
            let live = entry.live.as_ref().map(|live| live.component.digest);
            live == Some(candidate) && entry.kept.is_none()
        };
        let Some(entry) = entry.filter(is_live) else { return Ok(()) };
        let kept = self.candidate(name, &entry, component)?;
        let left = Duration::from_millis(u64::try_from(until - Clock::default().now_ms()).unwrap_or(0));
        if let Some(entry) = self.0.state.lock().await.plugins.get_mut(name) {
            entry.kept = Some(Kept::until(kept, left));
        }
        Ok(())
    }

    /// The release that was live before the plugin's last rollout and the one after it, and until when the former is to be kept
    /// ready (in Unix milliseconds), if it is.
    fn kept_before(&self, name: &str) -> Result<Option<(Digest, Digest, i64)>, Refusal> {
        let Some(rollout) = self.0.registry.latest_rollout(name)? else { return Ok(None) };
        let kept = rollout.state == State::Promoted && rollout.spec.strategy != Strategy::Instant;
        let (Some(stable), Some(ended), true) = (rollout.stable, rollout.ended_at_ms, kept) else {
            return Ok(None);
        };
        let until = ended.saturating_add(i64::try_from(rollout.spec.keep.as_millis()).unwrap_or(i64::MAX));
        Ok((until > Clock::default().now_ms()).then_some((stable, rollout.candidate, until)))
    }

    /// The component of a recorded release. Compiling takes seconds: whoever calls this does not hold `change`.
    pub(in crate::control) async fn recorded_component(
        &self,
        name: &str,
        digest: Digest,
    ) -> Result<Component, Refusal> {
        let bytes = self.0.registry.component(digest).await?;
        Ok(self.compile(name, bytes).await?.0)
    }
}
