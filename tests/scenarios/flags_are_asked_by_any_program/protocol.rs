//! The protocol by hand: what it refuses, bulk answers that have not changed, and where it is served.

use std::net::SocketAddr;

use harness::{Client, Host, Reply, Setup, Version, free_port, until};
use http::{HeaderValue, Method};
use serde_json::{Value, json};

use super::{definitions, key, setup};

const ALL: &str = "/ofrep/v1/evaluate/flags";

async fn post(host: &Host, key: &str, path: &str, body: &str, known: &str) -> Reply {
    let mut request = host.client.request(Method::POST, path, body.to_owned());
    let fields = request.headers_mut();
    for (name, value) in [("x-api-key", key), ("if-none-match", known)] {
        if !value.is_empty() {
            fields.insert(name, HeaderValue::try_from(value).unwrap());
        }
    }
    host.client.try_send(request).await.unwrap()
}

#[tokio::test]
async fn strangers_and_broken_questions_are_refused_in_the_protocols_words() {
    let host = setup().start();
    let key = key(&host).await;
    for path in [ALL.to_owned(), format!("{ALL}/plain")] {
        assert_eq!(post(&host, "", &path, "{}", "").await.status, 401);
        assert_eq!(post(&host, "ok_AAAAAAAAAAAA_wrong", &path, "{}", "").await.status, 401);
    }
    let deep = format!("{{\"context\": {{\"a\": {}1{}}}}}", "[".repeat(100), "]".repeat(100));
    let wide: serde_json::Map<_, _> = (0..300).map(|n| (format!("a{n}"), json!(1))).collect();
    for (body, code) in [
        ("{", "PARSE_ERROR"),
        ("[]", "PARSE_ERROR"),
        (&"[".repeat(60_000), "PARSE_ERROR"),
        ("{\"context\": 7}", "INVALID_CONTEXT"),
        ("{\"context\": {\"targetingKey\": 7}}", "INVALID_CONTEXT"),
        (&deep, "INVALID_CONTEXT"),
        (&json!({ "context": wide }).to_string(), "INVALID_CONTEXT"),
    ] {
        let reply = post(&host, &key, &format!("{ALL}/plain"), body, "").await;
        assert_eq!(
            (reply.status.as_u16(), &reply.json()["errorCode"]),
            (400, &json!(code)),
            "{}",
            reply.text()
        );
        assert_eq!((&reply.json()["key"], reply.json()["errorDetails"].is_string()), (&json!("plain"), true));
        assert_eq!(post(&host, &key, ALL, body, "").await.json()["errorCode"], code);
    }
    let reply = post(&host, &key, &format!("{ALL}/missing"), "", "").await;
    assert_eq!((reply.status.as_u16(), &reply.json()["errorCode"]), (404, &json!("FLAG_NOT_FOUND")));
    let huge = format!("{{\"context\": {{\"a\": \"{}\"}}}}", "x".repeat(70_000));
    assert_eq!(post(&host, &key, ALL, &huge, "").await.status, 413);
    let long = post(&host, &key, &format!("{ALL}/{}", "k".repeat(4_000)), "{}", "").await;
    assert_eq!((long.status.as_u16(), long.body.len() < 6_000), (404, true), "{}", long.body.len());
}

#[tokio::test]
async fn a_bulk_answer_that_has_not_changed_is_not_sent_again() {
    let host = setup().start();
    let key = key(&host).await;
    let body = json!({ "context": { "targetingKey": "ada", "email": "ada@shop.test" } }).to_string();
    let first = post(&host, &key, ALL, &body, "").await;
    assert_eq!((first.status.as_u16(), first.header("content-type")), (200, "application/json"));
    let flags = first.json()["flags"].as_array().unwrap().clone();
    let keys: Vec<_> = flags.iter().map(|flag| flag["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["colour", "count", "plain", "ratio", "shape", "split", "targeted"]);
    assert_eq!((&flags[6]["value"], &flags[6]["reason"]), (&json!(true), &json!("TARGETING_MATCH")));
    let tag = first.header("etag").to_owned();
    for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
        let again = post(&host, &key, ALL, &body, &known).await;
        assert_eq!((again.status.as_u16(), again.body.len(), again.header("etag")), (304, 0, &*tag));
    }
    // Another context, and another definition, are another answer.
    assert_eq!(post(&host, &key, ALL, "{}", &tag).await.status, 200);
    let off = host
        .admin
        .send(Method::POST, "/v1/flags/plain/toggle", json!({ "enabled": false }).to_string())
        .await;
    assert_eq!(off.status, 200, "{}", off.text());
    let changed = post(&host, &key, ALL, &body, &tag).await;
    assert_eq!((changed.status.as_u16(), changed.json()["flags"].as_array().unwrap().len()), (200, 6));
}

#[tokio::test]
async fn it_is_served_where_it_was_told_and_nowhere_else() {
    let free = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let setup = Setup::new()
        .with(&format!("[flags]\nfiles = ['flags.json']\n[flags.ofrep]\nauth = []\nlisten = '{free}'"));
    std::fs::write(setup.folder().join("flags.json"), definitions().to_string()).unwrap();
    let host = setup.start();
    let own = Client::new(free, Version::Http1, None);
    let reply = own.send(Method::POST, &format!("{ALL}/plain"), "{}").await;
    assert_eq!((reply.status.as_u16(), &reply.json()["value"]), (200, &json!(true)));
    assert_eq!(own.get(&format!("{ALL}/plain")).await.status, 405);
    assert_eq!(own.get("/").await.status, 404);
    assert_eq!(host.client.send(Method::POST, ALL, "{}").await.status, 404);
    let off = Setup::new().start();
    assert_eq!(off.client.send(Method::POST, ALL, "{}").await.status, 404);
}

/// What a flag says, asked until it is `wanted`.
async fn await_value(host: &Host, key: &str, wanted: &Value) {
    until("another value", async || {
        post(host, key, &format!("{ALL}/plain"), "{}", "").await.json().get("value") == Some(wanted)
    })
    .await;
}

#[tokio::test]
async fn two_hosts_with_one_file_follow_it_and_the_api_stands_over_it() {
    let shared = tempfile::tempdir().unwrap();
    let file = shared.path().join("flags.json");
    std::fs::write(&file, definitions().to_string()).unwrap();
    let start = || {
        let text = format!(
            "[flags]\nfiles = [{file:?}]\n[flags.ofrep]\nauth = ['keys']\n[auth.keys]\nkind = 'api-key'"
        );
        Setup::new().with(&text).start()
    };
    let hosts = [start(), start()];
    let keys = [key(&hosts[0]).await, key(&hosts[1]).await];
    for value in [false, true] {
        let mut changed = definitions();
        changed["flags"]["plain"]["defaultVariant"] = (if value { "on" } else { "off" }).into();
        std::fs::write(file.with_extension("new"), changed.to_string()).unwrap();
        std::fs::rename(file.with_extension("new"), &file).unwrap();
        for (host, key) in hosts.iter().zip(&keys) {
            await_value(host, key, &json!(value)).await;
        }
    }
    // A file that is not right leaves the flags as they were.
    std::fs::write(&file, "{ \"flags\": { \"plain\": 7 } }").unwrap();
    hosts[0].line(|line| line.to_string().contains("flags.plain")).await;
    await_value(&hosts[0], &keys[0], &json!(true)).await;
    // Over the API a change counts for the very next request.
    let definition =
        json!({ "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "off" });
    let body = json!({ "definition": definition }).to_string();
    let reply = hosts[0].admin.send(Method::PUT, "/v1/flags/plain", body).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let said = post(&hosts[0], &keys[0], &format!("{ALL}/plain"), "{}", "").await;
    assert_eq!(said.json()["value"], false);
}
