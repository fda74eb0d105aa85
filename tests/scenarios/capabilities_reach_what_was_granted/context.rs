//! `config` and `context`: values of the definition, and facts about the exchange.

use ::http::Method;
use harness::Host;

use super::good;

#[tokio::test]
async fn a_plugin_reads_its_own_configuration_only() {
    let host = Host::of("typed", "grant = { config = { greeting = \"hi\", empty = \"\" } }");
    assert_eq!(good(&host, Method::GET, "/config?key=greeting", "").await.text(), "hi");
    assert_eq!(good(&host, Method::GET, "/config?key=empty", "").await.text(), "");
    for key in ["other", "PATH", "HOME", ""] {
        assert_eq!(host.client.get(&format!("/config?key={key}")).await.status, 404, "{key}");
    }
}

#[tokio::test]
async fn the_context_tells_who_asks_for_what_until_when() {
    let host = Host::of("typed", "deadline = \"30s\"");
    let reply = good(&host, Method::GET, "/context", "").await;
    let context = reply.json();
    assert_eq!(context["request_id"], reply.header("x-request-id"));
    assert_eq!((&context["route"], &context["plugin"]), (&"/{*rest}".into(), &"p".into()));
    assert_eq!(context["client_address"], "127.0.0.1");
    let release = context["release"].as_str().unwrap();
    assert!(release.starts_with("sha256:") && release.len() == 7 + 64, "{release}");
    let left = context["deadline_left_ms"].as_u64().unwrap();
    assert!((10_000..=30_000).contains(&left), "{left}");
    // Warm: the next exchange has a context of its own.
    let next = good(&host, Method::GET, "/context", "").await;
    assert_ne!(next.header("x-request-id"), reply.header("x-request-id"));
    assert_eq!(next.json()["request_id"], next.header("x-request-id"));
}

#[tokio::test]
async fn a_sane_request_id_is_taken_over_and_any_other_is_replaced() {
    let host = Host::of("typed", "");
    let ask = async |id: &str| {
        let mut request = host.client.request(Method::GET, "/context", "");
        request.headers_mut().insert("x-request-id", id.parse().unwrap());
        let reply = host.client.try_send(request).await.unwrap();
        assert_eq!(reply.json()["request_id"], reply.header("x-request-id"));
        reply.header("x-request-id").to_owned()
    };
    for sane in ["abc", "A-1.2_3:4/5+6=", &"x".repeat(128)] {
        assert_eq!(ask(sane).await, sane);
    }
    for insane in ["a b", "<script>", "\"", &"x".repeat(129), "a,b"] {
        let id = ask(insane).await;
        assert_ne!(id, insane);
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    }
}
