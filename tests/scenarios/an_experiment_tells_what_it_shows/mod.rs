//! A flag under experiment: exchanges are counted by variant with what plugins report, compared, kept over a kill, forgotten.

use std::time::Duration;

use harness::{Host, Setup};
use http::{HeaderValue, Method};
use serde_json::{Value, json};

const FLAG: &str = "/v1/flags/new-checkout";

fn start() -> Host {
    let setup = Setup::new();
    std::fs::write(setup.folder().join("shop.wasm"), harness::behaving("version=v1")).unwrap();
    setup
        .server("listen = [\"http://127.0.0.1:0\"]\ntrusted_proxies = [\"127.0.0.1\"]")
        .with("[plugins.shop]\npath = 'shop.wasm'")
        .route("/{*rest}", "shop")
        .start()
}

async fn set_flag(host: &Host, metadata: Value) {
    let definition = json!({ "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "off",
        "targeting": { "fractional": [["on", 50], ["off", 50]] }, "metadata": metadata });
    let body = json!({ "definition": definition }).to_string();
    let reply = host.admin.send(Method::PUT, FLAG, body).await;
    assert!(reply.status.is_success(), "{}", reply.text());
}

/// As the visitor at that address.
async fn visit(host: &Host, visitor: u32, path: &str) -> String {
    let mut request = host.client.request(Method::GET, path, "");
    let address = std::net::Ipv4Addr::from(0x0b00_0000 + visitor * 257).to_string();
    request.headers_mut().insert("x-forwarded-for", HeaderValue::from_str(&address).unwrap());
    let reply = host.client.try_send(request).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.text()
}

/// Visitors who buy more often if they are shown the new checkout: 3 of 10, where 1 of 10 does otherwise.
async fn visits(host: &Host, visitors: std::ops::Range<u32>) {
    for visitor in visitors {
        let shown = visit(host, visitor, "/boolean/new-checkout").await == "true";
        let bought = u32::from(visitor % 10 < if shown { 3 } else { 1 });
        visit(host, visitor, &format!("/track?metric=bought&value={bought}&new-checkout")).await;
    }
}

async fn report(host: &Host, query: &str) -> Value {
    host.admin.get(&format!("/v1/experiments/new-checkout{query}")).await.json()
}

#[tokio::test]
async fn variants_are_counted_compared_kept_and_forgotten() {
    let host = start();
    set_flag(&host, json!({})).await;
    visits(&host, 0..5).await;
    assert_eq!(host.admin.get("/v1/experiments").await.json(), json!({ "experiments": [] }));
    assert_eq!(host.admin.get("/v1/experiments/new-checkout").await.status, 404);

    set_flag(&host, json!({ "experiment": true })).await;
    visits(&host, 0..1_500).await;
    let shown = report(&host, "?split=on:50&split=off:50").await;
    let exchanges = |at: usize| shown["arms"][at]["exchanges"].as_u64().unwrap();
    assert_eq!(shown["arms"][0]["name"], "off");
    assert_eq!(exchanges(0) + exchanges(1), 3_000);
    let bought = shown["differences"].as_array().unwrap().iter().find(|of| of["of"] == "mean").unwrap();
    assert_eq!(bought["shows"], "higher", "{shown}");
    assert!((bought["difference"].as_f64().unwrap() - 0.2).abs() < 0.1, "{shown}");
    assert_eq!(shown["split"]["mismatch"], false, "{shown}");
    assert_eq!(report(&host, "?split=on:95&split=off:5").await["split"]["mismatch"], true);
    for (query, reason) in
        [("?against=blue", "it has off, on"), ("?split=on", "VARIANT:WEIGHT"), ("?x=1", "unknown")]
    {
        let refused = report(&host, query).await;
        assert!(
            refused["status"] == 422 && refused["detail"].as_str().unwrap().contains(reason),
            "{refused}"
        );
    }
    let labels = ["flag=\"new-checkout\"", "variant=\"on\""];
    let counted = host.metric("ostler_experiment_exchanges_total", &labels).await;
    assert_eq!(counted, exchanges(1) as f64);

    // What was counted is written down every ten seconds, which nothing tells of.
    tokio::time::sleep(Duration::from_secs(25)).await;
    let host = host.kill_and_restart();
    let again = report(&host, "?split=on:50&split=off:50").await;
    assert_eq!((&again["arms"], &again["differences"]), (&shown["arms"], &shown["differences"]));

    assert_eq!(host.admin.send(Method::DELETE, "/v1/experiments/new-checkout", "").await.status, 204);
    assert_eq!(host.admin.send(Method::DELETE, "/v1/experiments/new-checkout", "").await.status, 404);
    let host = host.kill_and_restart();
    assert_eq!(host.admin.get("/v1/experiments").await.json(), json!({ "experiments": [] }));
}
