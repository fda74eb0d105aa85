//! `instances`: warm ones remember, fresh ones never do, and none outlives a failure.

use std::time::{Duration, Instant};

use harness::Host;

#[tokio::test]
async fn a_warm_instance_serves_many_requests() {
    let host = Host::of("typed", "concurrency = 1");
    assert_eq!(counts(&host, 5).await, ["1", "2", "3", "4", "5"]);
    assert_eq!(host.metric("ostler_instances", &["plugin=\"p\"", "state=\"idle\""]).await, 1.0);
}

#[tokio::test]
async fn a_fresh_instance_serves_one() {
    let host = Host::of("typed", "instances = \"fresh\"");
    assert_eq!(counts(&host, 5).await, ["1"; 5]);
    assert_eq!(host.metric("ostler_instances", &["plugin=\"p\"", "state=\"idle\""]).await, 0.0);
    assert_eq!(host.metric("ostler_plugin_memory_bytes", &["plugin=\"p\""]).await, 0.0);
}

#[tokio::test]
async fn an_instance_is_replaced_after_so_many_requests() {
    let host = Host::of("typed", "concurrency = 1\nrequests_per_instance = 3");
    assert_eq!(counts(&host, 7).await, ["1", "2", "3", "1", "2", "3", "1"]);
}

#[tokio::test]
async fn an_instance_that_failed_is_never_used_again() {
    let host =
        Host::of("typed", "concurrency = 1\ndeadline = \"1s\"\nmemory = \"16MiB\"\nresponse_body = \"1MiB\"");
    for path in ["/trap", "/panic", "/recurse", "/memory", "/spin"] {
        assert_eq!(counts(&host, 2).await, ["1", "2"], "before {path}");
        assert!(host.client.get(path).await.status.is_server_error());
    }
    // An honest refusal is no failure of the instance.
    assert_eq!(counts(&host, 1).await, ["1"]);
    for path in ["/error", "/problem", "/body?bytes=2000000", "/status?code=0"] {
        assert!(!host.client.get(path).await.status.is_success());
    }
    assert_eq!(counts(&host, 1).await, ["2"]);
}

#[tokio::test]
async fn streaming_handlers_reuse_their_instances_too() {
    for component in ["p2", "p3"] {
        let host = Host::of(component, "concurrency = 1");
        let mut held = Vec::new();
        for path in ["/", "/echo", "/drip", "/trailers", "/ignore-body", "/body?bytes=100000", "/"] {
            assert_eq!(host.client.send(http::Method::POST, path, "abc").await.status, 200);
            let idle = || host.metric("ostler_instances", &["plugin=\"p\"", "state=\"idle\""]);
            let start = Instant::now();
            while idle().await != 1.0 {
                assert!(start.elapsed() < Duration::from_secs(5), "{component} {path}: no instance is kept");
                tokio::task::yield_now().await;
            }
            held.push(host.metric("ostler_plugin_memory_bytes", &["plugin=\"p\""]).await);
        }
        println!("{component}: {held:?}");
    }
}

async fn counts(host: &Host, times: usize) -> Vec<String> {
    let mut counts = Vec::new();
    for _ in 0..times {
        counts.push(host.client.get("/counter").await.text().trim().to_owned());
    }
    counts
}
