//! What comparisons do over many simulated rollouts: how often a good release is failed, and how soon a bad one is.

use std::time::Duration;

use fastrand::Rng;
use ostler_core::rollout::{AnalysisSpec, MetricRule};

use super::*;
use crate::analysis::{Fault, Figures};

/// Subjects whose requests are simulated.
const SUBJECTS: u64 = 2_000;

/// How a release behaves.
#[derive(Clone, Copy)]
struct Behaviour {
    /// Part of requests that fail.
    faults: f64,
    /// Median of its answers, in milliseconds.
    median: f64,
    /// Bytes that it loses with each request.
    leak: u64,
}

const GOOD: Behaviour = Behaviour { faults: 0.0, median: 4.0, leak: 0 };

/// Both releases of a rollout, under the same load and the same noise.
struct Rollout {
    rng: Rng,
    stable: (Figures, Behaviour, u64),
    candidate: (Figures, Behaviour, u64),
    share: f64,
    /// How far subjects differ in what they ask for: by this power of e, either way.
    habits: f64,
    /// The machine is slower by this, which lasts a while and is the same for both.
    noise: f64,
}

impl Rollout {
    fn new(seed: u64, share: f64, stable: Behaviour, candidate: Behaviour) -> Self {
        let (stable, candidate) = ((Figures::default(), stable, 0), (Figures::default(), candidate, 0));
        Rollout { rng: Rng::with_seed(seed), stable, candidate, share, habits: 0.4, noise: 1.0 }
    }

    /// `requests` of both together.
    fn run(&mut self, requests: u64) {
        for _ in 0..requests {
            self.request();
        }
    }

    fn request(&mut self) {
        let rng = &mut self.rng;
        // About every 300 requests the machine is busy with something else, for about 50.
        self.noise = match self.noise > 1.0 {
            true if rng.f64() < 0.02 => 1.0,
            false if rng.f64() < 1.0 / 300.0 => 2.0 + 20.0 * rng.f64(),
            _ => self.noise,
        };
        // Few subjects ask often, many seldom.
        let number = (SUBJECTS as f64 * rng.f64().powi(3)) as u64;
        let subject = hash(number);
        let candidate = (subject as f64 / u64::MAX as f64) < self.share;
        let (figures, behaviour, served) = if candidate { &mut self.candidate } else { &mut self.stable };
        *served += 1;
        let habit = (self.habits * ((hash(number + 1_000_000) % 2_001) as f64 / 1_000.0 - 1.0)).exp();
        let took = behaviour.median * habit * (0.5 * normal(rng)).exp() * self.noise;
        let fault = (rng.f64() < behaviour.faults).then_some(Fault::Error);
        figures.answered(subject, fault, Duration::from_secs_f64(took / 1e3));
        figures.memory((20 << 20) + behaviour.leak * *served);
        figures.track(subject, "basket", 40.0 * habit + 10.0 * normal(rng));
    }

    fn judge(&self, spec: &AnalysisSpec) -> Verdict {
        judge(&self.stable.0.read(), &self.candidate.0.read(), spec)
    }

    /// Looks after each `each` requests, at all since the beginning, until `failures` looks in a row have failed or `looks`
    /// are over; the candidate's requests until then.
    fn withdrawn(&mut self, spec: &AnalysisSpec, each: u64, looks: u32) -> Option<u64> {
        let mut failed = 0;
        for _ in 0..looks {
            self.run(each);
            failed = if self.judge(spec).failed() { failed + 1 } else { 0 };
            if failed >= spec.failures {
                return Some(self.candidate.2);
            }
        }
        None
    }
}

fn hash(number: u64) -> u64 {
    std::hash::BuildHasher::hash_one(&foldhash::quality::FixedState::with_seed(7), number)
}

/// Box and Muller.
fn normal(rng: &mut Rng) -> f64 {
    (-2.0 * (1.0 - rng.f64()).ln()).sqrt() * (std::f64::consts::TAU * rng.f64()).cos()
}

fn spec() -> AnalysisSpec {
    let basket = MetricRule { name: "basket".into(), at_least: Some(0.8), at_most: Some(1.25) };
    AnalysisSpec { metrics: vec![basket], ..AnalysisSpec::default() }
}

/// How many of `runs` rollouts end withdrawn, and the candidate's requests in each of those, ordered.
fn withdrawals(runs: u64, each: u64, looks: u32, make: impl Fn(u64) -> Rollout) -> Vec<u64> {
    let mut requests: Vec<u64> =
        (0..runs).filter_map(|seed| make(seed).withdrawn(&spec(), each, looks)).collect();
    requests.sort_unstable();
    requests
}

#[test]
fn a_good_release_on_a_noisy_machine_is_hardly_ever_withdrawn() {
    for share in [0.01, 0.05, 0.25, 0.5] {
        let background = Behaviour { faults: 0.005, ..GOOD };
        let withdrawn = withdrawals(100, 1_000, 10, |seed| Rollout::new(seed, share, background, background));
        println!("share {share}: {} of 100 withdrawn", withdrawn.len());
        assert!(withdrawn.len() <= 1, "{share}: {withdrawn:?}");
    }
}

#[test]
fn a_release_that_fails_2_percent_is_caught() {
    for (share, most) in [(0.01, 650), (0.05, 800), (0.25, 1_200), (0.5, 1_800)] {
        let bad = Behaviour { faults: 0.02, ..GOOD };
        let each = (50.0 / share) as u64;
        let caught = withdrawals(100, each, 40, |seed| Rollout::new(seed, share, GOOD, bad));
        assert!(caught.len() >= 99, "{share}: {caught:?}");
        println!(
            "share {share}: {} caught, half by {} requests, 99 by {}",
            caught.len(),
            caught[49],
            caught[98]
        );
        assert!(caught[98] <= most, "{share}: {caught:?}");
    }
}

#[test]
fn a_release_3_times_slower_is_caught() {
    // Where subjects ask for different things, the 20 subjects of 1 % say little of all 2,000.
    for (share, habits, sure) in
        [(0.01, 0.0, 99), (0.01, 0.4, 80), (0.05, 0.4, 99), (0.25, 0.4, 99), (0.5, 0.4, 99)]
    {
        let slow = Behaviour { median: 3.0 * GOOD.median, ..GOOD };
        let make = |seed| Rollout { habits, ..Rollout::new(seed, share, GOOD, slow) };
        let caught = withdrawals(100, (50.0 / share) as u64, 40, make);
        let (half, most) = (caught[49], caught.get(98));
        println!(
            "share {share}, habits {habits}: {} caught, half by {half} requests, 99 by {most:?}",
            caught.len()
        );
        assert!(caught.len() >= sure, "{share}: {caught:?}");
    }
}

#[test]
fn a_release_that_leaks_is_caught_and_one_that_takes_little_more_is_not() {
    let leaks = Behaviour { leak: 64 << 10, ..GOOD };
    let caught = withdrawals(20, 2_000, 10, |seed| Rollout::new(seed, 0.05, GOOD, leaks));
    assert_eq!(caught.len(), 20);
    let mut steady = Rollout::new(1, 0.05, GOOD, Behaviour { leak: 4, ..GOOD });
    assert_eq!(steady.withdrawn(&spec(), 2_000, 5), None);
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
    let (busy, idle) = (Figures::default(), Figures::default());
    (0..1_000).for_each(|n| busy.answered(hash(n), None, Duration::from_millis(1)));
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
fn evidence_survives_being_stored() {
    let mut rollout = Rollout::new(3, 0.5, GOOD, Behaviour { faults: 0.1, ..GOOD });
    rollout.run(4_000);
    let verdict = rollout.judge(&spec());
    let json = serde_json::to_string(&verdict).unwrap();
    let again: Verdict = serde_json::from_str(&json).unwrap();
    assert_eq!(again.checks().len(), verdict.checks().len());
    assert!(again.failed() && json.contains(r#""verdict":"fail""#), "{json}");
}
