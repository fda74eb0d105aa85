//! Harm before there is an answer: the status tells.

use super::{comes_back, goes_on, host, plugin, refused};

/// Paths of every kind of component, with what they end in.
const EVERYWHERE: &[(&str, u16, &str)] = &[
    ("/spin", 504, "deadline_exceeded"),
    ("/trap", 500, "plugin_trapped"),
    ("/panic", 500, "plugin_trapped"),
    ("/headers?count=200&bytes=10", 500, "response_too_large"),
    ("/headers?count=10&bytes=9000", 500, "response_too_large"),
];

const TYPED: &[(&str, u16, &str)] = &[
    ("/recurse", 500, "plugin_trapped"),
    ("/memory", 500, "plugin_out_of_memory"),
    ("/memory-touched", 500, "plugin_out_of_memory"),
    ("/heap", 500, "plugin_out_of_memory"),
    ("/flood-kv?store=flood", 504, "deadline_exceeded"),
    ("/flood-kv?store=other", 504, "deadline_exceeded"),
    ("/flood-log", 504, "deadline_exceeded"),
    ("/flood-context", 504, "deadline_exceeded"),
    ("/body?bytes=1048577", 500, "response_too_large"),
    ("/error", 500, "plugin_failed"),
    ("/status?code=0", 500, "plugin_failed"),
    ("/status?code=101", 500, "plugin_failed"),
    ("/status?code=1000", 500, "plugin_failed"),
    ("/header?name=a%20b&value=x", 500, "plugin_failed"),
    ("/header?name=x&value=a%0D%0Ab:%20c", 500, "plugin_failed"),
    ("/header-bytes", 500, "plugin_failed"),
];

const P2: &[(&str, u16, &str)] = &[
    ("/memory", 500, "plugin_out_of_memory"),
    ("/handles", 500, "plugin_limit_exceeded"),
    ("/pollables", 500, "plugin_limit_exceeded"),
    ("/flood-stdout", 504, "deadline_exceeded"),
    ("/wait", 504, "deadline_exceeded"),
    ("/silent", 500, "plugin_failed"),
    ("/refuse", 500, "plugin_failed"),
    ("/exit", 500, "plugin_trapped"),
];

const P3: &[(&str, u16, &str)] = &[
    ("/streams", 500, "plugin_limit_exceeded"),
    ("/memory", 500, "plugin_out_of_memory"),
    ("/handles", 500, "plugin_limit_exceeded"),
    ("/wait", 504, "deadline_exceeded"),
    ("/refuse", 500, "plugin_failed"),
];

#[tokio::test]
async fn a_warm_typed_plugin() {
    harm("typed", "warm", TYPED).await;
}

#[tokio::test]
async fn a_fresh_typed_plugin() {
    harm("typed", "fresh", TYPED).await;
}

#[tokio::test]
async fn a_warm_plugin_of_wasi_http_2() {
    harm("p2", "warm", P2).await;
}

#[tokio::test]
async fn a_fresh_plugin_of_wasi_http_2() {
    harm("p2", "fresh", P2).await;
}

#[tokio::test]
async fn a_warm_plugin_of_wasi_http_3() {
    harm("p3", "warm", P3).await;
}

#[tokio::test]
async fn a_fresh_plugin_of_wasi_http_3() {
    harm("p3", "fresh", P3).await;
}

#[tokio::test]
async fn a_table_that_grows_without_end() {
    // The second allows more than the host's pool has room for.
    for elements in [20_000, 10_000_000] {
        let host = harness::Setup::new()
            .plugin("bad", "table-bomb", &format!("deadline = \"30s\"\ntable_elements = {elements}"))
            .route("/bomb", "bad")
            .plugin("good", "typed", "")
            .route("/", "good")
            .start();
        for _ in 0..20 {
            let reply = host.client.get("/bomb").await;
            assert_eq!((reply.status.as_u16(), reply.code().as_str()), (500, "plugin_out_of_memory"));
        }
        assert_eq!(host.client.get("/").await.status, 200);
        comes_back(&host, 0.0).await;
    }
}

async fn harm(component: &str, instances: &str, own: &[(&str, u16, &str)]) {
    let host = host(component, instances);
    goes_on(&host, "the start").await;
    for (path, status, code) in EVERYWHERE.iter().chain(own) {
        refused(&host, path, *status, code).await;
    }
    comes_back(&host, if instances == "fresh" { 0.0 } else { 16e6 }).await;
    for kind in ["deadline_exceeded", "plugin_trapped", "response_too_large"] {
        let paths = EVERYWHERE.iter().chain(own).filter(|(_, _, code)| *code == kind).count();
        let labels = [&*format!("plugin={:?}", plugin(kind)), &format!("kind={kind:?}")];
        let traps = host.metric("ostler_plugin_traps_total", &labels).await;
        let requests = host.metric("ostler_requests_total", &labels).await;
        assert_eq!(traps, requests, "{kind}");
        // On a busy machine honest requests may have missed the short deadline, too.
        let more = plugin(kind) == "late" && traps >= paths as f64;
        assert!(traps == paths as f64 || more, "{kind}: {traps} for {paths} paths");
    }
}
