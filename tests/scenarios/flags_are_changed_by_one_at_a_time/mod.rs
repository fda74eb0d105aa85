//! Flags over the admin API and the command line: versions, lost updates, history, rollback, and `kill -9`.

use std::process::Command;

use harness::{Host, Reply, Setup, ostler};
use http::{HeaderValue, Method};
use serde_json::{Value, json};

fn definition(default: &str) -> Value {
    json!({ "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": default })
}

async fn send(
    host: &Host,
    method: Method,
    path: &str,
    body: Value,
    fields: &[(&'static str, &str)],
) -> Reply {
    let mut request = host.admin.request(method, &format!("/v1/flags{path}"), body.to_string());
    for (name, value) in fields {
        request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
    }
    host.admin.try_send(request).await.unwrap()
}

async fn put(host: &Host, default: &str, fields: &[(&'static str, &str)]) -> Reply {
    put_by(host, None, default, fields).await
}

async fn put_by(host: &Host, who: Option<&str>, default: &str, fields: &[(&'static str, &str)]) -> Reply {
    let body = json!({ "definition": definition(default), "who": who });
    send(host, Method::PUT, "/new", body, fields).await
}

#[tokio::test]
async fn an_update_that_would_lose_another_is_refused() {
    let host = Setup::new().start();
    let made = put_by(&host, Some("ada"), "on", &[("if-none-match", "*")]).await;
    assert_eq!((made.status.as_u16(), made.header("etag")), (201, "\"1\""), "{}", made.text());
    let again = put(&host, "off", &[("if-none-match", "*")]).await;
    assert_eq!((again.status.as_u16(), again.code().as_str()), (409, "conflict"));
    // Two read version 1; the second of them to write is told.
    let first = put_by(&host, Some("bob"), "off", &[("if-match", "\"1\"")]).await;
    assert_eq!((first.status.as_u16(), first.header("etag")), (200, "\"2\""));
    let second = put(&host, "on", &[("if-match", "\"1\"")]).await;
    assert_eq!((second.status.as_u16(), second.code().as_str()), (409, "conflict"));
    assert!(second.json()["detail"].as_str().unwrap().contains("version 2"), "{}", second.text());
    let now = send(&host, Method::GET, "/new", Value::Null, &[]).await.json();
    assert_eq!((&now["definition"]["defaultVariant"], &now["who"]), (&json!("off"), &json!("bob")));
    // Of many at once for one version, one is made.
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let body = json!({ "definition": definition("on"), "version": 2 }).to_string();
        let client = host.admin.clone();
        asked.spawn(async move { client.send(Method::PUT, "/v1/flags/new", body).await.status.as_u16() });
    }
    let statuses = asked.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 7, "{statuses:?}");
}

#[tokio::test]
async fn a_bad_definition_is_refused_with_its_path_and_the_old_one_stays() {
    let host = Setup::new().start();
    assert_eq!(put(&host, "on", &[]).await.status, 201);
    for (broken, path) in [
        (json!({ "state": "ON", "variants": { "on": true }, "defaultVariant": "on" }), "flags.new.state"),
        (
            json!({ "state": "ENABLED", "variants": { "on": true }, "defaultVariant": "of" }),
            "flags.new.defaultVariant",
        ),
        (
            json!({ "state": "ENABLED", "variants": { "on": true, "off": "no" }, "defaultVariant": "on" }),
            "flags.new.variants",
        ),
        (json!({ "state": "ENABLED", "variants": {}, "defaultVariant": "on" }), "flags.new.variants"),
        (json!([]), "flags.new"),
    ] {
        let reply = send(&host, Method::PUT, "/new", json!({ "definition": broken }), &[]).await;
        let told = reply.json()["reasons"].to_string();
        assert_eq!((reply.status.as_u16(), told.contains(path)), (422, true), "{told}");
    }
    for (body, status) in [(json!({}), 422), (json!({ "definition": definition("on"), "wy": "x" }), 422)] {
        assert_eq!(send(&host, Method::PUT, "/new", body, &[]).await.status, status);
    }
    assert_eq!(
        send(&host, Method::PUT, "/a%20b", json!({ "definition": definition("on") }), &[]).await.status,
        422
    );
    assert_eq!(send(&host, Method::GET, "/none", Value::Null, &[]).await.status, 404);
    let said = send(&host, Method::POST, "/new/evaluate", json!({ "context": {} }), &[]).await.json();
    assert_eq!(
        (&said["value"], &said["variant"], &said["reason"]),
        (&json!(true), &json!("on"), &json!("STATIC"))
    );
    assert_eq!(send(&host, Method::POST, "/new/evaluate", json!({ "context": 7 }), &[]).await.status, 422);
}

#[tokio::test]
async fn the_command_line_sets_toggles_shows_and_rolls_back_and_kill_9_loses_nothing() {
    let host = Setup::new().start();
    std::fs::write(host.folder.join("new.json"), definition("on").to_string()).unwrap();
    let run = |host: &Host, words: &[&str]| {
        let admin = format!("http://{}", host.admin_address);
        let (token, file) = (host.folder.join("admin.token"), host.folder.join("new.json"));
        let words = words.iter().map(|word| if *word == "FILE" { file.to_str().unwrap() } else { word });
        let mut command = Command::new(ostler());
        command.arg("flags").args(words).args(["--admin", &admin, "--token-file"]).arg(token);
        let output = command.output().unwrap();
        (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    let done = |words: &[&str]| {
        let (success, told) = run(&host, words);
        assert!(success, "{words:?}: {told}");
        told.trim().to_owned()
    };
    assert!(done(&["list"]).contains("there are no flags"));
    assert_eq!(
        done(&["set", "shop/new", "FILE", "--who", "ada", "--why", "ticket 17"]),
        "shop/new is set, version 1"
    );
    let told = done(&["list"]);
    assert!(told.starts_with("shop/new  on   v1") && told.ends_with("by ada"), "{told}");
    assert_eq!(done(&["toggle", "shop/new", "--off"]), "shop/new is DISABLED, version 2");
    assert_eq!(done(&["toggle", "shop/new"]), "shop/new is ENABLED, version 3");
    let (success, told) = run(&host, &["toggle", "shop/new", "--if-version", "2"]);
    assert!(!success && told.contains("version 3"), "{told}");
    assert_eq!(done(&["evaluate", "shop/new"]), "true  variant on  STATIC");
    assert_eq!(done(&["rollback", "shop/new", "--to", "2"]), "shop/new is rolled back, version 4");
    assert_eq!(done(&["evaluate", "shop/new"]), "the code's default  DISABLED");
    let history = done(&["history", "shop/new"]);
    assert_eq!(history.lines().count(), 4, "{history}");
    assert!(history.lines().last().unwrap().ends_with("ada  ticket 17"), "{history}");
    assert!(done(&["get", "shop/new"]).contains("\"state\": \"DISABLED\""));

    let host = host.kill_and_restart();
    let (_, told) = run(&host, &["history", "shop/new", "--json"]);
    assert_eq!(told.matches("\"version\"").count(), 4, "{told}");
    let (success, told) = run(&host, &["delete", "shop/new", "--why", "done"]);
    assert!(success && told.contains("is taken away, version 5"), "{told}");
    let (success, told) = run(&host, &["get", "shop/new"]);
    assert!(!success && told.contains("there is no flag"), "{told}");
    // A flag that was taken away can be brought back.
    let (success, told) = run(&host, &["rollback", "shop/new"]);
    assert!(success && told.contains("version 6"), "{told}");
    host.line(|line| line["flag"] == "shop/new" && line["version"] == 6).await;
}
