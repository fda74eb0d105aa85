//! A host that is killed while it writes loses nothing that it acknowledged.
//!
//! The test runs itself again as a child, reads the acknowledgements from its output, kills it with SIGKILL at a random
//! instant, and looks for every acknowledged write in what is left.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use ostler_services::kv::Entry;
use ostler_services::{Database, Kv};

/// Tells a child where to write; without it `child` is no test.
const STATE: &str = "OSTLER_TEST_STATE";

const ROUNDS: u32 = 12;

#[test]
fn what_was_acknowledged_survives_a_kill_at_any_instant() {
    let home = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeSet::new();
    for round in 0..ROUNDS {
        let before = acknowledged.len();
        run_and_kill(home.path(), round, &mut acknowledged);
        assert!(acknowledged.len() > before, "round {round} acknowledged nothing");
        check(home.path(), &acknowledged);
    }
}

/// Lets a child write until it has acknowledged a random number of writes, then kills it and reads what it said last.
fn run_and_kill(home: &Path, round: u32, acknowledged: &mut BTreeSet<String>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(STATE, home)
        .env("ROUND", round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut after = fastrand::usize(1..400);
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while output.read_line(&mut line).unwrap() > 0 {
        // A line without its end was cut by the kill and acknowledges nothing.
        if let Some(key) = line.strip_prefix("ack ").and_then(|rest| rest.strip_suffix('\n')) {
            acknowledged.insert(key.to_owned());
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

fn check(home: &Path, acknowledged: &BTreeSet<String>) {
    let kv = Kv::new(Database::open(home).unwrap());
    for key in acknowledged {
        let value = kv.get("s", key.as_bytes()).unwrap();
        assert_eq!(value.as_deref(), Some(key.as_bytes()), "{key} was acknowledged");
        if let Some(first) = key.strip_suffix("-a") {
            assert!(kv.exists("s", format!("{first}-b").as_bytes()).unwrap(), "{key} came with its pair");
        }
    }
}

/// The child: eight tasks that write, singly and in pairs, and say so once a write has returned.
#[test]
fn child() {
    let Some(home) = std::env::var_os(STATE) else { return };
    let round = std::env::var_os("ROUND").unwrap().into_string().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let kv = Kv::new(Database::open(Path::new(&home)).unwrap());
    runtime.block_on(async {
        let tasks = (0..8).map(|task| tokio::spawn(write_for_ever(kv.clone(), format!("{round}-{task}"))));
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
}

async fn write_for_ever(kv: Kv, name: String) {
    for index in 0.. {
        let own = |key: String| Entry { value: key.clone().into(), key: key.into() };
        let first = format!("{name}-{index}");
        if index % 2 == 0 {
            kv.set("s", first.as_bytes(), first.clone().into(), None).await.unwrap();
            acknowledge(&first);
        } else {
            let pair = vec![own(format!("{first}-a")), own(format!("{first}-b"))];
            kv.set_many("s", pair).await.unwrap();
            acknowledge(&format!("{first}-a"));
        }
    }
}

fn acknowledge(key: &str) {
    let mut output = std::io::stdout().lock();
    output.write_all(format!("ack {key}\n").as_bytes()).unwrap();
    output.flush().unwrap();
}
