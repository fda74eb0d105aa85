//! Going back: to the release that was live before, to one by name, or out of a rollout.
//!
//! **Invariant:** what to go back to is found, compiled and ready before anything is given up for it.

use ostler_core::Digest;
use ostler_release::Error;
use ostler_release::rollout::{Event, Rollout};
use ostler_services::Clock;

use super::entry::{Entry, Live};
use super::view::unknown;
use super::{Control, Refusal, ReleaseView, Wish};

/// What a rollback comes to.
enum Aim {
    /// The rollout under way ends, and what that leaves live is what was asked for.
    End(Rollout, Wish),
    /// This release becomes live; the rollout under way ends for it.
    Release(Digest, Option<Rollout>),
}

impl Control {
    /// Goes back to the previous release, or to the named one.
    pub(crate) async fn rollback(
        &self,
        name: &str,
        to: Option<Digest>,
        by: (&str, &str),
    ) -> Result<ReleaseView, Refusal> {
        // Compiled while others may change things, and looked at again once nobody does.
        let entry = self.takes_uploads(name).await?;
        let ahead = match self.aim(name, to.as_ref())? {
            Aim::Release(target, _) if Self::running(&entry, &target).is_none() => {
                Some(self.recorded_component(name, target).await?)
            }
            _ => None,
        };
        let _change = self.0.change.lock().await;
        let entry = self.takes_uploads(name).await?;
        match self.aim(name, to.as_ref())? {
            Aim::End(rollout, wish) => self.grant(rollout, wish, by).await?,
            Aim::Release(target, under_way) => {
                let live = match Self::running(&entry, &target) {
                    Some(live) => live,
                    None => {
                        let component = ahead.filter(|component| component.digest == target);
                        let component = component.ok_or_else(|| {
                            Refusal::Conflict("another change came in between; try again".into())
                        })?;
                        self.link(name, &entry.definition.spec, component, entry.live.as_ref())?
                    }
                };
                let superseded = under_way.map(|rollout| superseded(rollout, by)).transpose()?;
                self.go_back(name, entry, live, superseded, by).await?;
            }
        }
        let live = self.0.registry.live(name)?;
        self.shown(name, live.ok_or_else(|| unknown(name))?)
    }

    fn aim(&self, name: &str, to: Option<&Digest>) -> Result<Aim, Refusal> {
        let under_way = self.0.registry.rollout_under_way(name)?;
        if let Some(rollout) = &under_way {
            if to.is_none_or(|to| rollout.stable.as_ref() == Some(to)) {
                return Ok(Aim::End(rollout.clone(), Wish::Abort));
            }
            if to == Some(&rollout.candidate) {
                return Ok(Aim::End(rollout.clone(), Wish::Promote));
            }
        }
        Ok(Aim::Release(self.0.registry.rollback_target(name, to)?, under_way))
    }

    /// The release with this digest, if it runs or is kept ready.
    fn running(entry: &Entry, digest: &Digest) -> Option<Live> {
        let kept = entry.kept.as_ref().map(|kept| &kept.live);
        entry.live.iter().chain(kept).find(|live| live.component.digest == *digest).cloned()
    }

    async fn go_back(
        &self,
        name: &str,
        entry: Entry,
        live: Live,
        superseded: Option<(Rollout, Event)>,
        by: (&str, &str),
    ) -> Result<(), Refusal> {
        let to = live.component.digest;
        let kept = entry.kept.clone().filter(|kept| kept.live.component.digest != to);
        let next = Entry { live: Some(live), trial: None, kept, ..entry };
        let prepared = self.prepare_entry(name, next).await?;
        self.0.registry.roll_back(name, &to, by, superseded.clone()).await?;
        self.put(prepared).await;
        if let Some((rollout, event)) = superseded {
            self.0.rollouts.remove(name);
            self.tell(&rollout, &event);
        }
        Ok(())
    }
}

fn superseded(mut rollout: Rollout, (who, why): (&str, &str)) -> Result<(Rollout, Event), Refusal> {
    let event = rollout.supersede(Clock::default().now_ms(), who, why).map_err(Error::from)?;
    Ok((rollout, event))
}
