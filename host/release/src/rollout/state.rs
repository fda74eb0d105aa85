//! One rollout, from its beginning to its end: pure, with the time given to it, so that whoever drives it can be tested by hand.
//!
//! **Invariant:** a release gets a greater share only after a check of this step has passed; too little traffic never does that.

use ostler_core::Digest;
use ostler_core::rollout::{RolloutSpec, Share, Strategy};
use serde::Serialize;
use serde_json::Value;

use super::choice::Choice;
use super::hash::xxh64;
use crate::analysis::Verdict;

/// Who does what nobody asked for: the host itself.
pub const HOST: &str = "host";

/// Requests that must have come since a failed check for another one to count, or a tenth of those before if that is more.
const TELLING: u64 = 20;

/// A release that takes over from another, or tried to.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollout {
    /// Number in the database; 0 until it is recorded.
    pub id: i64,
    /// Name of the plugin.
    pub plugin: String,
    /// The release that was live when it began; none for a plugin's first.
    pub stable: Option<Digest>,
    /// The new release.
    pub candidate: Digest,
    /// How it takes over.
    pub spec: RolloutSpec,
    /// Where it stands.
    pub state: State,
    /// Step of a canary, from 0.
    pub step: usize,
    /// When the step began, in Unix milliseconds.
    pub step_since_ms: i64,
    /// Checks that failed so far.
    pub failures: u32,
    /// Requests that the new release had answered in this step at its last failed check. Not recorded, as they are not.
    pub failed_at: u64,
    /// In Unix milliseconds.
    pub started_at_ms: i64,
    /// In Unix milliseconds; none while it is under way.
    pub ended_at_ms: Option<i64>,
    /// What this version does not understand of its record, which another one wrote. Then it serves nobody and may only end.
    pub flaw: Option<String>,
}

/// Where a rollout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It goes on by itself.
    Running,
    /// Its step would be over, were there more requests.
    Holding,
    /// Somebody stopped it at its step.
    Paused,
    /// The new release is live.
    Promoted,
    /// Somebody gave it up.
    Aborted,
    /// It failed its checks.
    Withdrawn,
    /// Another release became live.
    Superseded,
}

/// A transition, as it is recorded.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// In Unix milliseconds.
    pub at_ms: i64,
    /// Who did it: a name that the operator gave, or [`HOST`].
    pub who: String,
    /// What: `begun`, `step`, `check-failed`, or the name of the state that it led to.
    pub what: String,
    /// Why, for people.
    pub why: String,
    /// What it is founded on.
    pub evidence: Option<Value>,
}

/// Why somebody's wish cannot be met.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the rollout is {}; it cannot be {wish}", .state.as_str())]
pub struct NotNow {
    /// Where it stands.
    pub state: State,
    /// What was asked for.
    pub wish: &'static str,
}

impl State {
    /// All of them, by name.
    pub const ALL: [State; 7] = [
        State::Running,
        State::Holding,
        State::Paused,
        State::Promoted,
        State::Aborted,
        State::Withdrawn,
        State::Superseded,
    ];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Holding => "holding",
            State::Paused => "paused",
            State::Promoted => "promoted",
            State::Aborted => "aborted",
            State::Withdrawn => "withdrawn",
            State::Superseded => "superseded",
        }
    }

    /// Whether nothing follows.
    pub const fn is_end(self) -> bool {
        !matches!(self, State::Running | State::Holding | State::Paused)
    }
}

impl Rollout {
    /// One that begins now, with the event that says so. What is to be live at once is promoted already.
    pub fn begin(
        plugin: &str,
        releases: (Option<Digest>, Digest),
        spec: RolloutSpec,
        now_ms: i64,
        (who, why): (&str, &str),
    ) -> (Self, Event) {
        let (stable, candidate) = releases;
        let spec = RolloutSpec { strategy: strategy(&spec, stable, candidate), ..spec };
        let at_once = matches!(spec.strategy, Strategy::Instant | Strategy::BlueGreen);
        let rollout = Rollout {
            id: 0,
            plugin: plugin.to_owned(),
            stable,
            candidate,
            state: if at_once { State::Promoted } else { State::Running },
            step: if at_once { spec.step_count() - 1 } else { 0 },
            spec,
            step_since_ms: now_ms,
            failures: 0,
            failed_at: 0,
            started_at_ms: now_ms,
            ended_at_ms: at_once.then_some(now_ms),
            flaw: None,
        };
        let what = if at_once { "promoted" } else { "begun" };
        (rollout, event(now_ms, who, what, why))
    }

    /// Requests of the new release now; of a shadow, those that are copied to it.
    pub fn share(&self) -> Share {
        match self.state {
            State::Running | State::Holding | State::Paused if self.flaw.is_some() => Share::NONE,
            State::Running | State::Holding | State::Paused => self.spec.share_at(self.step),
            State::Promoted => Share::ALL,
            State::Aborted | State::Withdrawn | State::Superseded => Share::NONE,
        }
    }

    /// How requests are divided now. The same after a restart, and on every host where the same release takes over from the
    /// same one.
    pub fn choice(&self) -> Choice {
        let stable = self.stable.unwrap_or(self.candidate);
        Choice::new(&self.spec, self.salt(), self.share(), [stable, self.candidate])
    }

    /// Tells rollouts of other releases from this one, so that not the same subjects are the first of each.
    pub fn salt(&self) -> u64 {
        let stable = self.stable.map_or(0, |stable| xxh64(&stable.bytes(), 0));
        xxh64(&self.candidate.bytes(), stable)
    }

    /// What follows from the time, from the `requests` that the new release has answered in this step, and from a check if
    /// one was made. At most one transition: the next one is for the next call.
    pub fn tick(&mut self, now_ms: i64, requests: u64, check: Option<&Verdict>) -> Option<Event> {
        // What serves nobody, or what is looked at by people, nothing is to be taken back of.
        if self.state.is_end() || self.spec.strategy != Strategy::Canary {
            return None;
        }
        if let Some(check) = check.filter(|check| check.failed() && self.tells_more(requests)) {
            return Some(self.failed(now_ms, requests, check));
        }
        let passed_ms = now_ms.saturating_sub(self.step_since_ms);
        let is_time = u128::try_from(passed_ms).is_ok_and(|passed| passed >= self.spec.interval.as_millis());
        if self.state == State::Paused || !is_time {
            return None;
        }
        match check {
            Some(check @ Verdict::Pass { .. }) if requests >= self.spec.min_requests => {
                Some(self.advance(now_ms, check))
            }
            None if requests >= self.spec.min_requests => None,
            _ => self.hold(now_ms, requests, check),
        }
    }

    /// Stays at its step. Checks go on, and may withdraw it.
    pub fn pause(&mut self, now_ms: i64, who: &str, why: &str) -> Result<Event, NotNow> {
        self.may("paused", !self.state.is_end() && self.state != State::Paused)?;
        self.state = State::Paused;
        Ok(event(now_ms, who, "paused", why))
    }

    /// Goes on; the step begins anew.
    pub fn resume(&mut self, now_ms: i64, who: &str, why: &str) -> Result<Event, NotNow> {
        self.may("resumed", self.state == State::Paused)?;
        (self.state, self.step_since_ms, self.failed_at) = (State::Running, now_ms, 0);
        Ok(event(now_ms, who, "resumed", why))
    }

    /// Makes the new release live, whatever its step.
    pub fn promote(&mut self, now_ms: i64, who: &str, why: &str) -> Result<Event, NotNow> {
        self.may("promoted", !self.state.is_end())?;
        Ok(self.end(State::Promoted, event(now_ms, who, "promoted", why)))
    }

    /// Gives the new release up.
    pub fn abort(&mut self, now_ms: i64, who: &str, why: &str) -> Result<Event, NotNow> {
        self.may("aborted", !self.state.is_end())?;
        Ok(self.end(State::Aborted, event(now_ms, who, "aborted", why)))
    }

    /// Ends since a third release becomes live.
    pub fn supersede(&mut self, now_ms: i64, who: &str, why: &str) -> Result<Event, NotNow> {
        self.may("superseded", !self.state.is_end())?;
        Ok(self.end(State::Superseded, event(now_ms, who, "superseded", why)))
    }

    fn may(&self, wish: &'static str, possible: bool) -> Result<(), NotNow> {
        if possible { Ok(()) } else { Err(NotNow { state: self.state, wish }) }
    }

    /// Whether a failed check is more than the one before, whose requests it counts as well. Fewer than then: they are counted
    /// anew, which they are when the plugin's definition has changed.
    fn tells_more(&self, requests: u64) -> bool {
        let more = (self.failed_at / 10).max(TELLING);
        self.failed_at == 0 || requests < self.failed_at || requests - self.failed_at >= more
    }

    fn failed(&mut self, now_ms: i64, requests: u64, check: &Verdict) -> Event {
        (self.failures, self.failed_at) = (self.failures.saturating_add(1), requests);
        let of = self.spec.analysis.failures;
        let evidence = evidence(check);
        if self.failures < of {
            let why = format!("check {} of {of} that may not fail: {}", self.failures, check.why());
            return Event { evidence, ..event(now_ms, HOST, "check-failed", &why) };
        }
        let event = event(now_ms, HOST, "withdrawn", &check.why());
        self.end(State::Withdrawn, Event { evidence, ..event })
    }

    fn advance(&mut self, now_ms: i64, check: &Verdict) -> Event {
        let evidence = evidence(check);
        if self.step + 1 >= self.spec.step_count() {
            let event = event(now_ms, HOST, "promoted", &format!("the last step is over: {}", check.why()));
            return self.end(State::Promoted, Event { evidence, ..event });
        }
        self.step += 1;
        (self.state, self.step_since_ms, self.failed_at) = (State::Running, now_ms, 0);
        let why = format!("{} from now on: {}", self.share(), check.why());
        Event { evidence, ..event(now_ms, HOST, "step", &why) }
    }

    /// Says once that it waits for traffic.
    fn hold(&mut self, now_ms: i64, requests: u64, check: Option<&Verdict>) -> Option<Event> {
        if self.state == State::Holding {
            return None;
        }
        self.state = State::Holding;
        let least = self.spec.min_requests;
        let why = match check {
            Some(check) if requests >= least => check.why(),
            _ => format!("{requests} requests in this step, and it takes {least}"),
        };
        let evidence = check.and_then(evidence);
        Some(Event { evidence, ..event(now_ms, HOST, "holding", &why) })
    }

    fn end(&mut self, state: State, event: Event) -> Event {
        (self.state, self.ended_at_ms) = (state, Some(event.at_ms));
        event
    }
}

/// How a release takes over that is to do so by `spec`. Where there is nothing to compare it with, it is live at once.
fn strategy(spec: &RolloutSpec, stable: Option<Digest>, candidate: Digest) -> Strategy {
    match stable {
        // A plugin's first release, or the live one once more.
        None => Strategy::Instant,
        Some(stable) if stable == candidate => Strategy::Instant,
        Some(_) if spec.strategy == Strategy::Canary && spec.share_at(0) == Share::ALL => Strategy::BlueGreen,
        Some(_) => spec.strategy,
    }
}

/// A check with all that was compared, as it is kept.
fn evidence(check: &Verdict) -> Option<Value> {
    serde_json::to_value(check).ok()
}

fn event(at_ms: i64, who: &str, what: &str, why: &str) -> Event {
    Event { at_ms, who: who.to_owned(), what: what.to_owned(), why: why.to_owned(), evidence: None }
}

#[cfg(test)]
mod tests;
