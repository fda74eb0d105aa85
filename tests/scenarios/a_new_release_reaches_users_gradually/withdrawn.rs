//! Releases that are worse come back by themselves, while at most their share of the users met them.

use super::*;

/// Checks twice a second; the share stays at 20 %, so that it is the analysis that decides.
const WATCHED: &str = "strategy = \"canary\"\ninterval = \"1h\"\nsteps = [20, 100]\nanalysis = { every = \"500ms\", significance = 1e-9 }\n";

/// Deploys `bad` after `good` under load; the rollout once it is withdrawn.
async fn comes_back(good: &str, bad: &str, check: &str) {
    let host = host(WATCHED);
    deploy(&host, good, "").await;
    let before = live(&host).await;
    let crowd = Crowd::start(&host);
    let start = Instant::now();
    deploy(&host, bad, "").await;
    let rollout = until_state(&host, "withdrawn").await;
    let took = start.elapsed();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let seen = crowd.finish().await;
    let (met, users) = seen.users_of("v2");
    println!(
        "{check}: withdrawn after {took:.1?}; {met} of {users} users met it; {:?} answered",
        seen.answers
    );
    assert_eq!(seen.failed, Vec::<String>::new());
    assert!(seen.answers["v2"] > 0, "somebody met it");
    let most = users as f64 * 0.2;
    assert!(met as f64 <= most + 6.0 * (most * 0.8).sqrt(), "{met} of {users} users met it");
    assert_eq!(live(&host).await, before, "the old one serves");
    assert!(crowd::ask_all(&host, Version::Http2).await.iter().all(|version| version == "v1"));
    is_told(&host, &rollout, check).await;
}

/// The evidence is stored, logged and counted.
async fn is_told(host: &Host, rollout: &Value, check: &str) {
    let last = rollout["events"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["what"], &last["who"]), (&json!("withdrawn"), &json!("host")));
    let checks = last["evidence"]["checks"].as_array().unwrap();
    let failed: Vec<_> = checks
        .iter()
        .filter(|one| one["outcome"] == "fail")
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert!(failed.iter().any(|name| name.starts_with(check)), "{check}: {failed:?}");
    assert_eq!(events(rollout), ["begun", "check-failed", "withdrawn"]);
    let line = host.line(|line| line["what"] == "withdrawn" || line["fields"]["what"] == "withdrawn").await;
    assert!(line.to_string().contains("rollout"), "{line}");
    let labels = ["strategy=\"canary\"", "outcome=\"withdrawn\""];
    assert_eq!(host.metric("ostler_rollouts_total", &labels).await, 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_fails_two_of_a_hundred_requests_is_withdrawn() {
    comes_back("version=v1", "version=v2 fail=2", "errors").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_three_times_slower_is_withdrawn() {
    comes_back("version=v1 work=1500000", "version=v2 work=4500000", "p").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_leaks_memory_is_withdrawn() {
    comes_back("version=v1", "version=v2 leak=65536", "memory").await;
}
