//! What comparisons do over many simulated rollouts: how often a good release is withdrawn, and how soon a bad one is.

mod population;

use population::{Behaviour, GOOD, Simulation, spec, withdrawals};

#[test]
fn a_good_release_on_a_noisy_machine_is_hardly_ever_withdrawn() {
    for share in [0.01, 0.05, 0.25, 0.5] {
        let background = Behaviour { faults: 0.005, ..GOOD };
        let withdrawn = withdrawals(100, share, 0.4, [background; 2]);
        println!("share {share}: {} of 100 withdrawn", withdrawn.len());
        assert!(withdrawn.len() <= 1, "{share}: {withdrawn:?}");
    }
}

#[test]
fn a_release_that_fails_2_percent_is_caught() {
    for (share, most) in [(0.01, 1_500), (0.05, 1_000), (0.25, 1_400), (0.5, 1_800)] {
        let caught = withdrawals(100, share, 0.4, [GOOD, Behaviour { faults: 0.02, ..GOOD }]);
        println!(
            "share {share}: {} caught, half by {:?}, 95 by {:?}",
            caught.len(),
            caught.get(49),
            caught.get(94)
        );
        assert!(caught.get(94).is_some_and(|requests| *requests <= most), "{share}: {caught:?}");
    }
}

#[test]
fn a_release_3_times_slower_is_caught_where_users_are_alike() {
    for (share, habits, sure) in
        [(0.01, 0.0, 95), (0.01, 0.2, 80), (0.05, 0.4, 95), (0.25, 0.4, 95), (0.5, 0.4, 95)]
    {
        let slow = Behaviour { median: 3.0 * GOOD.median, ..GOOD };
        let caught = withdrawals(100, share, habits, [GOOD, slow]);
        println!("share {share}, habits {habits}: {} caught, half by {:?}", caught.len(), caught.get(49));
        assert!(caught.len() >= sure, "{share}, {habits}: {caught:?}");
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
