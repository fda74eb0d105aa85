//! What is recorded of rollouts.

use ostler_core::rollout::{Share, Strategy};
use ostler_services::Database;
use serde_json::json;
use tempfile::{TempDir, tempdir};

use super::*;
use crate::NewRelease;
use crate::analysis::Verdict;
use crate::registry::tests::make_live;

/// A plugin with one release live and one recorded.
async fn fresh() -> (TempDir, Registry, [Digest; 2]) {
    let home = tempdir().unwrap();
    let registry = open(&home);
    let stable = registry.record("p", NewRelease::default(), "old".into()).await.unwrap();
    make_live(&registry, "p", stable.release.digest).await.unwrap();
    let candidate = registry.record("p", NewRelease::default(), "new".into()).await.unwrap();
    let digests = [stable.release.digest, candidate.release.digest];
    (home, registry, digests)
}

fn open(home: &TempDir) -> Registry {
    Registry::open(Database::open(home.path()).unwrap()).unwrap()
}

fn canary() -> RolloutSpec {
    RolloutSpec { strategy: Strategy::Canary, min_requests: 1, ..RolloutSpec::default() }
}

fn begin([stable, candidate]: [Digest; 2], spec: RolloutSpec) -> (Rollout, Event) {
    Rollout::begin("p", (Some(stable), candidate), spec, 1_000, ("anna", "v2"))
}

fn live(registry: &Registry) -> Digest {
    registry.live("p").unwrap().unwrap().digest
}

fn pass() -> Verdict {
    Verdict::Pass { checks: Vec::new() }
}

#[tokio::test]
async fn a_rollout_goes_on_after_a_restart_where_it_stood() {
    let (home, registry, digests) = fresh().await;
    let (rollout, event) = begin(digests, canary());
    let mut rollout = registry.begin_rollout(rollout, event).await.unwrap();
    let event = rollout.tick(90_000, 7, Some(&pass())).unwrap();
    registry.save_rollout(rollout.clone(), vec![event]).await.unwrap();
    let share = rollout.share();
    drop(registry);
    let registry = open(&home);
    let [resumed] = registry.rollouts_under_way().unwrap().try_into().unwrap();
    assert_eq!((&resumed, resumed.share()), (&rollout, share));
    assert_eq!(share, Share(5_000));
    let sample = |of: &Rollout| (0..100).map(|n| of.choice().takes(n << 57)).collect::<Vec<_>>();
    assert_eq!((resumed.salt(), sample(&resumed)), (rollout.salt(), sample(&rollout)));
    let told: Vec<_> = registry.rollout_events(resumed.id).unwrap();
    assert_eq!(told.iter().map(|event| event.what.as_str()).collect::<Vec<_>>(), ["begun", "step"]);
    assert_eq!((told[0].who.as_str(), told[0].why.as_str()), ("anna", "v2"));
    assert_eq!(
        (told[1].who.as_str(), &told[1].evidence),
        ("host", &Some(json!({ "verdict": "pass", "checks": [] })))
    );
    assert_eq!(live(&registry), digests[0]);
}

#[tokio::test]
async fn a_promotion_makes_the_release_live_in_the_same_transaction() {
    let (_home, registry, digests) = fresh().await;
    let (rollout, event) = begin(digests, canary());
    let mut rollout = registry.begin_rollout(rollout, event).await.unwrap();
    let event = rollout.promote(2_000, "anna", "urgent").unwrap();
    registry.save_rollout(rollout.clone(), vec![event.clone()]).await.unwrap();
    assert_eq!(live(&registry), digests[1]);
    assert_eq!(registry.rollouts_under_way().unwrap(), []);
    let told = registry.save_rollout(rollout, vec![event]).await.unwrap_err();
    assert!(matches!(told, Error::NoRollout { .. }), "what has ended does not change: {told}");
    let before = registry.rollback_target("p", None).unwrap();
    assert_eq!(before, digests[0]);
    let back = registry.roll_back("p", &before, ("ben", "slow"), None).await.unwrap();
    assert_eq!((back.digest, live(&registry)), (digests[0], digests[0]), "and can be rolled back");
}

#[tokio::test]
async fn a_release_that_is_live_at_once_is_one_rollout_that_has_ended() {
    let (_home, registry, digests) = fresh().await;
    let spec = RolloutSpec { strategy: Strategy::BlueGreen, ..RolloutSpec::default() };
    let (rollout, event) = begin(digests, spec);
    let rollout = registry.begin_rollout(rollout, event).await.unwrap();
    assert_eq!((live(&registry), rollout.ended_at_ms), (digests[1], Some(1_000)));
    assert_eq!(registry.latest_rollout("p").unwrap(), Some(rollout));
}

#[tokio::test]
async fn one_rollout_of_a_plugin_at_a_time() {
    let (_home, registry, digests) = fresh().await;
    let (rollout, event) = begin(digests, canary());
    let mut first = registry.begin_rollout(rollout.clone(), event.clone()).await.unwrap();
    let told = registry.begin_rollout(rollout.clone(), event.clone()).await.unwrap_err();
    assert!(matches!(told, Error::RolloutUnderWay { .. }), "{told}");
    assert_eq!(registry.rollout_events(first.id).unwrap().len(), 1, "what was refused left nothing");
    let told = registry.delete("p", &digests[1]).await.unwrap_err();
    assert!(matches!(told, Error::OnTrial { .. }), "{told}");
    let aborted = first.abort(2_000, "ben", "broken").unwrap();
    registry.save_rollout(first.clone(), vec![aborted]).await.unwrap();
    let second = registry.begin_rollout(rollout, event).await.unwrap();
    let listed: Vec<_> = registry.rollouts("p", 10).unwrap().iter().map(|rollout| rollout.id).collect();
    assert_eq!(listed[..2], [second.id, first.id], "the one under way first");
}

#[tokio::test]
async fn a_candidate_that_nobody_recorded_is_refused() {
    let (_home, registry, digests) = fresh().await;
    let (rollout, event) = begin([digests[0], Digest::of(b"stranger")], canary());
    let told = registry.begin_rollout(rollout, event).await.unwrap_err();
    assert!(matches!(told, Error::NoSuchRelease { .. }), "{told}");
    assert_eq!(registry.rollout_under_way("p").unwrap(), None);
}

#[tokio::test]
async fn history_is_bounded_and_goes_with_the_plugin() {
    let (_home, registry, digests) = fresh().await;
    let spec = RolloutSpec::default();
    for _ in 0..ROLLOUTS + 5 {
        let (rollout, event) = begin(digests, spec.clone());
        registry.begin_rollout(rollout, event).await.unwrap();
    }
    let (rollout, event) = begin(digests, canary());
    let mut rollout = registry.begin_rollout(rollout, event).await.unwrap();
    assert_eq!(registry.rollouts("p", usize::MAX).unwrap().len(), ROLLOUTS + 1);
    for now in 0..EVENTS as i64 + 20 {
        let event = match now % 2 {
            0 => rollout.pause(now, "anna", "").unwrap(),
            _ => rollout.resume(now, "anna", "").unwrap(),
        };
        registry.save_rollout(rollout.clone(), vec![event]).await.unwrap();
    }
    let events = registry.rollout_events(rollout.id).unwrap();
    assert_eq!((events.len(), events[0].what.as_str()), (EVENTS + 1, "begun"));
    assert_eq!(events.last().unwrap().at_ms, EVENTS as i64 + 19);
    registry.define("p", "{}").await.unwrap();
    registry.undefine("p").await.unwrap();
    assert_eq!(registry.rollouts("p", 10).unwrap(), []);
    assert_eq!(registry.rollout_events(rollout.id).unwrap(), []);
}

#[tokio::test]
async fn a_rollback_ends_the_rollout_under_way_in_the_same_transaction() {
    let (_home, registry, digests) = fresh().await;
    let (rollout, event) = begin(digests, canary());
    let mut rollout = registry.begin_rollout(rollout, event).await.unwrap();
    let third = registry.record("p", NewRelease::default(), "third".into()).await.unwrap().release.digest;
    let superseded = rollout.supersede(2_000, "anna", "neither").unwrap();
    let ending = Some((rollout.clone(), superseded));
    let told = registry.roll_back("p", &Digest::of(b"stranger"), ("anna", ""), ending.clone()).await;
    assert!(matches!(told, Err(Error::NoSuchRelease { .. })), "{told:?}");
    assert_eq!(registry.rollout_under_way("p").unwrap().unwrap().state, State::Running, "nothing changed");
    registry.roll_back("p", &third, ("anna", "neither"), ending).await.unwrap();
    assert_eq!((live(&registry), registry.rollout_under_way("p").unwrap()), (third, None));
    let what = |event: &Event| event.what.clone();
    let events: Vec<_> = registry.rollout_events(rollout.id).unwrap().iter().map(what).collect();
    assert_eq!(events, ["begun", "superseded", "rolled-back"]);
}

#[tokio::test]
async fn rollbacks_without_end_keep_a_bounded_record() {
    let (_home, registry, digests) = fresh().await;
    let (rollout, event) = begin(digests, RolloutSpec::default());
    let rollout = registry.begin_rollout(rollout, event).await.unwrap();
    for turn in 0..EVENTS + 20 {
        registry.roll_back("p", &digests[turn % 2], ("anna", ""), None).await.unwrap();
    }
    let events = registry.rollout_events(rollout.id).unwrap();
    assert_eq!((events.len(), events[0].what.as_str()), (EVENTS + 1, "promoted"));
    let last = live(&registry);
    registry.roll_back("p", &last, ("anna", "once more"), None).await.unwrap();
    let now = registry.rollout_events(rollout.id).unwrap();
    assert_eq!(now.last(), events.last(), "what changes nothing is no event");
}

#[tokio::test]
async fn what_a_later_version_recorded_is_told_and_serves_nobody() {
    let (_home, registry, digests) = fresh().await;
    let (rollout, event) = begin(digests, canary());
    registry.begin_rollout(rollout, event).await.unwrap();
    let write =
        |sql: &'static str| registry.database.write(move |tx| tx.execute_batch(sql).map_err(Error::from));
    for (sql, told) in [
        ("UPDATE rollout SET state = 'soaking', step = -3", "soaking"),
        ("UPDATE rollout SET state = 'running', spec = '{\"strategy\": \"soak\"}'", "soak"),
        ("UPDATE rollout SET spec = '{'", "no JSON"),
    ] {
        write(sql).await.unwrap();
        let [strange] = registry.rollouts_under_way().unwrap().try_into().unwrap();
        assert!(strange.flaw.clone().unwrap().contains(told), "{strange:?}");
        assert_eq!((strange.step, strange.share()), (0, Share::NONE));
    }
    let mut strange = registry.rollout_under_way("p").unwrap().unwrap();
    let event = strange.abort(3_000, "host", "not understood").unwrap();
    registry.save_rollout(strange, vec![event]).await.unwrap();
    assert_eq!(registry.rollout_under_way("p").unwrap(), None, "and it can be ended");
}
