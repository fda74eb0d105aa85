//! What the API shows of rollouts.

use ostler_core::rollout::Strategy;
use ostler_release::ROLLOUTS;
use ostler_release::analysis::{ArmReport, Report, Sample, Verdict, report, report_of_share};
use ostler_release::rollout::{Event, Rollout};
use serde::Serialize;
use serde_json::Value;

use super::driven::Driven;
use crate::control::{Control, Refusal};

/// The event of a rollback, which comes after the end.
const ROLLED_BACK: &str = "rolled-back";

/// A rollout, with all that happened to it.
#[derive(Debug, Serialize)]
pub(crate) struct RolloutView {
    plugin: String,
    /// Number that tells it apart.
    id: i64,
    strategy: &'static str,
    state: &'static str,
    /// Digest of the release that was live when it began.
    stable: Option<String>,
    candidate: String,
    /// Of the new release, as `5%`; of a shadow, of the requests that are copied.
    share: String,
    /// From 1.
    step: usize,
    steps: usize,
    step_since_ms: i64,
    /// Requests that the new release has answered in this step, and how many it takes; while under way.
    requests: Option<u64>,
    min_requests: u64,
    failed_checks: u32,
    started_at_ms: i64,
    ended_at_ms: Option<i64>,
    spec: Value,
    /// What both have done in this step; while under way.
    figures: Option<Vec<ArmReport>>,
    /// The last check of this step.
    check: Option<Verdict>,
    /// How the copies' answers differ, of a shadow: so far, or until it ended.
    shadow: Option<Value>,
    /// What an A/B comparison has shown: so far, or until it ended.
    report: Option<Value>,
    /// When a rollback took the new release back after all.
    rolled_back_at_ms: Option<i64>,
    /// All that happened to it; left out of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<Vec<Event>>,
}

impl Control {
    /// The plugin's rollout under way, else the one that ended last.
    pub(crate) async fn rollout(&self, name: &str) -> Result<RolloutView, Refusal> {
        self.entry(name).await?;
        if let Some(driven) = self.0.rollouts.get(name) {
            return self.rollout_shown(&driven.rollout, Some(&driven));
        }
        let none = || Refusal::NotFound(format!("plugin {name} has had no rollout yet"));
        let rollout = self.0.registry.latest_rollout(name)?.ok_or_else(none)?;
        self.rollout_shown(&rollout, None)
    }

    /// The plugin's rollout of this number, as long as it is kept.
    pub(crate) async fn rollout_of(&self, name: &str, id: i64) -> Result<RolloutView, Refusal> {
        self.entry(name).await?;
        if let Some(driven) = self.0.rollouts.get(name).filter(|driven| driven.rollout.id == id) {
            return self.rollout_shown(&driven.rollout, Some(&driven));
        }
        let kept = self.0.registry.rollouts(name, ROLLOUTS + 1)?;
        let none =
            || Refusal::NotFound(format!("plugin {name} has no rollout {id}, or it is not kept any more"));
        self.rollout_shown(kept.iter().find(|rollout| rollout.id == id).ok_or_else(none)?, None)
    }

    /// The plugin's rollouts, at most `limit`, the latest first, without their events.
    pub(crate) async fn rollouts(&self, name: &str, limit: usize) -> Result<Vec<RolloutView>, Refusal> {
        self.entry(name).await?;
        let rollouts = self.0.registry.rollouts(name, limit)?;
        let driven = self.0.rollouts.get(name);
        let of = |rollout: &Rollout| driven.as_ref().filter(|driven| driven.rollout.id == rollout.id);
        let shown = |rollout: &Rollout| {
            let driven = of(rollout);
            let now = driven.map_or(rollout, |driven| &driven.rollout);
            Ok(RolloutView { events: None, ..self.rollout_shown(now, driven)? })
        };
        rollouts.iter().map(shown).collect()
    }

    fn rollout_shown(&self, rollout: &Rollout, driven: Option<&Driven>) -> Result<RolloutView, Refusal> {
        let window = driven.map(Driven::window);
        let shown = window.as_ref().map(|[stable, candidate]| compared(rollout, stable, candidate));
        let mut events = self.0.registry.rollout_events(rollout.id)?;
        events.extend(driven.into_iter().flat_map(|driven| driven.unsaved.clone()));
        let so_far = driven.and_then(Driven::findings);
        let found = |what| match &so_far {
            Some(found) => found.get(what).cloned(),
            None => events.iter().rev().find_map(|event| event.evidence.as_ref()?.get(what).cloned()),
        };
        let (shadow, report) = (found("shadow"), found("report"));
        Ok(RolloutView {
            plugin: rollout.plugin.clone(),
            id: rollout.id,
            strategy: rollout.spec.strategy.as_str(),
            state: rollout.state.as_str(),
            stable: rollout.stable.map(|digest| digest.to_string()),
            candidate: rollout.candidate.to_string(),
            share: rollout.share().to_string(),
            step: rollout.step + 1,
            steps: rollout.spec.step_count(),
            step_since_ms: rollout.step_since_ms,
            requests: window.map(|[_, candidate]| candidate.requests()),
            min_requests: rollout.spec.min_requests,
            failed_checks: rollout.failures,
            started_at_ms: rollout.started_at_ms,
            ended_at_ms: rollout.ended_at_ms,
            spec: rollout.spec.to_json(),
            figures: shown.map(|report| report.arms),
            check: driven.and_then(|driven| driven.verdict.as_deref().cloned()),
            shadow,
            report,
            rolled_back_at_ms: events
                .iter()
                .rev()
                .find(|event| event.what == ROLLED_BACK)
                .map(|event| event.at_ms),
            events: Some(events),
        })
    }
}

/// Rules send requests to one of the two whatever its share, so that only without them a share is to be expected.
pub(super) fn compared(rollout: &Rollout, stable: &Sample, candidate: &Sample) -> Report {
    match rollout.spec.rules.is_empty() && rollout.spec.strategy == Strategy::Ab {
        true => report_of_share(stable, candidate, rollout.share()),
        false => report(stable, candidate),
    }
}
