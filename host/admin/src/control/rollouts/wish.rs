//! What people ask of a rollout: that it stays, goes on, is through, or is given up.

use ostler_release::Error;
use ostler_release::rollout::{Event, NotNow, Rollout};
use ostler_services::Clock;

use super::{RolloutView, stands};
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

    fn apply(self, rollout: &mut Rollout, (who, why): (&str, &str)) -> Result<Event, NotNow> {
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
    /// Does what `by` asks, and why, of the plugin's rollout: that of number `id`, if one is given.
    pub(crate) async fn steer(
        &self,
        name: &str,
        id: Option<i64>,
        wish: Wish,
        by: (&str, &str),
    ) -> Result<RolloutView, Refusal> {
        let _change = self.0.change.lock().await;
        let rollout = self.under_way(name).await?;
        if let Some(id) = id.filter(|id| *id != rollout.id) {
            let now = rollout.id;
            return Err(Refusal::Conflict(format!(
                "rollout {id} of plugin {name} is not under way; {now} is"
            )));
        }
        self.grant(rollout, wish, by).await?;
        self.rollout(name).await
    }

    /// Does what is asked of a rollout under way; whoever calls this holds `change`. All but its end needs both releases.
    pub(in crate::control) async fn grant(
        &self,
        mut rollout: Rollout,
        wish: Wish,
        by: (&str, &str),
    ) -> Result<(), Refusal> {
        if wish != Wish::Abort {
            let entry = self.entry(&rollout.plugin).await?;
            stands(Some(&entry), &rollout).map_err(|why| Refusal::Conflict(why.to_owned()))?;
        }
        let event = wish.apply(&mut rollout, by).map_err(Error::from)?;
        self.put_in_force(rollout, event).await
    }

    /// What is recorded decides, so that one which could not be resumed can be given up as well; but for an end that is yet to
    /// be recorded.
    async fn under_way(&self, name: &str) -> Result<Rollout, Refusal> {
        self.entry(name).await?;
        let rollout = match self.0.rollouts.get(name) {
            Some(driven) => Some(driven.rollout),
            None => self.0.registry.rollout_under_way(name)?,
        };
        Ok(rollout.ok_or_else(|| Error::NoRollout { plugin: name.to_owned() })?)
    }
}
