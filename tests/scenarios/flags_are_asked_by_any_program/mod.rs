//! Flags over OFREP: asked by the real OpenFeature clients of Python and Node, and by hand for what they do not show.

mod protocol;

use std::path::Path;
use std::process::Command;

use harness::{Host, Setup, servers};
use http::Method;
use serde_json::{Value, json};

/// The four types, and the ways in which a flag is decided.
fn definitions() -> Value {
    let flag = |variants: Value, default: &str| json!({ "state": "ENABLED", "variants": variants, "defaultVariant": default });
    let mut targeted = flag(json!({ "on": true, "off": false }), "off");
    targeted["targeting"] =
        json!({ "if": [{ "ends_with": [{ "var": "email" }, "@shop.test"] }, "on", null] });
    let mut split = flag(json!({ "a": "left", "b": "right" }), "a");
    split["targeting"] = json!({ "fractional": [["a", 50], ["b", 50]] });
    let mut dark = flag(json!({ "on": true, "off": false }), "on");
    dark["state"] = "DISABLED".into();
    json!({ "flags": {
        "plain": flag(json!({ "on": true, "off": false }), "on"),
        "colour": flag(json!({ "red": "#f00", "blue": "#00f" }), "red"),
        "count": flag(json!({ "few": 3, "many": 30 }), "few"),
        "ratio": flag(json!({ "half": 0.5, "most": 0.9 }), "half"),
        "shape": flag(json!({ "box": { "sides": 4, "name": "box" }, "none": {} }), "box"),
        "targeted": targeted,
        "split": split,
        "dark": dark,
    }})
}

fn setup() -> Setup {
    let setup = Setup::new().with(
        "[flags]\nfiles = ['flags.json']\n[flags.ofrep]\nauth = ['keys']\n[auth.keys]\nkind = 'api-key'",
    );
    std::fs::write(setup.folder().join("flags.json"), definitions().to_string()).unwrap();
    setup
}

async fn key(host: &Host) -> String {
    let reply = host.admin.send(Method::POST, "/v1/keys", json!({ "name": "flags" }).to_string()).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()["key"].as_str().unwrap().to_owned()
}

fn questions() -> Value {
    let staff = json!({ "targetingKey": "ada", "email": "ada@shop.test" });
    json!([
        { "type": "boolean", "flag": "plain", "default": false },
        { "type": "string", "flag": "colour", "default": "none" },
        { "type": "integer", "flag": "count", "default": 0 },
        { "type": "float", "flag": "ratio", "default": 0.25 },
        { "type": "object", "flag": "shape", "default": {} },
        { "type": "boolean", "flag": "targeted", "default": false, "context": staff },
        { "type": "boolean", "flag": "targeted", "default": true, "context": { "email": "eve@evil.test" } },
        { "type": "boolean", "flag": "missing", "default": true },
        { "type": "boolean", "flag": "dark", "default": false },
        { "type": "boolean", "flag": "colour", "default": true },
    ])
}

/// What every client has to say to [`questions`]: value, variant, reason, error.
fn answers() -> Value {
    let said = |value: Value, variant: &str, reason: &str| json!([value, variant, reason, null]);
    json!([
        said(json!(true), "on", "STATIC"),
        said(json!("#f00"), "red", "STATIC"),
        said(json!(3), "few", "STATIC"),
        said(json!(0.5), "half", "STATIC"),
        said(json!({ "sides": 4, "name": "box" }), "box", "STATIC"),
        said(json!(true), "on", "TARGETING_MATCH"),
        said(json!(false), "off", "DEFAULT"),
        json!([true, null, "ERROR", "FLAG_NOT_FOUND"]),
        json!([false, null, "ERROR", "FLAG_NOT_FOUND"]),
        json!([true, null, "ERROR", "TYPE_MISMATCH"]),
    ])
}

/// Runs a client, and brings its answers into the form of [`answers`].
async fn ask(program: &str, script: &str, url: String, key: &str, questions: &Value) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("flags_are_asked_by_any_program").join(script);
    let script = script.to_str().unwrap().to_owned();
    let mut command = Command::new(program);
    command.current_dir(servers()).args([&script, &url, key, &questions.to_string()]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let list = |said: Value| json!([said["value"], said["variant"], said["reason"], said["error"]]);
    said.into_iter().map(list).collect()
}

fn url(host: &Host) -> String {
    format!("http://{}", host.address)
}

async fn the_client_agrees(program: &str, script: &str) {
    let host = setup().start();
    let key = key(&host).await;
    assert_eq!(ask(program, script, url(&host), &key, &questions()).await, answers());
    // A wrong key gets nothing but the code's own defaults.
    let one = json!([{ "type": "boolean", "flag": "plain", "default": false }]);
    let said = ask(program, script, url(&host), "ok_AAAAAAAAAAAA_wrong", &one).await;
    assert_eq!(said[0][0], false, "{said}");
    assert_eq!(said[0][3], "GENERAL", "{said}");
    // The same person always falls on the same side, and people fall on both.
    let who = |number: usize| json!({ "targetingKey": format!("user-{number}") });
    let many: Value = (0..60)
        .map(|number| json!({ "type": "string", "flag": "split", "default": "", "context": who(number) }))
        .collect();
    let first = ask(program, script, url(&host), &key, &many).await;
    assert_eq!(ask(program, script, url(&host), &key, &many).await, first);
    let left = first.as_array().unwrap().iter().filter(|said| said[0] == "left").count();
    assert!((10..=50).contains(&left), "{left} of 60");
}

#[tokio::test]
async fn the_client_of_python_gets_values_variants_and_reasons() {
    let python = servers().join("venv/bin/python");
    the_client_agrees(python.to_str().unwrap(), "ask.py").await;
}

#[tokio::test]
async fn the_client_of_node_gets_values_variants_and_reasons() {
    the_client_agrees("node", "ask.mjs").await;
}
