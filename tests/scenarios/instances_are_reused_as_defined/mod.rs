//! `instances`: warm ones remember, fresh ones never do, and none outlives a failure.

use harness::{Host, Setup, Version, until};
use http::Method;

const KINDS: [&str; 3] = ["typed", "p2", "p3"];

#[tokio::test]
async fn a_warm_instance_serves_many_requests() {
    for component in KINDS {
        let host = Host::of(component, "concurrency = 1");
        assert_eq!(counts(&host, 5).await, ["1", "2", "3", "4", "5"], "{component}");
        until("its instance is not kept", async || idle(&host).await == 1.0).await;
    }
}

#[tokio::test]
async fn a_fresh_instance_serves_one() {
    for component in KINDS {
        let host = Host::of(component, "instances = \"fresh\"");
        assert_eq!(counts(&host, 5).await, ["1"; 5], "{component}");
        let held = async || host.metric("ostler_plugin_memory_bytes", &["plugin=\"p\""]).await;
        until("memory is kept", async || held().await == 0.0 && idle(&host).await == 0.0).await;
    }
}

#[tokio::test]
async fn instances_that_one_plugin_only_keeps_make_room_for_another() {
    let setup = Setup::new().with("[runtime]\ninstances = 16");
    let setup = setup.plugin("greedy", "p2", "concurrency = 32").plugin("late", "p2", "");
    let host = setup.route("/drip", "greedy").route("/", "late").start();
    let client = host.client(Version::Http2);
    let burst: Vec<_> = (0..32)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.get("/drip?chunks=20&ms=20").await })
        })
        .collect();
    let mut refused = 0;
    for reply in burst {
        refused += usize::from(reply.await.unwrap().status == 503);
    }
    assert!(refused > 0, "the burst found room for all, so it did not fill the pool");
    let kept = async || host.metric("ostler_instances", &["plugin=\"greedy\"", "state=\"idle\""]).await;
    until("no instance is kept", async || kept().await > 0.0).await;
    assert_eq!(host.client.get("/").await.status, 200);
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
async fn whatever_a_streaming_handler_does_well_keeps_its_instance() {
    for component in ["p2", "p3"] {
        let host = Host::of(component, "concurrency = 1");
        let paths = ["/", "/echo", "/drip", "/trailers", "/ignore-body", "/body?bytes=100000", "/refuse"];
        for (path, seen) in paths.into_iter().zip(1..) {
            assert_eq!(counts(&host, 1).await, [seen.to_string()], "{component} before {path}");
            host.client.send(Method::POST, path, "abc").await;
        }
        assert_eq!(counts(&host, 1).await, [(paths.len() + 1).to_string()], "{component}");
        host.client.get("/trap").await;
        assert_eq!(counts(&host, 1).await, ["1"], "{component}");
    }
}

async fn idle(host: &Host) -> f64 {
    host.metric("ostler_instances", &["plugin=\"p\"", "state=\"idle\""]).await
}

async fn counts(host: &Host, times: usize) -> Vec<String> {
    let mut counts = Vec::new();
    for _ in 0..times {
        counts.push(host.client.get("/counter").await.text().trim().to_owned());
    }
    counts
}
