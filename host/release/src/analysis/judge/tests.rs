//! What comparisons say of few requests and of many, of few subjects and of many.

use std::time::Duration;

use fastrand::Rng;
use ostler_core::rollout::{AnalysisSpec, MetricRule};

use super::*;
use crate::analysis::{Check, Fault, Figures};

fn hash(number: u64) -> u64 {
    crate::analysis::subject_hash(&number)
}

/// Box and Muller.
fn normal(rng: &mut Rng) -> f64 {
    (-2.0 * (1.0 - rng.f64()).ln()).sqrt() * (std::f64::consts::TAU * rng.f64()).cos()
}

fn spec() -> AnalysisSpec {
    let basket = MetricRule { name: "basket".into(), at_least: Some(0.8), at_most: Some(1.25) };
    AnalysisSpec { metrics: vec![basket], ..AnalysisSpec::default() }
}

/// `requests` of `subjects`, each answered as `how` says of its number, with a reading of memory.
fn answered(requests: u64, subjects: u64, how: impl Fn(u64) -> (Option<Fault>, u64)) -> Figures {
    let figures = Figures::default();
    for n in 0..requests {
        let (fault, millis) = how(n);
        figures.answered(hash(n % subjects), fault, Duration::from_millis(millis));
        figures.memory(1 << 20, 0);
    }
    figures
}

fn good(requests: u64, subjects: u64) -> Figures {
    answered(requests, subjects, |_| (None, 1))
}

fn compared(stable: &Figures, candidate: &Figures) -> Verdict {
    judge(&stable.read(), &candidate.read(), &AnalysisSpec::default())
}

fn check<'a>(verdict: &'a Verdict, name: &str) -> &'a Check {
    verdict.checks().iter().find(|check| check.name == name).unwrap()
}

#[test]
fn one_subject_whose_requests_all_fail_does_not_stand_for_all() {
    let (stable, candidate) = (Figures::default(), Figures::default());
    for n in 0..20_000_u64 {
        stable.answered(hash(n % 1_000), None, Duration::from_millis(1));
    }
    for n in 0..1_000_u64 {
        let broken = n % 50 == 0;
        candidate.answered(hash(n % 50), broken.then_some(Fault::Error), Duration::from_millis(1));
    }
    let spec = AnalysisSpec::default();
    let verdict = judge(&stable.read(), &candidate.read(), &spec);
    assert!(!verdict.failed(), "{verdict:?}");
    // The same number of faults, spread over the subjects.
    let spread = Figures::default();
    for n in 0..1_000_u64 {
        spread.answered(hash(n % 50), (n % 49 == 0).then_some(Fault::Error), Duration::from_millis(1));
    }
    assert!(judge(&stable.read(), &spread.read(), &spec).failed());
}

#[test]
fn too_little_traffic_holds_and_says_what_is_missing() {
    let (busy, idle) = (good(1_000, 1_000), Figures::default());
    let spec = spec();
    let Verdict::Hold { missing, checks } = judge(&busy.read(), &idle.read(), &spec) else { panic!() };
    assert_eq!((missing.as_str(), checks.len()), ("the new release answered no request", 0));
    let Verdict::Hold { missing, .. } = judge(&busy.read(), &busy.read(), &spec) else { panic!() };
    assert!(missing.contains("the new release reported metric basket 0 times of the 30"), "{missing}");
    // A failing release fails, whatever else is missing.
    (0..100).for_each(|n| idle.answered(hash(n), Some(Fault::Trap), Duration::from_millis(1)));
    assert!(judge(&busy.read(), &idle.read(), &spec).failed());
}

#[test]
fn a_margin_bears_what_it_says() {
    let figures = |every: u64| {
        let figures = Figures::default();
        let fault = |n: u64| n.is_multiple_of(every).then_some(Fault::Error);
        (0..20_000).for_each(|n| figures.answered(hash(n), fault(n + 1), Duration::from_millis(1)));
        figures.read()
    };
    let (one, two, five) = (figures(100), figures(50), figures(20));
    let spec = AnalysisSpec { error_rate: 0.02, ..AnalysisSpec::default() };
    assert!(!judge(&one, &two, &spec).failed());
    let verdict = judge(&one, &five, &spec);
    assert!(verdict.failed(), "{verdict:?}");
    assert!(verdict.why().contains("Clopper"), "{}", verdict.why());
    assert!(judge(&one, &two, &AnalysisSpec::default()).failed());
}

#[test]
fn a_metric_beyond_its_rule_is_told() {
    let figures = |mean: f64, seed| {
        let (figures, mut rng) = (Figures::default(), Rng::with_seed(seed));
        for n in 0..2_000 {
            figures.answered(hash(n), None, Duration::from_millis(1));
            figures.track(hash(n), "basket", mean + 5.0 * normal(&mut rng));
        }
        figures.read()
    };
    let (stable, same, less, more) = (figures(40.0, 1), figures(40.0, 2), figures(28.0, 3), figures(60.0, 4));
    assert!(!judge(&stable, &same, &spec()).failed());
    for (sample, limit) in [(less, "allowed at least"), (more, "allowed at most")] {
        let why = judge(&stable, &sample, &spec()).why();
        assert!(why.contains(limit), "{why}");
    }
}

#[test]
fn an_identical_release_never_fails_for_a_mean_below_zero() {
    let figures = |mean: f64| {
        let figures = good(2_000, 500);
        (0..2_000).for_each(|n| _ = figures.track(hash(n % 500), "basket", mean + (n % 2) as f64));
        figures.read()
    };
    assert!(!judge(&figures(-40.0), &figures(-40.0), &spec()).failed());
    for (mean, limit) in [(-60.0, "allowed at least"), (-20.0, "allowed at most")] {
        let why = judge(&figures(-40.0), &figures(mean), &spec()).why();
        assert!(why.contains(limit), "{why}");
    }
}

#[test]
fn a_site_of_three_clients_that_differ_gets_its_good_release() {
    // One of them asks for what takes long, and the new release has it.
    let stable = answered(4_000, 2, |_| (None, 2));
    let verdict = compared(&stable, &answered(2_000, 1, |_| (None, 40)));
    assert!(matches!(verdict, Verdict::Pass { .. }), "{verdict:?}");
    assert_eq!(
        (check(&verdict, "p50").outcome, check(&verdict, "p99").outcome),
        (Outcome::Unknown, Outcome::Unknown)
    );
    assert_eq!(verdict.why(), "nothing speaks against the new release; too little to tell of p50, p99");
}

#[test]
fn faults_of_very_few_clients_neither_withdraw_nor_promote() {
    let stable = good(4_000, 2);
    for clients in [1, 3] {
        let broken = answered(1_000, clients, |n| ((n % 20 == 0).then_some(Fault::Trap), 1));
        let Verdict::Hold { missing, .. } = compared(&stable, &broken) else { panic!("{clients}") };
        assert!(missing.contains("too few to tell"), "{missing}");
    }
    // All requests of three clients, where a hundred others have no trouble: that is no bad luck any more.
    assert!(compared(&good(10_000, 200), &answered(600, 4, |_| (Some(Fault::Trap), 1))).failed());
}

#[test]
fn deadlines_that_one_client_missed_do_not_hide_behind_errors_of_many() {
    let stable = answered(20_000, 1_000, |n| ((n % 20 == 1).then_some(Fault::Error), 1));
    // As many errors as ever; one of 200 clients misses all its deadlines.
    let candidate = answered(10_000, 200, |n| match n % 200 {
        0 => (Some(Fault::Deadline), 1),
        _ => ((n % 20 == 1).then_some(Fault::Error), 1),
    });
    let verdict = compared(&stable, &candidate);
    assert!(!verdict.failed(), "{verdict:?}");
    let spread = answered(10_000, 200, |n| match n % 203 {
        0 => (Some(Fault::Deadline), 1),
        _ => ((n % 20 == 1).then_some(Fault::Error), 1),
    });
    let verdict = compared(&stable, &spread);
    assert_eq!(check(&verdict, "deadlines").outcome, Outcome::Fail, "{verdict:?}");
}

#[test]
fn too_little_for_the_median_or_for_memory_holds_and_too_little_for_the_slowest_is_told() {
    let Verdict::Hold { missing, .. } = compared(&good(10, 10), &good(500, 100)) else { panic!() };
    assert!(missing.contains("10 requests of the old release of the 11 that it takes"), "{missing}");
    assert!(missing.contains("10 readings of memory of the old release of the 30"), "{missing}");
    let verdict = compared(&good(400, 400), &good(100, 100));
    assert!(matches!(verdict, Verdict::Pass { .. }), "{verdict:?}");
    let p99 = &check(&verdict, "p99").words;
    assert!(p99.contains("400 requests of the old release of the 706 that it takes"), "{p99}");
    assert!(verdict.why().ends_with("; too little to tell of p99"), "{}", verdict.why());
}

#[test]
fn one_great_upload_to_one_instance_is_no_leak() {
    let readings = |of: &[(u64, u64, u64)]| {
        let figures = good(100, 100);
        for (times, mib, grown) in of {
            (0..*times).for_each(|_| figures.memory(mib << 20, grown << 20));
        }
        figures
    };
    let stable = readings(&[(1_000, 1, 0)]);
    let outcome = |candidate: &Figures| {
        let verdict = compared(&stable, candidate);
        ["memory", "memory-growth"].map(|name| check(&verdict, name).outcome)
    };
    let upload = readings(&[(50, 1, 0), (1, 100, 99), (500, 100, 0)]);
    assert_eq!(outcome(&upload), [Outcome::Pass; 2]);
    let leak = readings(&(1..100).map(|mib| (5, mib, 1)).collect::<Vec<_>>());
    assert_eq!(outcome(&leak), [Outcome::Fail; 2]);
    // All of its instances take more, from their first exchange on.
    let heavy = Figures::default();
    (0..100).for_each(|n| heavy.answered(hash(n), None, Duration::from_millis(1)));
    (0..100).for_each(|_| heavy.memory(50 << 20, 0));
    assert_eq!(outcome(&heavy)[0], Outcome::Fail);
}
