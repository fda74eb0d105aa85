//! What people ask of a rollout: that it stays, goes on, is through, or is given up.

use ostler_core::Digest;
use ostler_release::Error;
use ostler_release::rollout::{Event, NotNow, Rollout};
use ostler_services::Clock;

use super::RolloutView;
use crate::control::{Control, Refusal};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// It stays at its step.
    Pause,
    /// It goes on.
    Resume,
    /// The new release becomes live.
    Promote,
    /// The new release is given up.
    Abort,
}

impl Wish {
    /// The wish of this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "pause" => Wish::Pause,
            "resume" => Wish::Resume,
            "promote" => Wish::Promote,
            "abort" => Wish::Abort,
            _ => return None,
        })
    }

    fn apply(self, rollout: &mut Rollout, who: &str, why: &str) -> Result<Event, NotNow> {
        let now = Clock::default().now_ms();
        match self {
            Wish::Pause => rollout.pause(now, who, why),
            Wish::Resume => rollout.resume(now, who, why),
            Wish::Promote => rollout.promote(now, who, why),
            Wish::Abort => rollout.abort(now, who, why),
        }
    }
}

impl Control {
    /// Does what `who` asks of the plugin's rollout; of no other than number `id`, if that is said.
    pub(crate) async fn steer(
        &self,
        name: &str,
        wish: Wish,
        id: Option<i64>,
        (who, why): (&str, &str),
    ) -> Result<RolloutView, Refusal> {
        let _change = self.0.change.lock().await;
        let mut rollout = self.under_way(name).await?;
        if let Some(id) = id.filter(|id| *id != rollout.id) {
            let now = rollout.id;
            return Err(Refusal::Conflict(format!("rollout {id} is not under way; rollout {now} is")));
        }
        let event = wish.apply(&mut rollout, who, why).map_err(Error::from)?;
        self.put_in_force(rollout, event).await?;
        self.rollout(name).await
    }

    async fn under_way(&self, name: &str) -> Result<Rollout, Refusal> {
        self.entry(name).await?;
        let driven = self.0.rollouts.get(name);
        Ok(driven.map(|driven| driven.rollout).ok_or_else(|| Error::NoRollout { plugin: name.to_owned() })?)
    }

    /// Ends the rollout under way, if there is one, since a rollback to `to` was asked for. Whether that is all there is to
    /// do, since the release that is live is the one to go back to.
    pub(in crate::control) async fn roll_back_from_rollout(
        &self,
        name: &str,
        to: Option<&Digest>,
        (who, why): (&str, &str),
    ) -> Result<bool, Refusal> {
        let Some(mut rollout) = self.0.rollouts.get(name).map(|driven| driven.rollout) else {
            return Ok(false);
        };
        let now = Clock::default().now_ms();
        let is_stable = to.is_none_or(|to| rollout.stable.as_ref() == Some(to));
        let event = match is_stable {
            true => rollout.abort(now, who, why),
            false => rollout.supersede(now, who, why),
        };
        self.put_in_force(rollout, event.map_err(Error::from)?).await?;
        Ok(is_stable)
    }
}
