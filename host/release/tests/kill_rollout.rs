//! A host that is killed in the middle of canaries goes on with the same releases at the same steps, for the same subjects.
//!
//! The test runs itself again as a child that takes canaries from step to step, reads what it acknowledged, kills it with
//! SIGKILL at a random instant, and compares.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use ostler_core::rollout::{RolloutSpec, Strategy};
use ostler_release::analysis::Verdict;
use ostler_release::rollout::Rollout;
use ostler_release::{NewRelease, Registry};
use ostler_services::Database;

/// Tells a child where to write; without it `child` is no test.
const STATE: &str = "OSTLER_TEST_STATE";

const ROUNDS: u32 = 10;

/// What a rollout was when the child said so last.
type Acknowledged = BTreeMap<i64, String>;

#[tokio::test]
async fn a_kill_in_the_middle_of_canaries_moves_none_back_and_changes_nobodys_release() {
    let home = tempfile::tempdir().unwrap();
    for round in 0..ROUNDS {
        let acknowledged = run_and_kill(home.path());
        assert!(!acknowledged.is_empty(), "round {round} acknowledged nothing");
        check(home.path(), &acknowledged).await;
    }
}

fn run_and_kill(home: &Path) -> Acknowledged {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(STATE, home)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut after = fastrand::usize(1..60);
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let (mut line, mut acknowledged) = (String::new(), Acknowledged::new());
    while output.read_line(&mut line).unwrap() > 0 {
        // A line without its end was cut by the kill and acknowledges nothing.
        if let Some((id, said)) =
            line.strip_prefix("ack ").and_then(|rest| rest.strip_suffix('\n')?.split_once(' '))
        {
            acknowledged.insert(id.parse().unwrap(), said.to_owned());
            after = after.saturating_sub(1);
        }
        if after == 0 {
            after = usize::MAX;
            child.kill().unwrap();
        }
        line.clear();
    }
    child.wait().unwrap();
    acknowledged
}

/// Each rollout is where it was said to be, or one transition further: the kill came before that could be said.
async fn check(home: &Path, acknowledged: &Acknowledged) {
    let registry = Registry::open(Database::open(home).unwrap()).unwrap();
    for plugin in ["p0", "p1"] {
        let live = registry.live(plugin).unwrap().unwrap().digest;
        for rollout in registry.rollouts(plugin, usize::MAX).unwrap() {
            let Some(said) = acknowledged.get(&rollout.id) else { continue };
            let (said_step, said) = said.split_once(' ').unwrap();
            let step: usize = said_step.parse().unwrap();
            assert!(rollout.step == step || rollout.step == step + 1, "{said}: {rollout:?}");
            if rollout.step == step && rollout.ended_at_ms.is_none() {
                assert_eq!(fingerprint(&rollout), said, "the same subjects have the new release");
                assert_ne!(live, rollout.candidate, "half of a promotion is none");
            }
        }
    }
    for rollout in registry.rollouts_under_way().unwrap() {
        let events = registry.rollout_events(rollout.id).unwrap();
        assert_eq!(
            events.len(),
            rollout.step + 1,
            "an event for each transition, and for no other: {events:?}"
        );
    }
}

/// Which of many subjects the new release has.
fn fingerprint(rollout: &Rollout) -> String {
    let choice = rollout.choice();
    let takes = |n: u64| choice.takes(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ rollout.salt());
    (0..400).map(|n| if takes(n) { '1' } else { '0' }).collect()
}

/// The child: two plugins that get new releases by way of canaries for ever.
#[test]
fn child() {
    let Some(home) = std::env::var_os(STATE) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let registry = Registry::open(Database::open(Path::new(&home)).unwrap()).unwrap();
    runtime.block_on(async {
        let tasks =
            (0..2).map(|index| tokio::spawn(roll_out_for_ever(registry.clone(), format!("p{index}"))));
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
}

async fn roll_out_for_ever(registry: Registry, plugin: String) {
    let component = |text: String| bytes::Bytes::from(text);
    let mut now = 1_000;
    let spec = RolloutSpec {
        strategy: Strategy::Canary,
        interval: Duration::from_secs(1),
        ..RolloutSpec::default()
    };
    loop {
        let under_way = registry.rollouts_under_way().unwrap().into_iter().find(|one| one.plugin == plugin);
        let mut rollout = match under_way {
            Some(resumed) => resumed,
            None => {
                let text = component(format!("{plugin} {}", fastrand::u64(..)));
                let candidate =
                    registry.record(&plugin, NewRelease::default(), text).await.unwrap().release.digest;
                let stable = registry.live(&plugin).unwrap().map(|live| live.digest);
                let (rollout, event) =
                    Rollout::begin(&plugin, (stable, candidate), spec.clone(), now, ("child", "test"));
                registry.begin_rollout(rollout, event).await.unwrap()
            }
        };
        while rollout.ended_at_ms.is_none() {
            let pass = Verdict::Pass { checks: Vec::new() };
            now = now.max(rollout.step_since_ms) + 1_000;
            let event = rollout.tick(now, 100, Some(&pass)).unwrap();
            registry.save_rollout(rollout.clone(), vec![event]).await.unwrap();
            let mut output = std::io::stdout().lock();
            let line = format!("ack {} {} {}\n", rollout.id, rollout.step, fingerprint(&rollout));
            output.write_all(line.as_bytes()).unwrap();
            output.flush().unwrap();
        }
    }
}
