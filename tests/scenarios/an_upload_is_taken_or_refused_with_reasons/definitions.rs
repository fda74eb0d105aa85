//! Plugins defined over the API.

use http::Method;
use serde_json::json;

use super::*;

async fn define(host: &Host, name: &str, definition: serde_json::Value) -> Reply {
    put(host, &format!("/v1/plugins/{name}"), definition.to_string()).await
}

#[tokio::test]
async fn a_definition_brings_its_routes_and_survives_a_restart() {
    let host = host();
    let definition = json!({ "deadline": "5s", "concurrency": 3, "grant": { "config": { "greeting": "hi" } },
        "routes": [{ "path": "/api/{*rest}", "methods": ["GET"] }] });
    let created = define(&host, "api", definition.clone()).await;
    assert_eq!((created.status.as_u16(), created.json()["defined_in"].as_str()), (201, Some("api")));
    assert_eq!(define(&host, "api", definition).await.status, 200);
    let no_release = host.client.get("/api/config").await;
    assert_eq!((no_release.status.as_u16(), no_release.code().as_str()), (503, "plugin_has_no_release"));
    put(&host, "/v1/plugins/api/releases", component("p2")).await;
    let host = {
        assert_eq!(host.client.get("/api/hello").await.status, 404, "the guest sees the whole path");
        host.kill_and_restart()
    };
    let view = host.admin.get("/v1/plugins/api").await.json();
    assert_eq!((&view["deadline"], &view["concurrency"]), (&json!("5s"), &json!(3)));
    assert_eq!(view["routes"], json!([{ "path": "/api/{*rest}", "methods": ["GET"], "host": null }]));
    assert_eq!(view["live"]["handler"], "wasi:http@0.2");
    assert_eq!(host.client.send(Method::POST, "/api/x", "").await.status, 405);
    assert_eq!(host.admin.send(Method::DELETE, "/v1/plugins/api", "").await.status, 204);
    assert_eq!(host.client.get("/api/x").await.code(), "route_not_found");
    assert_eq!(std::fs::read_dir(host.folder.join("state/artifacts")).unwrap().count(), 0);
    let host = host.kill_and_restart();
    problem(&host.admin.get("/v1/plugins/api").await, 404, "not_found");
}

#[tokio::test]
async fn a_new_definition_takes_effect_with_the_release_that_runs() {
    let host = host();
    define(&host, "api", json!({ "routes": [{ "path": "/config" }], "grant": { "config": { "k": "1" } } }))
        .await;
    put(&host, "/v1/plugins/api/releases", component("typed")).await;
    assert_eq!(host.client.get("/config?key=k").await.text(), "1");
    let changed =
        json!({ "routes": [{ "path": "/config" }, { "path": "/" }], "grant": { "config": { "k": "2" } } });
    assert_eq!(define(&host, "api", changed).await.status, 200);
    assert_eq!(host.client.get("/config?key=k").await.text(), "2");
    assert_eq!(host.client.get("/").await.status, 200);
}

#[tokio::test]
async fn everything_wrong_with_a_definition_is_told() {
    let host = host();
    let wrong = json!({ "dedline": "2s", "memory": "1TiB", "path": "x.wasm", "routes": [{ "path": "x" }] });
    let reasons = problem(&define(&host, "api", wrong).await, 422, "invalid");
    for key in ["dedline", "memory", "path", "routes"] {
        assert!(reasons.iter().any(|reason| reason.contains(key)), "{key}: {reasons:?}");
    }
    problem(&define(&host, "Not_A_Name", json!({})).await, 422, "invalid");
    problem(&put(&host, "/v1/plugins/api", "{").await, 400, "bad_request");
    problem(&put(&host, "/v1/plugins/api", "[]").await, 422, "invalid");
    problem(&put(&host, "/v1/plugins/api", vec![b' '; 300 << 10]).await, 413, "body_too_large");
    problem(&host.admin.get("/v1/plugins/api").await, 404, "not_found");
}

#[tokio::test]
async fn routes_that_somebody_has_are_refused_by_name() {
    let host = host();
    for path in ["/up/{*rest}", "/up/{*other}"] {
        let reasons =
            problem(&define(&host, "api", json!({ "routes": [{ "path": path }] })).await, 422, "invalid");
        assert!(reasons[0].contains("/up/"), "{path}: {reasons:?}");
    }
    define(&host, "one", json!({ "routes": [{ "path": "/one" }] })).await;
    let reasons =
        problem(&define(&host, "two", json!({ "routes": [{ "path": "/one" }] })).await, 422, "invalid");
    assert!(reasons[0].contains("\"one\""), "{reasons:?}");
    problem(&host.admin.get("/v1/plugins/two").await, 404, "not_found");
}
