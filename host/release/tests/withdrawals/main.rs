//! What comparisons do over many simulated rollouts: how often a good release is withdrawn, and how soon a bad one is.

mod population;

use population::{Behaviour, GOOD, Simulation, spec, withdrawals};

/// Rollouts that are simulated at a share: the smaller it is, the more requests of the old release come with each.
fn runs(share: f64) -> u64 {
    if share < 0.05 { 20 } else { 50 }
}

#[test]
fn a_good_release_on_a_noisy_machine_is_hardly_ever_withdrawn() {
    let background = Behaviour { faults: 0.005, ..GOOD };
    for share in [0.01, 0.05, 0.25, 0.5] {
        let withdrawn = withdrawals(runs(share), share, 0.4, [background; 2]);
        assert!(withdrawn.len() <= 1, "{share}: {withdrawn:?}");
    }
}

#[test]
fn a_release_that_fails_2_percent_is_caught() {
    for share in [0.01, 0.05, 0.25, 0.5] {
        let runs = runs(share);
        let caught = withdrawals(runs, share, 0.4, [GOOD, Behaviour { faults: 0.02, ..GOOD }]);
        assert!(caught.len() as u64 >= runs * 8 / 10, "{share}: {caught:?}");
        assert!(caught[caught.len() / 2] <= 1_700, "{share}: {caught:?}");
    }
}

#[test]
fn a_release_3_times_slower_is_caught_where_users_are_alike() {
    for (share, habits) in [(0.01, 0.0), (0.05, 0.4), (0.25, 0.4), (0.5, 0.4)] {
        let slow = Behaviour { median: 3.0 * GOOD.median, ..GOOD };
        let (runs, caught) = (runs(share), withdrawals(runs(share), share, habits, [GOOD, slow]));
        assert!(caught.len() as u64 >= runs * 7 / 10, "{share}, {habits}: {caught:?}");
    }
}

#[test]
fn a_release_that_leaks_is_caught_and_one_that_takes_little_more_is_not() {
    let caught = withdrawals(20, 0.05, 0.4, [GOOD, Behaviour { leak: 64 << 10, ..GOOD }]);
    assert_eq!(caught.len(), 20);
    assert!(withdrawals(1, 0.05, 0.4, [GOOD, Behaviour { leak: 4, ..GOOD }]).is_empty());
}

#[test]
fn evidence_survives_being_stored() {
    let mut simulation = Simulation::new(3, 0.5, 0.4, [GOOD, Behaviour { faults: 0.1, ..GOOD }]);
    simulation.run(4_000);
    let verdict = simulation.judge(&spec());
    let json = serde_json::to_string(&verdict).unwrap();
    let again: ostler_release::analysis::Verdict = serde_json::from_str(&json).unwrap();
    assert_eq!(again.checks().len(), verdict.checks().len());
    assert!(again.failed() && json.contains(r#""verdict":"fail""#), "{json}");
}
