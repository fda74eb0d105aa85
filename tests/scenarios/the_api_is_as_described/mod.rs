//! `/v1/openapi.json` and the API agree, operation by operation.

use harness::{Client, Host, Reply, Setup, Version, component, tagged};
use http::Method;
use serde_json::{Value, json};

const FLAG: &str =
    r#"{"definition":{"state":"ENABLED","variants":{"on":true},"defaultVariant":"on"},"why":"{}"}"#;

/// With a plugin that a rollout is under way of, and a flag.
async fn host() -> Host {
    let host = Setup::new().with("[auth.keys]\nkind = \"api-key\"").start();
    host.admin.send(Method::POST, "/v1/keys", r#"{ "name": "n" }"#).await;
    host.admin.send(Method::PUT, "/v1/plugins/up", r#"{ "routes": [{ "path": "/" }] }"#).await;
    for release in [tagged("table-bomb", "old"), component("hello-typed")] {
        host.admin.send(Method::PUT, "/v1/plugins/up/releases", release).await;
    }
    let canary = "/v1/plugins/up/releases?strategy=canary";
    host.admin.send(Method::PUT, canary, tagged("hello-typed", "new")).await;
    for why in ["first", "second"] {
        let body = FLAG.replace("{}", why);
        host.admin.send(Method::PUT, "/v1/flags/f", body).await;
    }
    host
}

async fn key(host: &Host) -> String {
    host.admin.get("/v1/keys").await.json()["keys"][0]["id"].as_str().unwrap().to_owned()
}

/// Every operation of the document, with its path as it is there.
fn operations(document: &Value) -> Vec<(Method, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, item): (&String, &Value)| {
        let operations = item.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters");
        let read = |(method, operation): (&String, &Value)| {
            (method.to_uppercase().parse().unwrap(), path.clone(), operation.clone())
        };
        operations.map(read).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of).collect()
}

/// A path with its parameters filled in; `key` is the id of an API key.
fn real(path: &str, key: &str) -> String {
    let digest = ostler_core::Digest::of(&tagged("table-bomb", "old")).to_string();
    let query = if path == "/v1/sessions" { "?subject=nobody" } else { "" };
    path.replace("{name}", "up")
        .replace("{digest}", &digest)
        .replace("{id}", key)
        .replace("{key}", "f")
        .replace("{wish}", "pause")
        .replace("{number}", "1")
        + query
}

#[tokio::test]
async fn every_operation_answers_with_a_status_and_a_shape_that_are_described() {
    let host = host().await;
    let document = host.admin.get("/v1/openapi.json").await.json();
    let key = key(&host).await;
    let mut operations = operations(&document);
    assert!(operations.len() >= 13);
    // The rollback first, so that an upload then leaves a release to delete; the plugin last.
    operations.sort_by_key(|(method, path, _)| match *method {
        // Before the rollback, which ends what it steers.
        Method::POST if path.ends_with("{wish}") => 0,
        Method::POST => 1,
        Method::DELETE => usize::MAX - path.len(),
        _ => 2,
    });
    // An experiment is there once a plugin has asked for its flag: a scenario of its own.
    operations.retain(|(_, path, _)| path != "/v1/experiments/{name}");
    for (method, path, operation) in operations {
        let body = match operation["requestBody"]["content"].as_object() {
            Some(_) if path == "/v1/cache/purge" => br#"{"all": true}"#.to_vec(),
            Some(content) if content.contains_key("application/wasm") => component("hello-typed"),
            Some(_) if operation["operationId"] == "setFlag" => FLAG.as_bytes().to_vec(),
            Some(_) if path == "/v1/keys" => br#"{ "name": "another" }"#.to_vec(),
            Some(_) => b"{}".to_vec(),
            None => Vec::new(),
        };
        let reply = host.admin.send(method.clone(), &real(&path, &key), body).await;
        let what = format!("{method} {path}: {} {}", reply.status, reply.text());
        assert!(!matches!(reply.status.as_u16(), 404 | 405), "{what}");
        let described = &operation["responses"][reply.status.as_str()];
        assert!(described.is_object(), "{what}");
        assert!(reply.status.is_success(), "{what}");
        if let Some(content) = described["content"].as_object() {
            let (kind, content) = content.iter().next().unwrap();
            assert_eq!(reply.header("content-type"), kind, "{what}");
            assert_shape(&document, &content["schema"], &reply.json(), &what);
        }
    }
}

#[tokio::test]
async fn a_path_takes_the_methods_that_are_described_and_no_others() {
    let host = host().await;
    let document = host.admin.get("/v1/openapi.json").await.json();
    let described = operations(&document);
    let key = key(&host).await;
    for path in document["paths"]
        .as_object()
        .unwrap()
        .keys()
        .filter(|path| path.starts_with("/v1/plugins") || path.starts_with("/v1/keys"))
    {
        for method in [Method::GET, Method::PUT, Method::POST, Method::DELETE, Method::PATCH] {
            if described.iter().any(|(known, at, _)| (known, at) == (&method, path)) {
                continue;
            }
            let reply = host.admin.send(method.clone(), &real(path, &key), "").await;
            assert_eq!(reply.status, 405, "{method} {path}");
            let allowed: Vec<_> =
                reply.header("allow").split(", ").map(|name| name.parse().unwrap()).collect();
            let known: Vec<Method> =
                described.iter().filter(|(_, at, _)| at == path).map(|(known, ..)| known.clone()).collect();
            assert!(
                allowed.len() == known.len() && known.iter().all(|known| allowed.contains(known)),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn health_readiness_and_metrics_are_open_and_every_reply_has_a_request_id() {
    let host = host().await;
    let stranger = Client::new(host.admin_address, Version::Http1, None);
    let has_id = |reply: &Reply| assert!(reply.header("x-request-id").len() >= 16, "{:?}", reply.headers);
    for path in ["/healthz", "/readyz", "/metrics", "/v1/openapi.json"] {
        let reply = stranger.get(path).await;
        assert_eq!(reply.status, 200, "{path}");
        has_id(&reply);
    }
    assert!(stranger.get("/metrics").await.header("content-type").starts_with("text/plain; version=0.0.4"));
    for path in ["/", "/v1/plugins", "/nothing", "/v1/../healthz"] {
        let reply = stranger.get(path).await;
        assert!(reply.status.is_client_error(), "{path}");
        has_id(&reply);
    }
    let mut request = stranger.request(Method::GET, "/healthz", "");
    request.headers_mut().insert("x-request-id", "of-the-client-1".parse().unwrap());
    assert_eq!(stranger.try_send(request).await.unwrap().header("x-request-id"), "of-the-client-1");
    let http2 = Client::new(host.admin_address, Version::Http2, None);
    assert_eq!(http2.get("/healthz").await.status, 200);
}

/// Asserts that `value` has the properties that `schema` names, each of its type, and no others.
fn assert_shape(document: &Value, schema: &Value, value: &Value, what: &str) {
    let name = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
    let schema = name.map_or(schema, |name| &document["components"]["schemas"][name]);
    // A value of which nothing is said, as that of a flag, may be any.
    if schema["type"].is_null() && schema["enum"].is_null() {
        return;
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.clone(),
        one => vec![one.clone()],
    };
    let is = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(
        types.contains(&json!(is)) || schema["enum"].as_array().is_some_and(|all| all.contains(value)),
        "{what}: {value} is no {types:?}"
    );
    // An object of which no more is said may hold anything.
    if value.is_object() && schema["properties"].is_null() {
        return;
    }
    for (key, part) in value.as_object().into_iter().flatten() {
        let described = &schema["properties"][key];
        assert!(described.is_object(), "{what}: {key} is not described");
        assert_shape(document, described, part, what);
    }
    for key in schema["properties"]
        .as_object()
        .into_iter()
        .flat_map(|keys| keys.keys())
        .filter(|_| value.is_object())
    {
        assert!(value.get(key).is_some() || schema["required"].is_array(), "{what}: {key} is missing");
    }
    for part in value.as_array().into_iter().flatten() {
        assert_shape(document, &schema["items"], part, what);
    }
}
