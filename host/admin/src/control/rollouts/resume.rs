//! A start goes on with the rollouts that were under way: the same releases, the same step, the same subjects.

use ostler_core::Digest;
use ostler_core::rollout::Strategy;
use ostler_release::rollout::{HOST, Rollout, State};
use ostler_services::Clock;

use super::driven::Driven;
use crate::control::entry::{Entry, Kept, Live};
use crate::control::{Control, Refusal};

impl Control {
    /// Goes on with what was under way. One that cannot go on is aborted, and its plugin's live release serves all.
    pub(in crate::control) async fn resume_rollouts(&self) -> Result<(), Refusal> {
        let _change = self.0.change.lock().await;
        for rollout in self.0.registry.rollouts_under_way()? {
            let name = rollout.plugin.clone();
            if let Err(error) = self.resume(rollout.clone()).await {
                tracing::error!(plugin = name, %error, "the rollout under way cannot go on; it is aborted");
                let (mut rollout, now) = (rollout, Clock::default().now_ms());
                if let Ok(event) = rollout.abort(now, HOST, &error.to_string()) {
                    self.put_in_force(rollout, event).await?;
                }
            }
        }
        self.keep_again().await;
        Ok(())
    }

    async fn resume(&self, rollout: Rollout) -> Result<(), Refusal> {
        let name = rollout.plugin.clone();
        let entry = self.0.state.lock().await.plugins.get(&name).cloned();
        let gone = || Refusal::Conflict("the release that it takes over from is not live any more".into());
        let entry = entry.ok_or_else(gone)?;
        let stable = entry.live.clone().filter(|live| Some(live.component.digest) == rollout.stable);
        let stable = stable.ok_or_else(gone)?;
        let candidate = self.recorded_release(&name, &entry, rollout.candidate).await?;
        let trial = self.begin_trial(&name, &entry, candidate, &rollout).await?;
        let (step, share) = (rollout.step + 1, rollout.share().to_string());
        tracing::info!(plugin = name, step, share, "a rollout goes on where it stood");
        self.0.rollouts.insert(Driven::new(rollout, &stable, &trial));
        Ok(())
    }

    /// Makes releases ready again that were kept so when the host ended.
    async fn keep_again(&self) {
        let plugins: Vec<_> = self.0.state.lock().await.plugins.keys().cloned().collect();
        for name in plugins {
            if let Err(error) = self.keep_one_again(&name).await {
                tracing::warn!(plugin = name, %error, "the release before the live one cannot be kept ready");
            }
        }
    }

    async fn keep_one_again(&self, name: &str) -> Result<(), Refusal> {
        let Some(rollout) = self.0.registry.latest_rollout(name)? else { return Ok(()) };
        let kept = rollout.state == State::Promoted && rollout.spec.strategy != Strategy::Instant;
        let (Some(stable), Some(ended), true) = (rollout.stable, rollout.ended_at_ms, kept) else {
            return Ok(());
        };
        let age = u64::try_from(Clock::default().now_ms().saturating_sub(ended)).unwrap_or(0);
        let left = rollout.spec.keep.saturating_sub(std::time::Duration::from_millis(age));
        let entry = self.0.state.lock().await.plugins.get(name).cloned();
        let live = |entry: &Entry| entry.live.as_ref().map(|live| live.component.digest);
        let Some(entry) = entry.filter(|entry| live(entry) == Some(rollout.candidate) && !left.is_zero())
        else {
            return Ok(());
        };
        let kept = self.recorded_release(name, &entry, stable).await?;
        if let Some(entry) = self.0.state.lock().await.plugins.get_mut(name) {
            entry.kept = Some(Kept::until(kept, left));
        }
        Ok(())
    }

    /// A recorded release with places of its own.
    async fn recorded_release(&self, name: &str, entry: &Entry, digest: Digest) -> Result<Live, Refusal> {
        let bytes = self.0.registry.component(digest).await?;
        let (component, _) = self.compile(name, bytes).await?;
        self.candidate(name, entry, component)
    }
}
