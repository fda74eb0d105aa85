//! What steps are judged by.

use std::time::Duration;

use ostler_core::Digest;
use ostler_core::rollout::RolloutSpec;
use ostler_release::analysis::Fault;

use super::*;

/// A canary of a half and then all, of which both releases have answered nothing.
fn driven() -> Driven {
    let steps = vec![Share(50_000), Share::ALL];
    let spec = RolloutSpec { strategy: Strategy::Canary, steps, min_requests: 10, ..RolloutSpec::default() };
    let releases = (Some(Digest::of(b"old")), Digest::of(b"new"));
    let (rollout, _) = Rollout::begin("p", releases, spec, 0, ("anna", ""));
    Driven::of(rollout, Default::default(), 0)
}

/// As many requests of as many users, of which one in a hundred fails, or each.
fn answer(driven: &Driven, arm: usize, requests: u64, broken: bool) {
    for request in 0..requests {
        let fault = (broken || request % 100 == 0).then_some(Fault::Error);
        let subject = request.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        driven.figures[arm].answered(subject, fault, Duration::from_millis(5));
    }
}

/// In its last step, after one in which all was well.
fn in_last_step() -> Driven {
    let mut driven = driven();
    answer(&driven, 0, 2_000, false);
    answer(&driven, 1, 2_000, false);
    driven.check();
    let mut next = driven.rollout.clone();
    next.tick(60_000, 2_000, driven.verdict.as_deref()).unwrap();
    assert_eq!((next.step, next.share()), (1, Share::ALL));
    driven.moved(&next, 60_000);
    driven
}

fn failed(driven: &mut Driven) -> bool {
    driven.check();
    driven.verdict.as_deref().unwrap().failed()
}

#[test]
fn in_the_last_step_the_new_release_is_compared_with_the_step_before() {
    let mut driven = in_last_step();
    answer(&driven, 1, 2_000, false);
    assert!(!failed(&mut driven));
    answer(&driven, 1, 2_000, true);
    assert!(failed(&mut driven));
}

#[test]
fn a_pause_in_the_last_step_forgets_nothing_to_compare_with() {
    let mut driven = in_last_step();
    let mut rollout = driven.rollout.clone();
    rollout.pause(61_000, "anna", "lunch").unwrap();
    driven.moved(&rollout, 61_000);
    rollout.resume(99_000, "anna", "back").unwrap();
    driven.moved(&rollout, 99_000);
    answer(&driven, 1, 2_000, true);
    assert!(failed(&mut driven));
}

#[test]
fn with_nothing_to_compare_with_the_last_step_waits_for_people() {
    let last = in_last_step().rollout;
    let mut driven = Driven::of(last.clone(), Default::default(), 70_000);
    answer(&driven, 1, 2_000, false);
    assert_eq!(driven.check(), 2_000);
    let mut rollout = last;
    let event = rollout.tick(900_000, 2_000, driven.verdict.as_deref()).unwrap();
    assert_eq!(event.what, "holding");
    assert!(event.why.contains("by hand"), "{}", event.why);
}

#[test]
fn the_same_counts_are_not_looked_at_twice() {
    let mut driven = driven();
    answer(&driven, 0, 1_000, false);
    answer(&driven, 1, 1_000, false);
    driven.check();
    let first = driven.verdict.clone().unwrap();
    answer(&driven, 1, 99, true);
    driven.check();
    assert!(Arc::ptr_eq(&first, driven.verdict.as_ref().unwrap()));
    answer(&driven, 1, 1, true);
    driven.check();
    assert!(!Arc::ptr_eq(&first, driven.verdict.as_ref().unwrap()));
}

#[test]
fn what_cannot_be_recorded_is_kept_until_it_is() {
    let (rollouts, driven) = (Rollouts::default(), driven());
    rollouts.insert(driven.clone());
    let mut withdrawn = driven.rollout.clone();
    let event = withdrawn.abort(5, "anna", "broken").unwrap();
    rollouts.moved(&withdrawn, vec![event.clone()], 5);
    let kept = rollouts.get("p").unwrap();
    assert_eq!((kept.rollout.share(), kept.unsaved), (Share::NONE, vec![event]));
    assert!(rollouts.due(5).is_empty() && rollouts.take_turn("p", 5).is_none());
    assert_eq!(rollouts.due(60_000), ["p"]);
    assert!(rollouts.take_turn("p", 60_000).is_some());
    assert!(rollouts.due(60_000).is_empty(), "a check that panics is not made again at once");
    rollouts.moved(&withdrawn, Vec::new(), 60_000);
    assert!(rollouts.get("p").is_none());
}
