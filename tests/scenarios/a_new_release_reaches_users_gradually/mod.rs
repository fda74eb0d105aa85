//! A new release takes over from the old one by shares, under load on HTTP/1.1 and HTTP/2: shares are what they are said to be,
//! users stay with what they got, what is worse comes back by itself, and no request fails for it.

mod crowd;
mod people;
mod shadow;
mod withdrawn;

use std::time::{Duration, Instant};

use harness::{Host, Setup, Version, behaving};
use http::Method;
use serde_json::{Value, json};

use crowd::{Crowd, within_six_sigma};

/// Longest a rollout of these tests may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A plugin whose users are told apart by `x-user`, with further keys of its rollout.
fn host(rollout: &str) -> Host {
    let plugin =
        format!("[plugins.p]\nconcurrency = 16\n[plugins.p.rollout]\nsticky = \"header:x-user\"\n{rollout}");
    Setup::new().with(&plugin).route("/{*rest}", "p").route("/", "p").start()
}

/// Uploads a release that behaves as `words` say.
async fn deploy(host: &Host, words: &str, query: &str) -> Value {
    let path = format!("/v1/plugins/p/releases{query}");
    let reply = host.admin.send(Method::PUT, &path, behaving(words)).await;
    assert!(matches!(reply.status.as_u16(), 200 | 201), "{} {}", reply.status, reply.text());
    reply.json()
}

async fn rollout(host: &Host) -> Value {
    host.admin.get("/v1/plugins/p/rollout").await.json()
}

/// The rollout once it is as `wanted`.
async fn until(host: &Host, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let start = Instant::now();
    loop {
        let rollout = rollout(host).await;
        if wanted(&rollout) {
            return rollout;
        }
        assert!(start.elapsed() < PATIENCE, "never {what}: {rollout:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn until_state(host: &Host, state: &str) -> Value {
    until(host, state, |rollout| rollout["state"] == state).await
}

async fn steer(host: &Host, wish: &str, why: &str) -> Value {
    let body = json!({ "who": "anna", "why": why }).to_string();
    let reply = host.admin.send(Method::POST, &format!("/v1/plugins/p/rollout/{wish}"), body).await;
    assert_eq!(reply.status, 200, "{wish}: {}", reply.text());
    reply.json()
}

/// What happened, in order.
fn events(rollout: &Value) -> Vec<&str> {
    rollout["events"].as_array().unwrap().iter().map(|event| event["what"].as_str().unwrap()).collect()
}

/// Short digest of the release that serves.
async fn live(host: &Host) -> String {
    host.admin.get("/v1/plugins/p").await.json()["live"]["digest"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_are_exact_and_users_stay_on_both_versions_of_http() {
    let host = host("strategy = \"canary\"\ninterval = \"1h\"\nsteps = [10, 30, 100]\n");
    deploy(&host, "version=v1", "").await;
    deploy(&host, "version=v2", "").await;
    for (step, share) in [(1, 0.1), (2, 0.3)] {
        let first = crowd::ask_all(&host, Version::Http1).await;
        within_six_sigma(first.iter().filter(|version| *version == "v2").count(), first.len(), share);
        assert_eq!(crowd::ask_all(&host, Version::Http2).await, first, "users stay, whatever they speak");
        assert_eq!(crowd::ask_all(&host, Version::Http1).await, first);
        if step == 1 {
            let before = first;
            deploy_is_refused_meanwhile(&host).await;
            // The same releases at a greater share, in a rollout that is begun anew.
            steer(&host, "abort", "to begin at 30 %").await;
            deploy(&host, "version=v2", "?steps=30,100").await;
            let after = crowd::ask_all(&host, Version::Http1).await;
            let had_it = |user: &(&String, &String)| user.0 == "v2" && user.1 != "v2";
            assert_eq!(before.iter().zip(&after).find(had_it), None, "who had it has it again");
        }
    }
    steer(&host, "promote", "good enough").await;
    let all = crowd::ask_all(&host, Version::Http2).await;
    assert!(all.iter().all(|version| version == "v2"));
}

async fn deploy_is_refused_meanwhile(host: &Host) {
    let reply = host.admin.send(Method::PUT, "/v1/plugins/p/releases", behaving("version=v3")).await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (409, "conflict"), "{}", reply.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_release_reaches_everybody_and_a_growing_share_takes_nobody_back() {
    let host = host(
        "strategy = \"canary\"\ninterval = \"1s\"\nmin_requests = 50\nsteps = [10, 50, 100]\nanalysis = { every = \"250ms\", significance = 1e-9 }\n",
    );
    deploy(&host, "version=v1", "").await;
    let crowd = Crowd::start(&host);
    deploy(&host, "version=v2", "?who=anna&why=new+prices").await;
    let ended = until_state(&host, "promoted").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let seen = crowd.finish().await;
    assert_eq!(seen.failed, Vec::<String>::new(), "no request fails for a transition");
    seen.nobody_goes_back("v2", "v1");
    let all = crowd::ask_all(&host, Version::Http1).await;
    assert!(all.iter().all(|version| version == "v2"), "everybody has the new one in the end");
    assert_eq!(events(&ended).iter().filter(|what| **what == "step").count(), 2, "{ended:#}");
    assert_eq!(*events(&ended).last().unwrap(), "promoted");
    assert_eq!(
        (&ended["events"][0]["who"], &ended["events"][0]["why"]),
        (&json!("anna"), &json!("new prices"))
    );
    assert_eq!(live(&host).await, ended["candidate"]);
    assert_eq!(
        host.metric("ostler_rollouts_total", &["strategy=\"canary\"", "outcome=\"promoted\""]).await,
        1.0
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_little_traffic_holds_and_never_promotes() {
    let host = host(
        "strategy = \"canary\"\ninterval = \"100ms\"\nmin_requests = 20\nsteps = [50, 100]\nanalysis = { every = \"100ms\" }\n",
    );
    deploy(&host, "version=v1", "").await;
    deploy(&host, "version=v2", "").await;
    until_state(&host, "holding").await;
    crowd::ask_some(&host, 15).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let held = rollout(&host).await;
    assert_eq!((&held["state"], &held["share"]), (&json!("holding"), &json!("50%")));
    assert_eq!(events(&held), ["begun", "holding"], "said once");
    crowd::ask_some(&host, 100).await;
    until(&host, "at 100 %", |rollout| rollout["share"] == "100%").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_in_the_middle_of_a_canary_changes_nobodys_release() {
    let mut host = host("strategy = \"canary\"\ninterval = \"1h\"\nsteps = [30, 100]\n");
    deploy(&host, "version=v1", "").await;
    deploy(&host, "version=v2", "").await;
    let (before, was) = (crowd::ask_all(&host, Version::Http1).await, rollout(&host).await);
    for _ in 0..2 {
        host = host.kill_and_restart();
        let now = rollout(&host).await;
        for key in ["id", "state", "step", "share", "candidate", "stable", "started_at_ms", "step_since_ms"] {
            assert_eq!(now[key], was[key], "{key}");
        }
        assert_eq!(crowd::ask_all(&host, Version::Http2).await, before);
    }
    steer(&host, "abort", "enough").await;
    let host = host.kill_and_restart();
    assert_eq!(rollout(&host).await["state"], "aborted");
    assert!(crowd::ask_all(&host, Version::Http1).await.iter().all(|version| version == "v1"));
}
