//! Flags that are another server's: the host asks it over the network, here another host's OFREP.

use std::time::Duration;

use harness::{Host, Setup};
use http::Method;
use serde_json::{Value, json};

use super::set;

/// A server of flags, and a host that asks it: whether its plugin answers, and what its plugin asks.
fn two_hosts() -> (Host, Host) {
    let far = Setup::new().with("[flags.ofrep]\nauth = []").start();
    let near = Setup::new()
        .with(&format!("[flags.provider]\nkind = 'ofrep'\nurl = 'http://{}'\ndeadline = '5s'", far.address))
        .plugin("p", "flags", "when = 'flag:p-answers'")
        .route("/{*key}", "p")
        .start();
    (far, near)
}

/// Asks until it is so: for a second the last answer counts.
async fn until(near: &Host, path: &str, status: u16, why: &str) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let reply = near.client.send(Method::POST, path, "").await;
        if reply.status == status {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{why}: {} {}", reply.status, reply.text());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_plugin_is_switched_off_by_another_server() {
    let (far, near) = two_hosts();
    set(&far, "p-answers", "off", Value::Null).await;
    let ask = |path: &'static str| near.client.send(Method::POST, path, "");
    let first = ask("/first").await;
    assert_eq!(first.code(), "plugin_switched_off", "the first request waits for the answer");
    for path in ["/second?a=b", "/third"] {
        assert_eq!(ask(path).await.status, 503, "{path}");
    }
    set(&far, "p-answers", "on", Value::Null).await;
    until(&near, "/missing", 211, "switched on").await;
    set(&far, "p-answers", "off", Value::Null).await;
    until(&near, "/missing", 503, "switched off").await;
}

#[tokio::test]
async fn a_plugin_asks_another_server_and_is_told_when_a_flag_is_disabled() {
    let (far, near) = two_hosts();
    set(&far, "asked", "on", Value::Null).await;
    until(&near, "/asked", 201, "on").await;
    let disabled = json!({ "enabled": false }).to_string();
    assert_eq!(far.admin.send(Method::POST, "/v1/flags/asked/toggle", disabled).await.status, 200);
    until(&near, "/asked", 211, "disabled").await;
}
