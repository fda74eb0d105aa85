//! What a release must pass before it may take traffic: every refusal names its gate and its reason, is kept, and changes nothing.

mod contents;
mod hooks;
mod signature;
mod smoke;

use std::path::Path;
use std::process::{Command, Output};

use harness::{Host, Reply, Setup, component, ostler, tagged};
use http::Method;
use serde_json::Value;

/// A host with the uploaded plugin `up` at every path, and these keys beside it.
fn host(setup: Setup, keys: &str) -> Host {
    setup.with(&format!("[plugins.up]\n{keys}")).route("/{*rest}", "up").route("/", "up").start()
}

/// Uploads parts by name.
async fn upload(host: &Host, parts: &[(&str, &[u8])]) -> Reply {
    let mut body = Vec::new();
    for (name, bytes) in parts {
        body.extend(format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n").into_bytes());
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--B--\r\n");
    let mut request = host.admin.request(Method::PUT, "/v1/plugins/up/releases", body);
    request.headers_mut().insert("content-type", "multipart/form-data; boundary=B".parse().unwrap());
    host.admin.try_send(request).await.unwrap()
}

/// The reasons of a refusal by `gate`, which is kept and leaves what is live alone.
async fn refused(host: &Host, reply: &Reply, gate: &str) -> String {
    assert_eq!(reply.status, 422, "{}", reply.text());
    let problem = reply.json();
    let findings = problem["findings"].as_array().unwrap().iter();
    let against: Vec<_> =
        findings.filter(|finding| finding["passed"] == false).map(|one| &one["gate"]).collect();
    assert_eq!(against, [gate], "{problem}");
    let list = host.admin.get("/v1/plugins/up/releases").await.json();
    assert_eq!(list["refused"][0]["admission"], problem["findings"], "{list}");
    let reasons: Vec<_> =
        problem["reasons"].as_array().unwrap().iter().map(|reason| reason.as_str().unwrap()).collect();
    assert!(reasons.iter().all(|reason| reason.starts_with(&format!("{gate}: "))), "{reasons:?}");
    reasons.join("\n")
}

/// Runs a command of the host's in `folder`.
fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(ostler()).args(arguments).current_dir(folder).output().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn another_kind_of_handler_is_refused_unless_allowed() {
    let host = host(Setup::new(), "");
    assert_eq!(upload(&host, &[("component", &component("p2"))]).await.status, 201);
    let reply = upload(&host, &[("component", &component("hello-typed"))]).await;
    let told = refused(&host, &reply, "artifact").await;
    assert!(told.contains("handler_change = true"), "{told}");
    assert_eq!(host.client.get("/").await.text().trim(), "good", "what was live still answers");
    let list = host.admin.get("/v1/plugins/up/releases").await.json();
    assert_eq!(list["releases"].as_array().unwrap().len(), 1);
    assert_eq!(list["releases"][0]["admission"][0]["gate"], "artifact");
    let config = std::fs::read_to_string(host.folder.join("ostler.toml")).unwrap();
    let config = config.replace("[plugins.up]\n", "[plugins.up]\nadmission = { handler_change = true }\n");
    std::fs::write(host.folder.join("ostler.toml"), config).unwrap();
    let reloaded = host.admin.send(Method::POST, "/v1/reload", "").await;
    assert_eq!(reloaded.status, 200, "{}", reloaded.text());
    assert_eq!(upload(&host, &[("component", &component("hello-typed"))]).await.status, 201);
}

#[tokio::test]
async fn a_live_release_whose_file_is_gone_still_says_which_handler_it_is() {
    let host = host(Setup::new(), "");
    assert_eq!(upload(&host, &[("component", &component("p2"))]).await.status, 201);
    for file in std::fs::read_dir(host.folder.join("state/artifacts")).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    let reply = upload(&host, &[("component", &component("hello-typed"))]).await;
    let told = refused(&host, &reply, "artifact").await;
    assert!(told.contains("the live release one of wasi:http/incoming-handler@0.2"), "{told}");
}

#[tokio::test]
async fn grants_are_strict_if_asked_for() {
    let setup =
        Setup::new().with("[admission]\nstrict_grants = true\nhandler_change = true\nsize = \"100MiB\"");
    let host = host(setup, "grant = { kv = [\"a\"], config = { x = \"y\" } }");
    let reply = upload(&host, &[("component", &component("typed"))]).await;
    let told = refused(&host, &reply, "artifact").await;
    assert!(told.contains("it imports http, which is not granted"), "{told}");
    assert!(!told.contains("kv"), "{told}");
    let unknown = upload(&host, &[("component", b"x"), ("options", br#"{"approve": ["kvs"]}"#)]).await;
    assert!(unknown.status == 422 && unknown.text().contains("kvs"), "{}", unknown.text());
}

#[tokio::test]
async fn what_a_release_asks_for_anew_must_be_approved() {
    let grants = "grant = { kv = [\"a\"], sqlite = [\"a\"], blob = [\"a\"], config = { x = \"y\" }, \
                  http = [\"http://a.test\"], limits = [\"l\"], cache = [\"c\"] }";
    let setup = Setup::new()
        .with("[limits.l]\nrate = \"5/s\"\n[admission]\nstrict_grants = true\nhandler_change = true");
    let host = host(setup, grants);
    let first = upload(&host, &[("component", &component("hello-typed"))]).await;
    assert_eq!(first.status, 201, "{}", first.text());
    let typed = component("typed");
    let told = refused(&host, &upload(&host, &[("component", &typed)]).await, "artifact").await;
    assert!(told.contains("approve it with `--approve kv`"), "{told}");
    let asked: Vec<_> = told.lines().filter_map(|line| line.split("--approve ").nth(1)).collect();
    let asked: Vec<_> = asked.iter().map(|rest| rest.trim_end_matches('`')).collect();
    let options = serde_json::json!({ "approve": asked }).to_string();
    let reply = upload(&host, &[("component", &typed), ("options", options.as_bytes())]).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let again = upload(&host, &[("component", &tagged("typed", "2"))]).await;
    assert_eq!(again.status, 201, "what is live needs no approval: {}", again.text());
}

#[tokio::test]
async fn hostile_forms_change_nothing() {
    let host = host(Setup::new(), "");
    let good = component("hello-typed");
    for (parts, status) in [
        (vec![("component", &good[..]), ("component", &good[..])], 400),
        (vec![("other", b"x")], 400),
        (vec![("sbom", b"{}")], 400),
        (vec![("component", &good[..]), ("signature", &[b'x'; 9 << 10])], 413),
        (vec![("component", &good[..]), ("options", b"[")], 400),
    ] {
        let reply = upload(&host, &parts).await;
        assert_eq!(reply.status, status, "{}", reply.text());
    }
    assert_eq!(host.admin.get("/v1/plugins/up").await.json()["live"], Value::Null);
}

#[tokio::test]
async fn findings_and_refusals_survive_a_kill_and_are_shown_by_the_command() {
    let host = host(Setup::new(), "");
    upload(&host, &[("component", &component("hello-typed"))]).await;
    upload(&host, &[("component", b"nothing")]).await;
    let host = host.kill_and_restart();
    let admin = format!("http://{}", host.admin_address);
    let output = run(&host.folder, &["releases", "up", "--admin", &admin, "--token-file", "admin.token"]);
    let told = text(&output);
    for expected in [
        "    artifact   passed   handler of ostler:plugin/http-handler@0.1",
        "    contents   passed",
        "x sha256:",
        "    artifact   refused  this is no WebAssembly file",
    ] {
        assert!(told.contains(expected), "{expected} in\n{told}");
    }
}
