//! How often a report is wrong over many simulated experiments at which somebody looks all the time.

use std::time::Duration;

use fastrand::Rng;

use super::*;
use crate::analysis::{Fault, Figures, subject_hash};

/// Subjects of both arms together.
const SUBJECTS: u64 = 4_000;

/// An A/B test of two releases, with subjects who come back, each with habits of its own.
struct Experiment {
    rng: Rng,
    seed: u64,
    /// Rates of conversion.
    rates: [f64; 2],
    /// Part of the subjects that the candidate has.
    share: f64,
    figures: [Figures; 2],
}

impl Experiment {
    fn new(seed: u64, rates: [f64; 2], share: f64) -> Self {
        Experiment { rng: Rng::with_seed(seed), seed, rates, share, figures: Default::default() }
    }

    fn run(&mut self, exchanges: u64) {
        for _ in 0..exchanges {
            let number = self.rng.u64(..SUBJECTS);
            let subject = subject_hash(&(self.seed, number));
            let arm = usize::from((subject as f64 / u64::MAX as f64) < self.share);
            let figures = &self.figures[arm];
            // Half of the subjects buy twice as often as they would on average, half never.
            let buys = 2.0 * self.rates[arm] * (subject >> 7 & 1) as f64;
            let fault = (self.rng.f64() < 0.01).then_some(Fault::Error);
            figures.answered(subject, fault, Duration::from_millis(1));
            if self.rng.f64() < buys {
                // Baskets are far from normal.
                figures.track(subject, "basket", 20.0 * -(1.0 - self.rng.f64()).ln());
            }
            figures.track(subject, "bought", f64::from(self.rng.f64() < buys));
        }
    }

    fn report(&self) -> Report {
        report_of_share(
            &self.figures[0].read(),
            &self.figures[1].read(),
            ostler_core::rollout::Share((self.share * 1e5) as u32),
        )
    }

    /// Looks 60 times; the first look at which `bought` differs, in exchanges.
    fn found(&mut self, each: u64) -> Option<(u64, Shows)> {
        (1..=60).find_map(|look| {
            self.run(each);
            let report = self.report();
            let bought = report.differences.iter().find(|difference| difference.metric == "bought")?;
            matches!(bought.shows, Shows::Higher | Shows::Lower).then_some((look * each, bought.shows))
        })
    }
}

#[test]
fn looking_60_times_at_arms_that_do_not_differ_seldom_shows_a_difference() {
    let wrong = |seed| {
        let mut experiment = Experiment::new(seed, [0.1, 0.1], 0.5);
        let differs = |difference: &Difference| matches!(difference.shows, Shows::Higher | Shows::Lower);
        (0..60).any(|_| {
            experiment.run(500);
            experiment.report().differences.iter().any(differs)
        })
    };
    let wrong = (0..200).filter(|seed| wrong(*seed)).count();
    println!("{wrong} of 200 showed a difference that there is not");
    // 5 % of 200 are 10; more than 20 would come once in 600 times.
    assert!(wrong <= 20, "{wrong}");
}

#[test]
fn a_difference_that_there_is_is_found_and_with_its_sign() {
    let mut found: Vec<_> =
        (0..30).filter_map(|seed| Experiment::new(seed, [0.10, 0.13], 0.5).found(1_000)).collect();
    found.sort_unstable_by_key(|(exchanges, _)| *exchanges);
    println!("10 % against 13 %: {} of 30 found, half by {} exchanges", found.len(), found[14].0);
    assert!(found.len() >= 29, "{found:?}");
    assert!(found.iter().all(|(_, shows)| *shows == Shows::Higher), "{found:?}");
}

#[test]
fn a_division_that_is_off_is_told_and_one_that_is_not_is_not() {
    let mut alarms = 0;
    for seed in 0..100 {
        let mut experiment = Experiment::new(seed, [0.1, 0.1], 0.3);
        experiment.run(20_000);
        alarms += usize::from(experiment.report().split.unwrap().mismatch);
    }
    assert!(alarms <= 2, "{alarms}");
    let mut experiment = Experiment::new(1, [0.1, 0.1], 0.3);
    experiment.run(20_000);
    let [stable, candidate] = [0, 1].map(|arm: usize| experiment.figures[arm].read());
    let split = report_of_share(&stable, &candidate, ostler_core::rollout::Share(35_000)).split.unwrap();
    assert!(split.mismatch && split.words.contains("NOT divided"), "{split:?}");
}

#[test]
fn too_little_is_no_statement() {
    let mut experiment = Experiment::new(1, [0.5, 0.9], 0.5);
    experiment.run(60);
    let report = experiment.report();
    assert!(report.differences.iter().all(|difference| difference.shows == Shows::TooLittle));
    assert!(serde_json::to_string(&report).unwrap().contains(r#""shows":"too-little""#));
    let empty = compare(&[], Some(&[]));
    assert!(empty.arms.is_empty() && empty.split.is_none());
}

#[test]
fn one_subject_who_comes_back_ever_again_proves_nothing() {
    let [stable, candidate] = [Figures::default(), Figures::default()];
    for n in 0..50_000_u64 {
        stable.answered(n % 500, None, Duration::from_millis(1));
        stable.track(n % 500, "bought", 0.0);
        candidate.answered(7, None, Duration::from_millis(1));
        candidate.track(7, "bought", 1.0);
    }
    let report = report(&stable.read(), &candidate.read());
    assert!(report.differences.iter().all(|difference| difference.shows == Shows::TooLittle), "{report:?}");
}
