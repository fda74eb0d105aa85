//! Harm after the head is out: the status is gone, so the body must not end as if it were whole.

use super::{ask, comes_back, goes_on, host, plugin};

#[tokio::test]
async fn a_plugin_of_wasi_http_2() {
    harm("p2").await;
}

#[tokio::test]
async fn a_plugin_of_wasi_http_3() {
    harm("p3").await;
}

async fn harm(component: &str) {
    for instances in ["warm", "fresh"] {
        let host = host(component, instances);
        for (path, code) in [
            ("/endless", "response_too_large"),
            ("/body?bytes=1048577", "response_too_large"),
            ("/wait-inside", "deadline_exceeded"),
            ("/spin-inside", "deadline_exceeded"),
        ] {
            let reply = ask(&host, path, code).await;
            assert_eq!(reply.status, 200, "{path}");
            assert!(!reply.whole, "{path} ended as if it were whole");
            assert!(reply.body.len() <= 1 << 20, "{path} sent {}", reply.body.len());
            told(&host, reply.header("x-request-id"), code).await;
            goes_on(&host, path).await;
        }
        // What dies before its head is sent on is still given the right status.
        let reply = ask(&host, "/trap-inside", "plugin_trapped").await;
        assert!(reply.status == 500 || !reply.whole, "it ended as if it were whole: {reply:?}");
        told(&host, reply.header("x-request-id"), "plugin_trapped").await;
        goes_on(&host, "/trap-inside").await;
        for kind in ["deadline_exceeded", "plugin_trapped"] {
            let labels = [&*format!("plugin={:?}", plugin(kind)), &format!("kind={kind:?}")];
            let counted = host.metric("ostler_plugin_traps_total", &labels).await;
            // On a busy machine honest requests may have missed the short deadline, too.
            assert!(
                if kind == "plugin_trapped" { counted == 1.0 } else { counted >= 2.0 },
                "{kind}: {counted}"
            );
        }
        comes_back(&host, if instances == "fresh" { 0.0 } else { 16e6 }).await;
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_cut_at_the_deadline() {
    for component in ["p2", "p3"] {
        let host = harness::Host::of(component, "deadline = \"300ms\"\nresponse_body = \"1TiB\"");
        let reply = host.client.get("/endless").await;
        assert!(!reply.whole && !reply.body.is_empty(), "{component}: {} bytes", reply.body.len());
        told(&host, reply.header("x-request-id"), "deadline_exceeded").await;
    }
}

/// The access line says why the body broke off.
async fn told(host: &harness::Host, id: &str, code: &str) {
    let access = host.line(|line| line["request_id"] == id && line["msg"] == "request").await;
    assert_eq!(access["kind"], code, "{access}");
}
