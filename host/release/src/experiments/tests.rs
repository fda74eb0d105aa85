//! What experiments count, and what is kept of it.

use std::path::Path;

use super::*;
use crate::analysis::{METRICS, Shows, subject_hash};

fn open(folder: &Path) -> Experiments {
    Experiments::open(Database::open(folder).unwrap()).unwrap()
}

fn expose(experiments: &Experiments, variant: &str, from: u64, rate: u64) {
    for n in from..from + 1_000 {
        let subject = subject_hash(&n);
        let variant = experiments.exposed("new-checkout", variant, subject).unwrap();
        assert!(variant.track(subject, "bought", f64::from(n % 100 < rate)));
    }
}

#[tokio::test]
async fn counts_outlive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let before = {
        let experiments = open(folder.path());
        expose(&experiments, "on", 0, 60);
        expose(&experiments, "off", 5_000, 10);
        experiments.save().await.unwrap();
        experiments.save().await.unwrap();
        experiments.report("new-checkout", &Comparison::default()).unwrap()
    };
    let experiments = open(folder.path());
    let after = experiments.report("new-checkout", &Comparison::default()).unwrap();
    assert_eq!(before, after);
    let (summary, report) = after;
    assert_eq!((summary.variants["on"], summary.metrics), (1_000, vec!["bought".to_owned()]));
    assert_eq!(report.arms[0].name, "off", "what others are compared with stands first");
    assert_eq!(report.differences[0].shows, Shows::Higher, "{:?}", report.differences);
    // And it goes on counting from there.
    expose(&experiments, "on", 0, 60);
    assert_eq!(experiments.list()[0].variants["on"], 2_000);
}

#[tokio::test]
async fn starting_over_forgets_also_what_was_written_down() {
    let folder = tempfile::tempdir().unwrap();
    {
        let experiments = open(folder.path());
        expose(&experiments, "on", 0, 50);
        experiments.save().await.unwrap();
        let late = experiments.exposed("new-checkout", "on", 1).unwrap();
        assert!(experiments.restart("new-checkout").await.unwrap());
        assert!(!experiments.restart("new-checkout").await.unwrap());
        // An exchange that began before counts for nothing any more.
        late.track(1, "bought", 1.0);
        experiments.save().await.unwrap();
        assert!(experiments.list().is_empty());
    }
    assert!(open(folder.path()).list().is_empty());
}

#[test]
fn neither_flags_nor_variants_nor_metrics_fill_memory() {
    let experiments = Experiments::default();
    for n in 0..EXPERIMENTS {
        assert!(experiments.exposed(&format!("flag-{n}"), "on", 1).is_some());
    }
    assert!(experiments.exposed("one-more", "on", 1).is_none());
    for n in 1..VARIANTS {
        assert!(experiments.exposed("flag-0", &format!("variant-{n}"), 1).is_some());
    }
    assert!(experiments.exposed("flag-0", "one-more", 1).is_none());
    assert!(experiments.exposed("flag-0", &"x".repeat(129), 1).is_none());
    assert_eq!(experiments.refused(), 3);
    let variant = experiments.exposed("flag-1", "on", 1).unwrap();
    let taken = (0..100).filter(|n| variant.track(1, &format!("metric-{n}"), 1.0)).count();
    assert_eq!(taken, METRICS);
}

#[tokio::test]
async fn a_damaged_row_is_left_out_and_the_rest_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(folder.path()).unwrap();
    let experiments = Experiments::open(database.clone()).unwrap();
    expose(&experiments, "on", 0, 50);
    expose(&experiments, "off", 0, 50);
    experiments.save().await.unwrap();
    let spoil = "UPDATE experiment_count SET counts = x'00ff' WHERE variant = 'off'";
    database.write(|tx| tx.execute(spoil, []).map_err(Error::from)).await.unwrap();
    let nan = [0xff_u8; 2_056];
    let poison = "UPDATE experiment_count SET counts = ?1 WHERE variant = 'on' AND metric = 'bought'";
    database.write(move |tx| tx.execute(poison, [&nan[..]]).map_err(Error::from)).await.unwrap();
    let again = Experiments::open(database).unwrap().list();
    assert_eq!(again[0].variants.iter().collect::<Vec<_>>(), [(&"on".to_owned(), &1_000)]);
    assert!(again[0].metrics.is_empty());
}

#[test]
fn a_variant_that_is_none_is_told_with_those_there_are() {
    let experiments = Experiments::default();
    expose(&experiments, "b", 0, 50);
    expose(&experiments, "a", 3_000, 50);
    let by = Comparison { against: Some("c".into()), ..Comparison::default() };
    let told = experiments.report("new-checkout", &by).unwrap_err().to_string();
    assert!(told.contains("no variant \"c\"; it has a, b"), "{told}");
    assert!(experiments.report("other", &by).unwrap_err().to_string().contains("\"experiment\": true"));
    let split = [("a".to_owned(), 90.0), ("b".to_owned(), 10.0)].into();
    let by = Comparison { against: Some("b".into()), split };
    let (_, report) = experiments.report("new-checkout", &by).unwrap();
    assert_eq!(report.arms[0].name, "b");
    assert!(report.split.unwrap().mismatch);
}

#[test]
fn a_variant_that_nobody_was_given_is_the_worst_division_there_is() {
    let experiments = Experiments::default();
    expose(&experiments, "on", 0, 50);
    let split = [("on".to_owned(), 50.0), ("off".to_owned(), 50.0)].into();
    let (_, report) = experiments.report("new-checkout", &Comparison { against: None, split }).unwrap();
    assert_eq!(report.arms.iter().map(|arm| arm.name.as_str()).collect::<Vec<_>>(), ["off", "on"]);
    let split = report.split.unwrap();
    assert!(split.mismatch && split.observed["off"] == 0.0, "{split:?}");
}

#[test]
fn a_division_that_leaves_a_variant_out_is_no_alarm_but_refused() {
    let experiments = Experiments::default();
    for (variant, from) in [("a", 0), ("b", 3_000), ("c", 6_000)] {
        expose(&experiments, variant, from, 50);
    }
    let by = |split: &[(&str, f64)]| Comparison {
        against: None,
        split: split.iter().map(|(name, weight)| ((*name).to_owned(), *weight)).collect(),
    };
    let told = experiments.report("new-checkout", &by(&[("a", 1.0), ("b", 1.0)])).unwrap_err().to_string();
    assert!(told.contains("leaves variant \"c\" out"), "{told}");
    let (_, report) = experiments.report("new-checkout", &by(&[("a", 1.0), ("b", 1.0), ("c", 1.0)])).unwrap();
    assert!(!report.split.unwrap().mismatch);
}

#[test]
fn threads_that_begin_one_experiment_at_once_lose_no_exchange() {
    let experiments = Experiments::default();
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let experiments = &experiments;
            scope.spawn(move || {
                for n in 0..500 {
                    experiments.exposed("flag", ["a", "b", "c"][(n % 3) as usize], thread);
                }
            });
        }
    });
    assert_eq!(experiments.list()[0].variants.values().sum::<u64>(), 2_000);
}
