//! Spin: guests of the real `spin-sdk` crate.

use ::http::Method;
use harness::{Host, Setup};

use super::{good, refused};

#[tokio::test]
async fn every_function_of_spins_key_value_does_what_it_says() {
    let host = Host::of("spin", "grant = { kv = [\"default\"] }");
    for _ in 0..2 {
        let told = good(&host, "/kv?store=default").await;
        let lines: Vec<_> = told.lines().collect();
        assert_eq!(
            lines,
            ["absent None", "get Some(\"1\")", "exists true false", "keys [\"a\", \"b\", \"c\"]", "left []"]
        );
    }
}

#[tokio::test]
async fn what_was_not_granted_to_a_spin_component_is_refused_by_name() {
    let host = Host::of("spin", "");
    let text = refused(&host, "/kv?store=secrets").await;
    assert!(text.contains("not granted") && text.contains("kv = [\"secrets\"]"), "{text}");
    let text = refused(&host, "/variable?name=greeting").await;
    assert!(text.contains("greeting") && text.contains("grant = { config ="), "{text}");
    let text = refused(&host, "/fetch?url=http://127.0.0.1:1/").await;
    assert!(text.contains("not granted") && text.contains("http = [\"http://127.0.0.1:1\"]"), "{text}");
    assert_eq!(good(&host, "/").await, "good");
}

#[tokio::test]
async fn spins_variables_are_the_values_of_the_definition() {
    let host = Host::of("spin", "grant = { config = { greeting = \"hi\" } }");
    assert_eq!(good(&host, "/variable?name=greeting").await, "hi");
}

#[tokio::test]
async fn a_component_of_spins_sdk_before_async_reaches_the_same() {
    let grant = "grant = { kv = [\"default\"], sqlite = [\"default\"], config = { greeting = \"hi\" } }";
    let host = Host::of("spin5", grant);
    for _ in 0..2 {
        let told = good(&host, "/kv?store=default").await;
        let lines: Vec<_> = told.lines().collect();
        assert_eq!(lines, ["absent None", "get Some([49]) true", "keys [\"a\"]", "left []"]);
        let told = good(&host, "/sqlite?database=default").await;
        assert_eq!(told, "[\"a\", \"b\"] Some(7) Some(\"seven\")");
        assert_eq!(good(&host, "/variable?name=greeting").await, "hi");
        assert_eq!(good(&host, "/headers").await, "/headers");
    }
    for path in ["/kv?store=secrets", "/sqlite?database=secrets"] {
        let text = refused(&host, path).await;
        assert!(text.contains("not granted") && text.contains("[\"secrets\"]"), "{text}");
    }
    let host = Host::of("spin5-sqlite3", grant);
    let told = good(&host, "/?database=default").await;
    assert_eq!(told, "rowid 1 changes 1 [\"a\", \"b\"] Some(7) Some(\"seven\")");
}

/// It imports the whole of Spin's world, most of which is linked and absent.
#[tokio::test]
async fn a_component_of_spins_python_sdk_reaches_the_same() {
    let keys = "memory = \"256MiB\"\ndeadline = \"60s\"\n\
                grant = { kv = [\"default\"], sqlite = [\"default\"], config = { greeting = \"hi\" } }";
    let host = Host::of("spin-python", keys);
    for _ in 0..2 {
        assert_eq!(good(&host, "/kv?store=default").await, "absent None\nget b'1' True\nleft False");
        assert_eq!(good(&host, "/sqlite?database=default").await, "['a', 'b'] [[7, 'é']]");
        assert_eq!(good(&host, "/variable?name=greeting").await, "hi");
        assert!(good(&host, "/headers").await.contains("spin-path-info: /headers"));
    }
    for (path, grant) in [
        ("/kv?store=secrets", "kv = [\"secrets\"]"),
        ("/sqlite?database=secrets", "sqlite = [\"secrets\"]"),
        ("/fetch?url=http://127.0.0.1:1/", "http = [\"http://127.0.0.1:1\"]"),
    ] {
        let text = refused(&host, path).await;
        assert!(text.contains("not granted") && text.contains(grant), "{text}");
    }
}

#[tokio::test]
async fn the_request_is_described_in_spins_fields_whatever_the_client_sent() {
    let host = Setup::new().plugin("p", "spin", "").route("/spin/{*rest}", "p").start();
    let mut request = host.client.request(Method::GET, "/spin/headers?a=1", "");
    for name in ["spin-client-addr", "spin-full-url", "spin-path-match-id"] {
        request.headers_mut().insert(name, "forged".parse().unwrap());
    }
    let reply = host.client.try_send(request).await.unwrap();
    let text = reply.text();
    let fields: Vec<_> = text.lines().filter_map(|line| line.split_once(": ")).collect();
    let value = |wanted: &str| fields.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
    assert_eq!(value("spin-path-info"), Some("/headers"));
    assert_eq!(value("spin-matched-route"), Some("/spin/..."));
    assert_eq!(value("spin-raw-component-route"), Some("/spin/..."));
    assert_eq!(value("spin-component-route"), Some("/spin"));
    assert_eq!(value("spin-base-path"), Some("/"));
    let (url, client) = (value("spin-full-url").unwrap(), value("spin-client-addr").unwrap());
    assert!(url.starts_with("http://") && url.ends_with("/spin/headers?a=1"), "{url}");
    assert!(client.starts_with("127.0.0.1:"), "{client}");
    assert!(!text.contains("forged"), "{text}");
}

#[tokio::test]
async fn another_hosts_fields_are_nothing_special_to_other_components() {
    let host = Host::of("typed", "");
    let mut request = host.client.request(Method::GET, "/echo", "");
    request.headers_mut().insert("spin-client-addr", "as sent".parse().unwrap());
    let reply = host.client.try_send(request).await.unwrap();
    assert_eq!(reply.header("x-echo-spin-client-addr"), "as sent");
}
