//! The same stores and values under their WASI names.

use ::http::Method;
use harness::Host;

use super::{denied, good};

#[tokio::test]
async fn every_function_of_wasi_keyvalue_does_what_it_says() {
    let host = Host::of("p2", "grant = { kv = [\"a\"] }");
    for _ in 0..2 {
        let told = good(&host, Method::GET, "/wasi-keyvalue?store=a", "").await.text();
        let lines: Vec<_> = told.lines().collect();
        assert_eq!(
            lines,
            [
                "absent None",
                "get Some(\"1\")",
                "exists true false",
                "increment 42",
                "many [Some((\"c\", Some(\"3\"))), None, Some((\"a\", Some(\"42\")))]",
                "keys [\"a\", \"b\", \"c\"] None",
                "left []",
            ]
        );
    }
}

#[tokio::test]
async fn a_store_that_was_not_granted_does_not_open() {
    let host = Host::of("p2", "");
    let text = denied(&host, "/wasi-keyvalue?store=secrets").await;
    assert!(text.contains("not granted") && text.contains("secrets"), "{text}");
}

#[tokio::test]
async fn wasi_config_tells_the_values_of_the_definition() {
    let host = Host::of("p2", "grant = { config = { greeting = \"hi\" } }");
    assert_eq!(good(&host, Method::GET, "/wasi-config?key=greeting", "").await.text(), "hi");
    assert_eq!(host.client.get("/wasi-config?key=other").await.status, 404);
}
