//! Hosts that share a Redis see each other's changes, and two never both win.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use harness::{PATIENCE, Server};
use ostler_release::flags::{Change, ChangeError, Config, Nobody, Note, State, Store};
use ostler_services::{Clock, Database, Redis, redis};
use serde_json::json;
use tempfile::TempDir;

fn server(port: u16) -> Command {
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &port.to_string()]);
    command
}

/// The flags of one host.
fn node(folder: &Path, port: u16) -> Store {
    let config = redis::Config { url: format!("redis://127.0.0.1:{port}"), deadline: Duration::from_secs(1) };
    let flags = Config { shared: true, ..Config::default() };
    let database = Database::open(folder).unwrap();
    Store::open(database, Clock::default(), &flags, Some(Redis::new(&config).unwrap())).unwrap()
}

struct Place {
    folders: [TempDir; 2],
    redis: Server,
    nodes: [Store; 2],
}

impl Place {
    async fn new() -> Self {
        let redis = Server::start(server);
        let folders = [0, 1].map(|_| tempfile::tempdir().unwrap());
        let nodes = [0, 1].map(|index: usize| node(folders[index].path(), redis.port()));
        let place = Place { folders, redis, nodes };
        place.connected(true).await;
        place
    }

    async fn connected(&self, wanted: bool) {
        for node in &self.nodes {
            until(|| node.is_connected() == Some(wanted)).await;
        }
    }
}

async fn until(holds: impl Fn() -> bool) -> Duration {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < PATIENCE, "never");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    since.elapsed()
}

fn note(expected: Option<u64>) -> Note {
    Note { expected, who: "ada".into(), why: "because".into() }
}

async fn set(store: &Store, default: &str, expected: Option<u64>) -> Result<Change, ChangeError> {
    let flag = json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": default});
    store.set("f", flag.to_string().as_bytes(), note(expected)).await
}

fn is_on(store: &Store) -> bool {
    store.flags().boolean("f", false, &Nobody).value
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_on_one_host_counts_on_the_other_within_a_tenth_of_a_second() {
    let place = Place::new().await;
    let [one, other] = &place.nodes;
    let mut took = Vec::new();
    for round in 0..10 {
        let default = if round % 2 == 0 { "on" } else { "off" };
        set(one, default, Some(round)).await.unwrap();
        assert_eq!(is_on(one), round % 2 == 0);
        took.push(until(|| is_on(other) == (round % 2 == 0)).await);
    }
    took.sort();
    println!("the other host saw changes after {took:?}");
    // The machine may be busy with other tests; that eight of ten are late would not be its doing.
    assert!(took[2] < Duration::from_millis(100), "{took:?}");
    until(|| other.history("f").unwrap().len() == 10).await;
    assert_eq!(one.history("f").unwrap(), other.history("f").unwrap());
    assert_eq!(one.flags().all().version(), other.flags().all().version());

    other.toggle("f", State::Disabled, note(None)).await.unwrap();
    until(|| one.version("f").unwrap() == 11).await;
    one.remove("f", note(Some(11))).await.unwrap();
    until(|| other.flags().all().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_changes_of_one_version_one_wins() {
    let place = Place::new().await;
    let [one, other] = &place.nodes;
    for round in 0..20 {
        let both = tokio::join!(set(one, "on", Some(round)), set(other, "off", Some(round)));
        let won = u64::from(both.0.is_ok()) + u64::from(both.1.is_ok());
        assert_eq!(won, 1, "{both:?}");
        let lost = both.0.err().or(both.1.err()).unwrap();
        assert!(matches!(lost, ChangeError::Conflict { found, .. } if found == round + 1), "{lost}");
        until(|| [one, other].iter().all(|node| node.version("f").unwrap() == round + 1)).await;
        // The set that answers follows the version by a moment.
        until(|| is_on(one) == is_on(other)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_redis_serves_its_own_copy_and_refuses_changes() {
    let mut place = Place::new().await;
    set(&place.nodes[0], "on", None).await.unwrap();
    let nodes = place.nodes.clone();
    until(|| is_on(&nodes[1])).await;
    let port = place.redis.port();
    place.redis.kill();
    for node in &nodes {
        assert!(matches!(set(node, "off", None).await, Err(ChangeError::SharedStoreGone)));
        assert!(is_on(node));
    }
    // A Redis that comes back empty is told what the hosts know.
    place.redis = Server::again(port, server(port));
    for node in &nodes {
        until(|| node.is_connected() == Some(true)).await;
    }
    let since = Instant::now();
    while let Err(error) = set(&nodes[1], "off", Some(1)).await {
        assert!(matches!(error, ChangeError::SharedStoreGone) && since.elapsed() < PATIENCE, "{error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    until(|| !is_on(&nodes[0])).await;
    assert_eq!(nodes[0].version("f").unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_starts_knows_what_the_others_know() {
    let place = Place::new().await;
    for default in ["on", "off", "on"] {
        set(&place.nodes[0], default, None).await.unwrap();
    }
    let third = tempfile::tempdir().unwrap();
    let new = node(third.path(), place.redis.port());
    until(|| is_on(&new)).await;
    // What came before comes as well, so that it can be gone back to.
    until(|| new.history("f").unwrap() == place.nodes[0].history("f").unwrap()).await;
    // What others write there that is no change of a flag harms nobody.
    let mut raw = Command::new("redis-cli");
    raw.args([
        "-p",
        &place.redis.port().to_string(),
        "XADD",
        "ostler:flags:changes",
        "*",
        "change",
        "{\"key\": \"f\"}",
    ]);
    assert!(raw.output().unwrap().status.success());
    set(&new, "off", None).await.unwrap();
    until(|| !is_on(&place.nodes[1])).await;
    let mut raw = Command::new("redis-cli");
    raw.args(["-p", &place.redis.port().to_string(), "HSET", "ostler:flags", "f", "{"]);
    assert!(raw.output().unwrap().status.success());
    assert_eq!(set(&new, "on", Some(4)).await.unwrap().version, 5);
    until(|| is_on(&place.nodes[1])).await;
    assert!(place.folders.iter().all(|folder| folder.path().exists()));
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_that_have_different_definitions_of_one_version_end_with_one() {
    let place = Place::new().await;
    set(&place.nodes[0], "on", None).await.unwrap();
    let third = tempfile::tempdir().unwrap();
    let alone =
        Store::open(Database::open(third.path()).unwrap(), Clock::default(), &Config::default(), None);
    set(&alone.unwrap(), "off", None).await.unwrap();
    let new = node(third.path(), place.redis.port());
    assert_eq!((is_on(&new), new.version("f").unwrap()), (false, 1));
    until(|| is_on(&new)).await;
    assert_eq!(new.history("f").unwrap(), place.nodes[0].history("f").unwrap());
}
