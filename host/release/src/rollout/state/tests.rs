//! How rollouts go on and end.

use std::time::Duration;

use ostler_core::rollout::AnalysisSpec;

use super::*;

fn canary() -> Rollout {
    let spec = RolloutSpec {
        strategy: Strategy::Canary,
        steps: vec![Share(1_000), Share(50_000), Share::ALL],
        interval: Duration::from_secs(10),
        min_requests: 100,
        ..RolloutSpec::default()
    };
    begin(spec)
}

fn begin(spec: RolloutSpec) -> Rollout {
    let releases = (Some(Digest::of(b"old")), Digest::of(b"new"));
    Rollout::begin("p", releases, spec, 0, ("anna", "v2")).0
}

fn pass() -> Verdict {
    Verdict::Pass { checks: Vec::new() }
}

fn hold() -> Verdict {
    Verdict::Hold { missing: "the old release answered no request".into(), checks: Vec::new() }
}

fn fail() -> Verdict {
    let check = crate::analysis::Check {
        name: "errors".into(),
        stable: Some(0.0),
        candidate: Some(0.5),
        allowed: Some(0.0),
        at_least: Some(0.3),
        p: Some(1e-9),
        outcome: crate::analysis::Outcome::Fail,
        words: "half of them fail".into(),
    };
    Verdict::Fail { checks: vec![check] }
}

fn what(event: Option<Event>) -> String {
    event.map(|event| event.what).unwrap_or_default()
}

#[test]
fn a_good_release_gets_every_share_in_turn_and_is_live_in_the_end() {
    let (mut rollout, pass) = (canary(), pass());
    let mut seen = vec![(rollout.share(), rollout.state)];
    for second in 1..=30 {
        let told = what(rollout.tick(second * 1_000, 100, Some(&pass)));
        assert_eq!(told.is_empty(), second % 10 != 0, "at {second} s: {told}");
        if !told.is_empty() {
            seen.push((rollout.share(), rollout.state));
        }
    }
    let running = State::Running;
    let expected = [
        (Share(1_000), running),
        (Share(50_000), running),
        (Share::ALL, running),
        (Share::ALL, State::Promoted),
    ];
    assert_eq!(seen, expected);
    assert_eq!(rollout.ended_at_ms, Some(30_000));
    assert_eq!(rollout.tick(99_000, 100, Some(&fail())), None, "what has ended stays so");
}

#[test]
fn neither_time_nor_requests_alone_end_a_step() {
    let (mut rollout, pass) = (canary(), pass());
    assert_eq!(rollout.tick(9_999, 1_000_000, Some(&pass)), None);
    assert_eq!(what(rollout.tick(10_000, 99, Some(&pass))), "holding");
    assert_eq!((rollout.state, rollout.share()), (State::Holding, Share(1_000)));
    assert_eq!(rollout.tick(3_600_000, 99, Some(&pass)), None, "said once, and never promoted");
    assert_eq!(what(rollout.tick(3_601_000, 100, Some(&pass))), "step");
    assert_eq!((rollout.state, rollout.step, rollout.step_since_ms), (State::Running, 1, 3_601_000));
}

#[test]
fn without_a_check_that_passed_no_share_grows() {
    let mut rollout = canary();
    assert_eq!(rollout.tick(10_000, 500, None), None, "its check is yet to come");
    assert_eq!(what(rollout.tick(10_000, 500, Some(&hold()))), "holding");
    assert_eq!(rollout.tick(900_000, 500, Some(&hold())), None);
    assert_eq!(rollout.tick(900_000, 500, None), None);
    assert_eq!(rollout.share(), Share(1_000));
    assert_eq!(what(rollout.tick(900_000, 500, Some(&pass()))), "step");
}

#[test]
fn failed_checks_withdraw_it_with_the_evidence() {
    let (mut rollout, fail) = (canary(), fail());
    assert_eq!(what(rollout.tick(1_000, 50, Some(&fail))), "check-failed");
    assert_eq!(rollout.tick(2_000, 60, Some(&pass())), None);
    let event = rollout.tick(3_000, 70, Some(&fail)).unwrap();
    assert_eq!((event.what.as_str(), event.who.as_str()), ("withdrawn", HOST));
    assert_eq!((event.why.as_str(), event.evidence), ("half of them fail", serde_json::to_value(&fail).ok()));
    assert_eq!((rollout.state, rollout.share(), rollout.failures), (State::Withdrawn, Share::NONE, 2));
}

#[test]
fn a_paused_one_stays_at_its_share_and_may_still_be_withdrawn() {
    let (mut rollout, pass) = (canary(), pass());
    rollout.pause(1_000, "anna", "lunch").unwrap();
    assert_eq!(rollout.tick(99_000, 1_000, Some(&pass)), None);
    assert_eq!((rollout.state, rollout.share()), (State::Paused, Share(1_000)));
    rollout.resume(100_000, "anna", "back").unwrap();
    assert_eq!(rollout.tick(109_999, 1_000, Some(&pass)), None, "the step begins anew");
    assert_eq!(what(rollout.tick(110_000, 1_000, Some(&pass))), "step");
    rollout.pause(111_000, "anna", "again").unwrap();
    for (now, requests) in [(112_000, 1_000), (113_000, 1_100)] {
        rollout.tick(now, requests, Some(&fail()));
    }
    assert_eq!(rollout.state, State::Withdrawn);
}

#[test]
fn people_may_end_it_at_any_step_and_only_once() {
    let mut promoted = canary();
    let event = promoted.promote(5, "anna", "urgent").unwrap();
    assert_eq!((event.who.as_str(), event.what.as_str(), event.why.as_str()), ("anna", "promoted", "urgent"));
    assert_eq!(
        (promoted.state, promoted.ended_at_ms, promoted.share()),
        (State::Promoted, Some(5), Share::ALL)
    );
    let told = promoted.abort(6, "ben", "no").unwrap_err();
    assert_eq!(told.to_string(), "the rollout is promoted; it cannot be aborted");
    let mut aborted = canary();
    aborted.pause(1, "anna", "").unwrap();
    assert_eq!(
        aborted.pause(1, "anna", "").unwrap_err().to_string(),
        "the rollout is paused; it cannot be paused"
    );
    aborted.abort(2, "anna", "broken").unwrap();
    assert_eq!((aborted.state, aborted.share()), (State::Aborted, Share::NONE));
    assert!(aborted.resume(3, "anna", "").is_err() && aborted.promote(3, "anna", "").is_err());
    assert!(canary().resume(1, "anna", "").is_err(), "it was not paused");
    assert_eq!(canary().supersede(1, "anna", "").unwrap().what, "superseded");
}

#[test]
fn instant_and_blue_green_and_the_first_release_are_live_at_once() {
    for strategy in [Strategy::Instant, Strategy::BlueGreen] {
        let rollout = begin(RolloutSpec { strategy, ..RolloutSpec::default() });
        assert_eq!(
            (rollout.state, rollout.share(), rollout.ended_at_ms),
            (State::Promoted, Share::ALL, Some(0))
        );
    }
    let spec = RolloutSpec { strategy: Strategy::Canary, ..RolloutSpec::default() };
    let (first, event) = Rollout::begin("p", (None, Digest::of(b"new")), spec, 7, ("anna", "v1"));
    assert_eq!((first.state, event.what.as_str()), (State::Promoted, "promoted"));
    assert_eq!(first.spec.strategy, Strategy::Instant, "whatever was asked for");
}

#[test]
fn a_shadow_and_a_comparison_go_on_until_somebody_decides() {
    for (strategy, share) in [(Strategy::Shadow, Share(10_000)), (Strategy::Ab, Share(50_000))] {
        let mut rollout = begin(RolloutSpec { strategy, ..RolloutSpec::default() });
        for verdict in [pass(), fail(), fail(), fail()] {
            assert_eq!(rollout.tick(1_000_000_000, 1_000_000, Some(&verdict)), None);
        }
        assert_eq!((rollout.state, rollout.share()), (State::Running, share));
        assert!(rollout.promote(1, "anna", "it won").is_ok());
    }
}

#[test]
fn a_clock_that_goes_back_ends_no_step() {
    let mut rollout = canary();
    rollout.step_since_ms = 1_000_000;
    assert_eq!(rollout.tick(0, 1_000, Some(&pass())), None);
    assert_eq!(rollout.tick(i64::MIN, 1_000, Some(&pass())), None);
}

#[test]
fn the_same_failure_seen_twice_is_one() {
    let (mut rollout, fail) = (canary(), fail());
    let counted = |told| what(told) == "check-failed";
    assert!(counted(rollout.tick(1_000, 50, Some(&fail))));
    for (now, requests) in [(2_000, 50), (3_000, 60), (4_000, 69)] {
        assert_eq!(rollout.tick(now, requests, Some(&fail)), None, "{requests} requests hold those 50");
    }
    assert_eq!(what(rollout.tick(10_000, 69, Some(&fail))), "holding", "it does not go on either");
    assert_eq!((rollout.failures, rollout.share()), (1, Share(1_000)));
    assert_eq!(what(rollout.tick(11_000, 70, Some(&fail))), "withdrawn");
    let spec = |failures| AnalysisSpec { failures, ..AnalysisSpec::default() };
    let mut many = Rollout { spec: RolloutSpec { analysis: spec(9), ..canary().spec }, ..canary() };
    assert!(counted(many.tick(1_000, 1_000, Some(&fail))));
    assert_eq!(many.tick(2_000, 1_099, Some(&fail)), None, "of many requests a tenth");
    assert!(counted(many.tick(3_000, 1_100, Some(&fail))));
    assert!(counted(many.tick(4_000, 3, Some(&fail))), "counted anew under another definition");
    assert_eq!(what(many.tick(11_000, 100, Some(&pass()))), "step");
    assert!(counted(many.tick(12_000, 1, Some(&fail))), "another step counts by itself");
}

#[test]
fn what_cannot_be_compared_is_live_at_once() {
    let same = Digest::of(b"same");
    let canary = canary().spec;
    let (again, event) = Rollout::begin("p", (Some(same), same), canary.clone(), 7, ("anna", "again"));
    assert_eq!((again.spec.strategy, event.what.as_str()), (Strategy::Instant, "promoted"));
    let all_at_once = begin(RolloutSpec { steps: vec![Share::ALL], ..canary });
    assert_eq!((all_at_once.spec.strategy, all_at_once.state), (Strategy::BlueGreen, State::Promoted));
}

#[test]
fn the_same_two_releases_divide_subjects_alike_on_every_host() {
    let spec = canary().spec;
    let begin = |stable: &[u8], candidate: &[u8], now| {
        let releases = (Some(Digest::of(stable)), Digest::of(candidate));
        Rollout::begin("p", releases, spec.clone(), now, ("anna", "")).0.salt()
    };
    assert_eq!(begin(b"a", b"b", 1), begin(b"a", b"b", 2));
    let salts = [begin(b"a", b"b", 1), begin(b"a", b"c", 1), begin(b"c", b"b", 1), begin(b"b", b"a", 1)];
    let distinct: std::collections::HashSet<_> = salts.iter().collect();
    assert_eq!(distinct.len(), salts.len());
}

#[test]
fn what_is_not_understood_serves_nobody() {
    let strange = Rollout { flaw: Some("strategy: found \"soaking\"".into()), ..canary() };
    assert_eq!(strange.share(), Share::NONE);
}
