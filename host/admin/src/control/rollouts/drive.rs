//! The loop that drives rollouts: what is due is checked, and what could not be resumed is tried again.
//!
//! **Invariant:** whatever happens to one plugin's rollout, those of all others are driven.

use std::time::{Duration, Instant};

use ostler_release::Error;
use ostler_release::rollout::HOST;
use ostler_services::Clock;

use super::driven::Driven;
use super::stands;
use crate::control::{Control, Refusal};

/// How often it is looked whether anything is due.
const TICK: Duration = Duration::from_millis(100);

/// How often it is looked for rollouts that are recorded and not driven.
const RESUME: Duration = Duration::from_secs(10);

impl Control {
    /// Drives all rollouts, for ever.
    pub async fn drive_rollouts(self) {
        let kept = self.clone();
        tokio::spawn(async move { kept.keep_again().await });
        let mut interval = tokio::time::interval(TICK);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut resuming, mut resumed) = (tokio::spawn(async {}), Instant::now());
        loop {
            interval.tick().await;
            let now = Clock::default().now_ms();
            for name in self.0.rollouts.due(now) {
                self.tick_alone(name).await;
            }
            if resumed.elapsed() >= RESUME && resuming.is_finished() {
                let control = self.clone();
                resuming = tokio::spawn(async move { control.resume_rollouts().await });
                resumed = Instant::now();
            }
            self.0.rollouts.driven_at(Clock::default().now_ms());
        }
    }

    /// As a task of its own, so that a panic ends that alone.
    async fn tick_alone(&self, name: String) {
        let (control, plugin) = (self.clone(), name.clone());
        match tokio::spawn(async move { control.tick(&plugin).await }).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(plugin = name, %error, "a rollout cannot go on; it is tried again");
            }
            Err(panic) => tracing::error!(plugin = name, %panic, "a check of a rollout panicked"),
        }
    }

    /// Compares, if it is time to, and does what follows.
    pub(super) async fn tick(&self, name: &str) -> Result<(), Refusal> {
        let _change = self.0.change.lock().await;
        let now = Clock::default().now_ms();
        let Some(mut driven) = self.0.rollouts.take_turn(name, now) else { return Ok(()) };
        if driven.rollout.ended_at_ms.is_some() {
            return self.save_again(driven).await;
        }
        let entry = self.0.state.lock().await.plugins.get(name).cloned();
        let mut rollout = driven.rollout.clone();
        let event = match stands(entry.as_ref(), &rollout) {
            Ok((stable, trial)) => {
                driven.follow(stable, trial, now);
                let requests = driven.check();
                rollout.tick(now, requests, driven.verdict.as_deref())
            }
            Err(why) => rollout.abort(now, HOST, why).ok(),
        };
        self.0.rollouts.insert(driven.clone());
        match event {
            Some(event) => self.put_in_force(rollout, event).await,
            None => self.save_again(driven).await,
        }
    }

    /// Records what could not be recorded when it happened.
    async fn save_again(&self, driven: Driven) -> Result<(), Refusal> {
        let Driven { rollout, unsaved, .. } = driven;
        if unsaved.is_empty() {
            return Ok(());
        }
        match self.0.registry.save_rollout(rollout.clone(), unsaved).await {
            Ok(()) => {
                tracing::info!(plugin = rollout.plugin, "what became of the rollout is recorded now");
                self.0.rollouts.moved(&rollout, Vec::new(), Clock::default().now_ms());
                Ok(())
            }
            // It is gone with its plugin, and nothing is left to tell of it.
            Err(Error::NoRollout { .. }) => {
                self.0.rollouts.remove(&rollout.plugin);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}
