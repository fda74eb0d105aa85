//! Releases listed, gone back to, and deleted.

use http::Method;
use serde_json::{Value, json};

use super::*;

async fn live(host: &Host) -> String {
    host.admin.get("/v1/plugins/up").await.json()["live"]["digest"].as_str().unwrap().to_owned()
}

async fn three_releases(host: &Host) -> [String; 3] {
    let mut digests = [const { String::new() }; 3];
    for (index, digest) in digests.iter_mut().enumerate() {
        let reply = upload(host, tagged("typed", &index.to_string())).await;
        *digest = reply.json()["digest"].as_str().unwrap().to_owned();
    }
    digests
}

async fn roll_back(host: &Host, body: Value) -> Reply {
    host.admin.send(Method::POST, "/v1/plugins/up/rollback", body.to_string()).await
}

#[tokio::test]
async fn rolling_back_serves_the_previous_release_or_the_named_one_at_once() {
    let host = host();
    problem(&roll_back(&host, json!({})).await, 409, "conflict");
    let [a, b, c] = three_releases(&host).await;
    assert_eq!(live(&host).await, c);
    let back = host.admin.send(Method::POST, "/v1/plugins/up/rollback", "").await;
    assert_eq!(
        (back.status.as_u16(), &back.json()["digest"], &back.json()["live"]),
        (200, &json!(b), &json!(true))
    );
    assert_eq!(live(&host).await, b);
    assert_eq!(roll_back(&host, json!({ "to": a })).await.status, 200);
    assert_eq!(live(&host).await, a);
    assert_eq!(roll_back(&host, json!({ "to": c })).await.status, 200, "forwards, too");
    assert_eq!(live(&host).await, c);
    let nobody = format!("sha256:{}", "0".repeat(64));
    problem(&roll_back(&host, json!({ "to": nobody })).await, 404, "not_found");
    problem(&roll_back(&host, json!({ "to": "latest" })).await, 422, "invalid");
    problem(&roll_back(&host, json!({ "to": 7 })).await, 422, "invalid");
    let broken = host.admin.send(Method::POST, "/v1/plugins/up/rollback", "{").await;
    problem(&broken, 400, "bad_request");
    assert_eq!(live(&host).await, c);
}

#[tokio::test]
async fn releases_are_listed_and_all_but_the_live_one_can_be_deleted() {
    let host = host();
    let [a, _, c] = three_releases(&host).await;
    let delete = |digest: &str| {
        let path = format!("/v1/plugins/up/releases/{digest}");
        let host = &host;
        async move { host.admin.send(Method::DELETE, &path, "").await }
    };
    let list = host.admin.get("/v1/plugins/up/releases").await.json();
    let list = list["releases"].as_array().unwrap();
    assert_eq!(list.len(), 3);
    assert_eq!((&list[0]["digest"], &list[0]["live"]), (&json!(c), &json!(true)));
    assert_eq!(list.iter().filter(|release| release["live"] == true).count(), 1);
    problem(&delete(&c).await, 409, "conflict");
    assert_eq!(delete(&a).await.status, 204);
    problem(&delete(&a).await, 404, "not_found");
    problem(&delete("x").await, 422, "invalid");
    assert_eq!(
        host.admin.get("/v1/plugins/up/releases").await.json()["releases"].as_array().unwrap().len(),
        2
    );
    assert_eq!(std::fs::read_dir(host.folder.join("state/artifacts")).unwrap().count(), 2);
    problem(&roll_back(&host, json!({ "to": a })).await, 404, "not_found");
}

#[tokio::test]
async fn plugins_that_are_not_there_or_come_from_a_file_take_no_uploads() {
    let host = host();
    let bytes = component("hello-typed");
    problem(&put(&host, "/v1/plugins/none/releases", bytes.clone()).await, 404, "not_found");
    problem(&put(&host, "/v1/plugins/file/releases", bytes).await, 409, "conflict");
    for path in ["/v1/plugins/none", "/v1/plugins/none/releases", "/v1/plugins/%2e%2e/releases"] {
        problem(&host.admin.get(path).await, 404, "not_found");
    }
    problem(&host.admin.send(Method::POST, "/v1/plugins/none/rollback", "").await, 404, "not_found");
    problem(&host.admin.send(Method::POST, "/v1/plugins/file/rollback", "").await, 409, "conflict");
    problem(&put(&host, "/v1/plugins/up", "{}").await, 409, "conflict");
    problem(&host.admin.send(Method::DELETE, "/v1/plugins/up", "").await, 409, "conflict");
    let wrong = host.admin.send(Method::DELETE, "/v1/plugins/up/releases", "").await;
    problem(&wrong, 405, "method_not_allowed");
    assert_eq!(wrong.header("allow"), "GET, PUT");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_far_a_deployment_is_can_be_seen_while_it_lasts() {
    let host = host();
    let admin = host.admin.clone();
    // A whole JavaScript engine: seconds of compilation.
    let uploading = tokio::spawn(async move {
        admin.send(Method::PUT, "/v1/plugins/up/releases", component("todo-js")).await
    });
    let at = || async { host.admin.get("/v1/plugins/up").await.json()["deploying"].clone() };
    while at().await["step"] != "compile" {
        assert!(!uploading.is_finished(), "it was never seen to compile");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert!(at().await["for_ms"].is_u64());
    assert_eq!(host.client.get("/file/x").await.status, 404, "another plugin's handler answers meanwhile");
    let told = uploading.await.unwrap();
    assert_eq!(told.status, 201, "{}", told.text());
    let told = told.json();
    assert!(["validate_ms", "compile_ms", "activate_ms"].iter().all(|step| told[step].is_u64()), "{told}");
    assert_eq!(at().await, serde_json::Value::Null);
}
