//! A route with a document: what is not as the document says is answered by the host, and the plugin never hears of it.

use std::process::Command;

use harness::{Host, Reply, Setup, servers};
use http::Method;
use serde_json::json;

const COUNTER: &str = include_str!("counter.yaml");
const STYLES: &str = include_str!("styles.yaml");
const TODOS: &str = include_str!("todos.yaml");

/// A plugin that counts its calls, behind a document; one place, so that one instance does all the counting.
fn counter(keys: &str) -> Host {
    let setup = Setup::new().plugin("p", "typed", "concurrency = 1");
    std::fs::write(setup.folder().join("api.yaml"), COUNTER).unwrap();
    std::fs::write(setup.folder().join("body.json"), r#"{"type": "object", "required": ["a"]}"#).unwrap();
    let routes = "[[routes]]\npath = \"/{*rest}\"\nplugin = \"p\"\nopenapi = \"api.yaml\"\n";
    let bare = "[[routes]]\npath = \"/echo\"\nmethods = [\"PUT\"]\nplugin = \"p\"\nschema = \"body.json\"\n";
    setup.with(&format!("{routes}{keys}\n{bare}")).start()
}

async fn send(host: &Host, method: Method, path: &str, media: &str, body: impl Into<bytes::Bytes>) -> Reply {
    let mut request = host.client.request(method, path, body);
    if !media.is_empty() {
        request.headers_mut().insert("content-type", media.parse().unwrap());
    }
    host.client.try_send(request).await.unwrap()
}

fn told(reply: &Reply) -> (u16, String) {
    (reply.status.as_u16(), reply.code())
}

#[tokio::test]
async fn what_is_not_as_described_never_reaches_the_plugin() {
    let host = counter("");
    let upload = |name: &str, media: &str, content: &str| {
        format!(
            "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {media}\r\n\r\n{content}\r\n--B--\r\n"
        )
    };
    let form = "multipart/form-data; boundary=B";
    let deep = "[".repeat(100_000);
    let twice = r#"{"sku":"A","quantity":1,"quantity":2}"#;
    let rows: [(Method, &str, &str, String, u16, &str); 16] = [
        (Method::GET, "/counter?limit=0", "", String::new(), 422, "invalid"),
        (Method::GET, "/counter?limit=x", "", String::new(), 400, "malformed"),
        (Method::GET, "/counter?limit=1&limit=2", "", String::new(), 400, "malformed"),
        (Method::GET, "/counter?filter[min]=x", "", String::new(), 400, "malformed"),
        (Method::GET, "/nothing", "", String::new(), 404, "route_not_found"),
        (Method::DELETE, "/counter", "", String::new(), 405, "method_not_allowed"),
        (Method::POST, "/counter", "application/json", String::new(), 400, "malformed"),
        (Method::POST, "/counter", "application/json", "{".to_owned(), 400, "malformed"),
        (Method::POST, "/counter", "application/json", deep, 400, "malformed"),
        (Method::POST, "/counter", "application/json", twice.to_owned(), 400, "malformed"),
        (Method::POST, "/counter", "application/json", "{}".to_owned(), 422, "invalid"),
        (Method::POST, "/counter", "text/plain", "{}".to_owned(), 415, "unsupported_media_type"),
        (Method::POST, "/counter", form, "--B--".to_owned(), 422, "invalid"),
        (Method::POST, "/counter", form, upload("../x.png", "image/png", "\u{89}PNG"), 422, "invalid"),
        (Method::POST, "/counter", form, upload("x.png", "image/png", "<html>"), 422, "invalid"),
        (Method::PUT, "/echo", "application/json", "{}".to_owned(), 422, "invalid"),
    ];
    for (method, path, media, body, status, code) in rows {
        let reply = send(&host, method.clone(), path, media, body).await;
        assert_eq!(told(&reply), (status, code.to_owned()), "{method} {path}: {}", reply.text());
    }
    let allow = send(&host, Method::DELETE, "/counter", "", "").await;
    assert_eq!(allow.header("allow"), "GET, HEAD, POST");
    let takes = send(&host, Method::POST, "/counter", "text/plain", "x").await;
    assert_eq!(takes.header("accept"), "application/json, multipart/form-data");
    assert_eq!(takes.json()["accept"], json!(["application/json", "multipart/form-data"]));
    // Nobody before this one was seen.
    let first = host.client.get("/counter?limit=5&filter[min]=1.5").await;
    assert_eq!((first.status.as_u16(), first.text().as_str()), (200, "1"));
    let good = send(&host, Method::POST, "/counter", "application/json", r#"{"sku":"A","quantity":1}"#).await;
    assert_eq!(good.text(), "2", "{good:?}");
    let echoed = send(&host, Method::PUT, "/echo", "application/json", r#"{ "a": 1 }"#).await;
    assert_eq!(echoed.text(), r#"{ "a": 1 }"#, "what passes is passed on as it came");
}

#[tokio::test]
async fn every_violation_is_told_and_no_secret() {
    let host = counter("");
    let body = r#"{"sku":"much too long","quantity":0,"password":"hunter2","typo":1}"#;
    let reply = send(&host, Method::POST, "/counter", "application/json", body).await;
    assert_eq!(told(&reply), (422, "invalid".to_owned()));
    let problem = reply.json();
    let mut at: Vec<&str> =
        problem["violations"].as_array().unwrap().iter().map(|one| one["at"].as_str().unwrap()).collect();
    at.sort_unstable();
    assert_eq!(at, ["", "/password", "/quantity", "/sku"], "{problem}");
    assert!(!reply.text().contains("hunter2") && !reply.text().contains("much too long"), "{problem}");
    host.line(|line| line["kind"] == "invalid").await;
    assert!(host.lines_so_far().await.iter().all(|line| !line.to_string().contains("hunter2")));
}

#[tokio::test]
async fn bodies_are_bounded_before_they_are_read() {
    let host = Setup::new().plugin("p", "typed", "request_body = \"1KiB\"");
    std::fs::write(host.folder().join("api.yaml"), COUNTER).unwrap();
    let host = host.with("[[routes]]\npath = \"/{*rest}\"\nplugin = \"p\"\nopenapi = \"api.yaml\"").start();
    let body = format!(r#"{{"sku":"{}","quantity":1}}"#, "x".repeat(2000));
    let reply = send(&host, Method::POST, "/counter", "application/json", body).await;
    assert_eq!(told(&reply), (413, "body_too_large".to_owned()));
}

#[tokio::test]
async fn responses_are_refused_or_logged_where_that_is_asked_for() {
    let refusing = counter("check_responses = \"refuse\"");
    let reply = refusing.client.get("/body?bytes=3").await;
    assert_eq!(told(&reply), (500, "response_invalid".to_owned()));
    assert_eq!(refusing.client.get("/counter?limit=5").await.text(), "1");
    let logging = counter("check_responses = \"log\"");
    assert_eq!(logging.client.get("/body?bytes=3").await.text(), "xxx");
    let line = logging.line(|line| line["msg"] == "a response is not what its document says").await;
    assert_eq!(line["level"], "warn", "{line}");
    assert!(line.to_string().contains("content-type is not described"), "{line}");
}

#[tokio::test]
async fn a_document_is_read_anew_at_a_reload_and_a_broken_one_is_not_taken() {
    let host = counter("");
    assert_eq!(host.client.get("/counter?limit=50").await.status, 200);
    let path = host.folder.join("api.yaml");
    std::fs::write(&path, COUNTER.replace("maximum: 100", "maximum: 10")).unwrap();
    assert_eq!(host.admin.send(Method::POST, "/v1/reload", "").await.status, 200);
    assert_eq!(host.client.get("/counter?limit=50").await.status, 422);
    std::fs::write(&path, COUNTER.replace("{type: integer, minimum: 1, maximum: 100}", "{type: strnig}"))
        .unwrap();
    let refused = host.admin.send(Method::POST, "/v1/reload", "").await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert_eq!(host.client.get("/counter?limit=50").await.status, 422);
    let checked =
        Command::new(harness::ostler()).args(["check", "-c"]).arg(host.folder.join("ostler.toml")).output();
    let checked = checked.unwrap();
    let text = String::from_utf8_lossy(&[checked.stdout, checked.stderr].concat()).into_owned();
    assert!(!checked.status.success());
    assert!(text.contains("api.yaml:7 at /paths/~1counter/get/parameters/0/schema/type"), "{text}");
}

/// Schemathesis makes requests of the document, good and bad, and compares the answers with it: with all of its checks, that
/// good ones are taken and bad ones refused among them.
#[tokio::test]
async fn schemathesis_finds_nothing_in_an_application_behind_its_document() {
    let setup = Setup::new().plugin("todo", "todo-rust", "grant = { kv = [\"todos\"] }");
    schemathesis(setup, "todo", TODOS, "check_responses = \"refuse\"").await;
}

/// The plugin takes everything, so that all that is refused is refused by the document.
#[tokio::test]
async fn schemathesis_finds_nothing_in_parameters_and_bodies_of_every_style() {
    schemathesis(Setup::new().plugin("p", "typed", ""), "p", STYLES, "").await;
}

async fn schemathesis(setup: Setup, plugin: &str, document: &str, keys: &str) {
    std::fs::write(setup.folder().join("api.yaml"), document).unwrap();
    let route =
        format!("[[routes]]\npath = \"/{{*rest}}\"\nplugin = {plugin:?}\nopenapi = \"api.yaml\"\n{keys}");
    // It makes very long queries, and does not count 414 among the ways to refuse them.
    let server = "listen = [\"http://127.0.0.1:0\"]\nuri_bytes = \"60KiB\"\nheader_bytes = \"256KiB\"";
    let host = setup.server(server).with(&route).start();
    let mut command = Command::new(servers().join("venv/bin/schemathesis"));
    command
        .current_dir(&host.folder)
        .args(["--no-color", "run", "api.yaml", "--checks", "all", "--max-examples", "60", "--seed", "1"])
        .args(["--phases", "examples,coverage,fuzzing,stateful", "--continue-on-failure"])
        .args(["--generation-database", "none", "--url", &format!("http://{}", host.address)]);
    let run = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned();
    assert!(run.status.success(), "{text}");
    let made = reported(&text);
    assert!(made > 200, "{made} requests were made: {text}");
    let kinds = ["invalid", "malformed", "unsupported_media_type", "method_not_allowed"];
    for kind in kinds {
        host.line(|line| line["kind"] == kind).await;
    }
    host.line(|line| line["status"] == 200).await;
}

/// How many requests it says it made.
fn reported(text: &str) -> u32 {
    let line = text.lines().find(|line| line.contains("generated")).unwrap_or_default();
    line.split_whitespace().find_map(|word| word.parse().ok()).unwrap_or(0)
}
