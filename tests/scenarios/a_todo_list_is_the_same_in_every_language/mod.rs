//! `examples/todo-*`: one small application in every language, each served from its own `ostler.toml` and asked the same.

use std::path::Path;

use harness::{Host, Reply, Setup, Version, guest};
use http::Method;
use serde_json::{Value, json};

/// A host that serves the example in `language` as its `ostler.toml` says, but for ports, state and place of the component.
fn example(language: &str) -> Host {
    let name = format!("todo-{language}");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(&name).join("ostler.toml");
    let text = std::fs::read_to_string(file).unwrap();
    let plugins = &text[text.find("[plugins.todo]").unwrap()..];
    let built = plugins.lines().find(|line| line.starts_with("path = \"target/")).unwrap();
    let here = format!("path = {:?}", guest(&name).display().to_string());
    let setup = Setup::new().with(&plugins.replace(built, &here)).with("[flags]\nfiles = [\"flags.json\"]");
    std::fs::write(setup.folder().join("flags.json"), FLAGS).unwrap();
    setup.start()
}

/// What is called an advertisement is not taken.
const FLAGS: &str = r#"{ "flags": { "todos-closed": {
    "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "off",
    "targeting": { "if": [ { "starts_with": [ { "var": "title" }, "advertisement" ] }, "on", "off" ] }
} } }"#;

async fn ask(host: &Host, method: Method, path: &str, body: Value) -> Reply {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    host.client.send(method, path, body).await
}

async fn add(host: &Host, title: &str) -> Value {
    let added = ask(host, Method::POST, "/todos", json!({ "title": title })).await;
    assert_eq!(added.status, 201, "{}", added.text());
    assert!(added.header("content-type").starts_with("application/json"), "{}", added.header("content-type"));
    assert_eq!(added.header("location"), format!("/todos/{}", added.json()["id"]));
    added.json()
}

async fn all(host: &Host) -> Value {
    let reply = host.client.get("/todos").await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["todos"].clone()
}

fn todo(id: u64, title: &str, done: bool) -> Value {
    json!({ "id": id, "title": title, "done": done })
}

fn assert_refused(reply: &Reply, status: u16, code: &str, what: &str) {
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (status, code), "{what}: {}", reply.text());
    assert_eq!(reply.header("content-type"), "application/problem+json", "{what}");
    let problem = reply.json();
    assert_eq!(problem["status"], status, "{what}");
    assert_eq!(problem["request_id"], reply.header("x-request-id"), "{what}");
    assert!(problem["title"].is_string() && problem["detail"].is_string(), "{what}: {problem}");
}

async fn lists_adds_changes_and_deletes(host: &Host) {
    assert_eq!(all(host).await, json!([]));
    assert_eq!(add(host, "  milk \n").await, todo(1, "milk", false));
    assert_eq!(add(host, "größer als 日本 😀 \"quoted\" \\ /").await["id"], 2);
    assert_eq!(add(host, &"é".repeat(200)).await["id"], 3);
    assert_eq!(host.client.get("/todos/1").await.json(), todo(1, "milk", false));
    let done = ask(host, Method::PATCH, "/todos/1", json!({ "done": true, "colour": "red" })).await;
    assert_eq!((done.status.as_u16(), done.json()), (200, todo(1, "milk", true)), "{}", done.text());
    let renamed = ask(host, Method::PATCH, "/todos/1", json!({ "title": " oat milk " })).await;
    assert_eq!(renamed.json(), todo(1, "oat milk", true));
    let deleted = ask(host, Method::DELETE, "/todos/3", Value::Null).await;
    assert_eq!((deleted.status.as_u16(), deleted.body.len()), (204, 0));
    let expected = [todo(1, "oat milk", true), todo(2, "größer als 日本 😀 \"quoted\" \\ /", false)];
    assert_eq!(all(host).await, json!(expected));
}

async fn refuses_what_will_not_do(host: &Host) {
    for body in ["", "milk", "[]", "\"milk\"", "{", "null", "{\"title\":\"a\"}}"] {
        let reply = host.client.send(Method::POST, "/todos", body).await;
        assert_refused(&reply, 400, "invalid_json", body);
    }
    for body in
        [json!({}), json!({ "title": 7 }), json!({ "title": " \t" }), json!({ "title": "é".repeat(201) })]
    {
        assert_refused(
            &ask(host, Method::POST, "/todos", body.clone()).await,
            422,
            "invalid_title",
            &body.to_string(),
        );
    }
    let wrong = [
        (json!({}), "nothing_to_change"),
        (json!({ "done": 1 }), "invalid_done"),
        (json!({ "title": "" }), "invalid_title"),
    ];
    for (body, code) in wrong {
        assert_refused(
            &ask(host, Method::PATCH, "/todos/1", body.clone()).await,
            422,
            code,
            &body.to_string(),
        );
    }
    for path in [
        "/todos/99",
        "/todos/0",
        "/todos/-1",
        "/todos/x",
        "/todos/1x",
        "/todos/99999999999999999999",
        "/elsewhere",
    ] {
        assert_refused(&host.client.get(path).await, 404, "not_found", path);
    }
    let unknown = ask(host, Method::PATCH, "/todos/99", json!("nonsense")).await;
    assert_refused(&unknown, 404, "not_found", "a change of what is not there");
    for (method, path, allow) in
        [(Method::PUT, "/todos", "GET, POST"), (Method::POST, "/todos/1", "GET, PATCH, DELETE")]
    {
        let reply = ask(host, method, path, Value::Null).await;
        assert_refused(&reply, 405, "method_not_allowed", path);
        assert_eq!(reply.header("allow"), allow);
    }
}

/// Changes of different members that come at once are all there afterwards.
async fn loses_no_change(host: &Host) {
    let id = add(host, "busy").await["id"].clone();
    let path = format!("/todos/{id}");
    let changes = (0..6).map(|index| {
        let client = host.client(if index % 2 == 0 { Version::Http1 } else { Version::Http2 });
        let (path, body) =
            (path.clone(), if index < 3 { json!({ "done": true }) } else { json!({ "title": "new" }) });
        tokio::spawn(async move {
            let reply = client.send(Method::PATCH, &path, body.to_string()).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
        })
    });
    for change in changes.collect::<Vec<_>>() {
        change.await.unwrap();
    }
    let now = host.client.get(&path).await.json();
    assert_eq!((&now["title"], &now["done"]), (&json!("new"), &json!(true)), "{now}");
}

/// A flag decides by what the handler tells of a request, and is heard.
async fn asks_a_flag(host: &Host) {
    let refused = ask(host, Method::POST, "/todos", json!({ "title": " advertisement: milk" })).await;
    assert_refused(&refused, 503, "closed", "a title that the flag is on for");
    add(host, "milk without an advertisement").await;
}

/// What was stored in one language is understood after `kill -9`, and by the log's reader.
async fn keeps_what_it_stored(host: Host) {
    let before = all(&host).await;
    let host = host.kill_and_restart();
    assert_eq!(all(&host).await, before);
}

async fn plays_its_part(language: &str) {
    let host = example(language);
    lists_adds_changes_and_deletes(&host).await;
    refuses_what_will_not_do(&host).await;
    loses_no_change(&host).await;
    asks_a_flag(&host).await;
    keeps_what_it_stored(host).await;
}

#[tokio::test]
async fn in_rust() {
    plays_its_part("rust").await;
}

#[tokio::test]
async fn in_c() {
    plays_its_part("c").await;
}

#[tokio::test]
async fn in_javascript() {
    plays_its_part("js").await;
}

#[tokio::test]
async fn in_typescript() {
    plays_its_part("ts").await;
}

#[tokio::test]
async fn in_python() {
    plays_its_part("python").await;
}

#[tokio::test]
async fn in_go() {
    plays_its_part("go").await;
}
