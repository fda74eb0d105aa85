//! Flask and Starlette with their real packages, built by `ostler build`, answer and are granted nothing but what their
//! definitions say.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use harness::{Host, Setup, ostler};
use serde_json::{Value, json};

/// The SDK's folder, for `pyproject.toml`.
const SDK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sdk/python");

/// Builds the application `app.py` of a folder beside this file; the component's path.
fn built(name: &str, dependency: &str, kind: &str, folder: &Path) -> PathBuf {
    let dir = folder.join(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("python_applications_are_served").join(name);
    fs::create_dir(&dir).unwrap();
    fs::copy(source.with_extension("py"), dir.join("app.py")).unwrap();
    let manifest = format!(
        "[project]\nname = {name:?}\ndependencies = [{dependency:?}]\n[tool.ostler]\n{kind} = \"app:app\"\nsdk = {SDK:?}\n"
    );
    fs::write(dir.join("pyproject.toml"), manifest).unwrap();
    let output = Command::new(ostler())
        .arg("build")
        .current_dir(&dir)
        // Tools that builds bring are kept for the next run.
        .env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    dir.join(format!("target/{name}.wasm"))
}

/// A host with the application at every path.
fn serving(component: &Path, keys: &str) -> Host {
    let plugin = format!("[plugins.p]\npath = {:?}\n{keys}\n", component.display().to_string());
    Setup::new().with(&plugin).route("/", "p").route("/{*rest}", "p").start()
}

#[tokio::test]
async fn flask_answers_and_reaches_what_was_granted_alone() {
    let folder = tempfile::tempdir().unwrap();
    let component = built("flask", "flask==3.1.3", "wsgi", folder.path());
    let grant = "instances = \"fresh\"\ngrant = { kv = [\"greeted\"], config = { greeting = \"Hi\" } }";
    let host = serving(&component, grant);
    let greeted = host.client.get("/hello/%C3%A9?a=1").await;
    assert_eq!(greeted.json(), json!({"greeting": "Hi, é!", "times": 1, "query": {"a": "1"}}));
    assert_eq!(host.client.get("/page").await.text(), "<p>&lt;b&gt;</p>");
    assert_eq!(host.client.get("/nowhere").await.status.as_u16(), 404);

    let found = host.client.get("/sandbox").await.json();
    let words = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
    assert!(words("kv").contains("store \"other\" is not granted"), "{found}");
    assert!(words("http").contains("outbound HTTP to http://example.com is not granted"), "{found}");
    assert!(words("file").starts_with("FileNotFoundError") && words("socket").contains("rror"), "{found}");
    assert_eq!((&found["environment"], &found["late"]), (&json!({}), &json!("ok")));

    let drawn = (host.client.get("/random").await.text(), host.client.get("/random").await.text());
    assert_ne!(drawn.0, drawn.1, "two fresh instances drew the same");

    let failed = host.client.get("/leave").await;
    assert_eq!((failed.status.as_u16(), failed.code().as_str()), (500, "plugin_failed"));
    let deep = host.client.send(http::Method::POST, "/json", "[".repeat(100_000)).await;
    assert_eq!(deep.json()["code"], "invalid_json");
}

#[tokio::test]
async fn starlette_begins_once_and_needs_no_threads() {
    let folder = tempfile::tempdir().unwrap();
    let component = built("starlette", "starlette==1.10.0", "asgi", folder.path());
    let host = serving(&component, "");
    for times in 1..=2 {
        let reply = host.client.get("/hello/you").await;
        assert_eq!(reply.json(), json!({"hello": "you", "begun": 1, "times": times}));
        assert_eq!(reply.header("x-middleware"), "passed");
    }
    assert_eq!(host.client.get("/plain").await.text(), "a function that is not async");
    assert_eq!(host.client.get("/stream").await.text(), "0 1 2 ");
    assert_eq!(host.client.get("/boom").await.code(), "plugin_failed");
    let after: Value = host.client.get("/hello/you").await.json();
    assert_eq!(after["times"], 3, "a failure ends the request, not the instance");
}
