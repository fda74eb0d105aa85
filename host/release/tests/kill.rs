//! A host that is killed in the middle of uploads keeps what it acknowledged, and nothing torn.
//!
//! The test runs itself again as a child, reads the acknowledgements from its output, kills it with SIGKILL at a random
//! instant, and looks at what is left.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use ostler_core::Digest;
use ostler_core::rollout::RolloutSpec;
use ostler_release::rollout::Rollout;
use ostler_release::{NewRelease, Registry};
use ostler_services::Database;

/// Tells a child where to write; without it `child` is no test.
const STATE: &str = "OSTLER_TEST_STATE";

const ROUNDS: u32 = 12;

/// So many that retention drops nothing that was acknowledged.
const KEEP: usize = 1_000_000;

const PLUGINS: [&str; 3] = ["p0", "p1", "p2"];

type Uploads = BTreeSet<(String, Digest)>;

#[tokio::test]
async fn every_acknowledged_release_survives_a_kill_in_the_middle_of_uploads() {
    let home = tempfile::tempdir().unwrap();
    let mut acknowledged = Uploads::new();
    for round in 0..ROUNDS {
        let before = acknowledged.len();
        run_and_kill(home.path(), &mut acknowledged);
        assert!(acknowledged.len() > before, "round {round} acknowledged nothing");
        check(home.path(), &acknowledged).await;
    }
}

/// Lets a child upload until it has acknowledged a random number, then kills it and reads what it said last.
fn run_and_kill(home: &Path, acknowledged: &mut Uploads) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(STATE, home)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut after = fastrand::usize(1..40);
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while output.read_line(&mut line).unwrap() > 0 {
        // A line without its end was cut by the kill and acknowledges nothing.
        if let Some(upload) = line.strip_prefix("ack ").and_then(|rest| rest.strip_suffix('\n')) {
            let (plugin, digest) = upload.split_once(' ').unwrap();
            acknowledged.insert((plugin.to_owned(), digest.parse().unwrap()));
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

async fn check(home: &Path, acknowledged: &Uploads) {
    let registry = Registry::open(Database::open(home).unwrap()).unwrap();
    for (plugin, digest) in acknowledged {
        let release = registry.release(plugin, digest).unwrap();
        let component = registry.component(*digest).await.unwrap();
        assert_eq!((component.len() as u64, Digest::of(&component)), (release.size, *digest));
    }
    for (plugin, live) in PLUGINS.iter().filter_map(|plugin| Some((plugin, registry.live(plugin).unwrap()?)))
    {
        registry.component(live.digest).await.unwrap();
        let own = registry.list(plugin).unwrap();
        assert!(
            own.iter().all(|one| one.live == (one.digest == live.digest)),
            "{plugin} has one live release"
        );
    }
    let named = PLUGINS.map(|plugin| registry.list(plugin).unwrap().len()).iter().sum::<usize>();
    assert_eq!(home.join("artifacts").read_dir().unwrap().count(), named, "no torn or orphaned file is left");
}

/// The child: three plugins that get new releases for ever, and say so once an upload has returned.
#[test]
fn child() {
    let Some(home) = std::env::var_os(STATE) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let registry = Registry::open(Database::open(Path::new(&home)).unwrap()).unwrap().with_keep(KEEP);
    runtime.block_on(async {
        for task in PLUGINS.map(|plugin| tokio::spawn(upload_for_ever(registry.clone(), plugin))) {
            task.await.unwrap();
        }
    });
}

async fn upload_for_ever(registry: Registry, plugin: &str) {
    loop {
        let component: Vec<u8> = (0..fastrand::usize(1..200_000)).map(|_| fastrand::u8(..)).collect();
        let recorded = registry.record(plugin, NewRelease::default(), component.into()).await.unwrap();
        let releases = (registry.live(plugin).unwrap().map(|live| live.digest), recorded.release.digest);
        let (rollout, event) = Rollout::begin(plugin, releases, RolloutSpec::default(), 1_000, ("child", ""));
        registry.begin_rollout(rollout, event).await.unwrap();
        let mut output = std::io::stdout().lock();
        output.write_all(format!("ack {plugin} {}\n", recorded.release.digest).as_bytes()).unwrap();
        output.flush().unwrap();
    }
}
