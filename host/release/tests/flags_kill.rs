//! A host that is killed in the middle of changes to flags keeps those that it acknowledged, each with its history.
//!
//! The test runs itself again as a child, as `kill.rs` does.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use ostler_release::flags::{Config, Nobody, Note, Store};
use ostler_services::{Clock, Database};

/// Tells a child where to write; without it `child` is no test.
const STATE: &str = "OSTLER_TEST_STATE";

const ROUNDS: u32 = 12;

fn open(home: &Path) -> Store {
    Store::open(Database::open(home).unwrap(), Clock::default(), &Config::default(), None).unwrap()
}

/// What the flag says at a version: the version itself.
fn definition(version: u64) -> String {
    format!(r#"{{"state": "ENABLED", "variants": {{"v": {version}}}, "defaultVariant": "v"}}"#)
}

#[tokio::test]
async fn every_acknowledged_change_of_a_flag_survives_a_kill() {
    let home = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeMap::new();
    for round in 0..ROUNDS {
        let before: u64 = acknowledged.values().sum();
        run_and_kill(home.path(), &mut acknowledged);
        assert!(acknowledged.values().sum::<u64>() > before, "round {round} acknowledged nothing");
        check(&open(home.path()), &acknowledged);
    }
}

fn check(store: &Store, acknowledged: &BTreeMap<String, u64>) {
    for (key, version) in acknowledged {
        let last = store.version(key).unwrap();
        // One more may have been made and not yet acknowledged.
        assert!((*version..=version + 1).contains(&last), "{key}: acknowledged {version}, found {last}");
        assert_eq!(store.flags().number(key, -1.0, &Nobody).value, last as f64);
        let history = store.history(key).unwrap();
        assert_eq!(history[0].version, last);
        assert!(history.windows(2).all(|two| two[0].version == two[1].version + 1), "no change is missing");
    }
}

fn run_and_kill(home: &Path, acknowledged: &mut BTreeMap<String, u64>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(STATE, home)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut after = fastrand::usize(1..60);
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while output.read_line(&mut line).unwrap() > 0 {
        // A line without its end was cut by the kill and acknowledges nothing.
        if let Some(change) = line.strip_prefix("ack ").and_then(|rest| rest.strip_suffix('\n')) {
            let (key, version) = change.split_once(' ').unwrap();
            acknowledged.insert(key.to_owned(), version.parse().unwrap());
            after = after.saturating_sub(1);
        }
        if after == 0 {
            after = usize::MAX;
            child.kill().unwrap();
        }
        line.clear();
    }
    child.wait().unwrap();
}

/// The child: three flags that change for ever, and say so once a change has returned.
#[test]
fn child() {
    let Some(home) = std::env::var_os(STATE) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let store = open(Path::new(&home));
    runtime.block_on(async {
        let tasks = (0..3).map(|index| tokio::spawn(change_for_ever(store.clone(), format!("f{index}"))));
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
}

async fn change_for_ever(store: Store, key: String) {
    loop {
        let version = store.version(&key).unwrap();
        let note = Note { expected: Some(version), who: "child".into(), why: String::new() };
        let change = store.set(&key, definition(version + 1).as_bytes(), note).await.unwrap();
        let mut output = std::io::stdout().lock();
        output.write_all(format!("ack {key} {}\n", change.version).as_bytes()).unwrap();
        output.flush().unwrap();
    }
}
