//! The admin API: what it takes, and what it answers to everything else.

mod definitions;
mod releases;

use harness::{Host, Reply, Setup, Version, component, tagged};
use http::Method;

/// A host with the uploaded plugin `up` (at `/up/...`) and the file plugin `file`.
fn host() -> Host {
    let routes = |setup: Setup| setup.route("/up/{*rest}", "up").route("/file/{*rest}", "file");
    routes(Setup::new().plugin("file", "hello-typed", "").with("[plugins.up]")).start()
}

async fn put(host: &Host, path: &str, body: impl Into<bytes::Bytes>) -> Reply {
    host.admin.send(Method::PUT, path, body).await
}

async fn upload(host: &Host, component: impl Into<bytes::Bytes>) -> Reply {
    put(host, "/v1/plugins/up/releases", component).await
}

/// Asserts status and code of a problem document, and returns its reasons.
fn problem(reply: &Reply, status: u16, code: &str) -> Vec<String> {
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (status, code), "{}", reply.text());
    assert_eq!(reply.header("content-type"), "application/problem+json");
    let problem = reply.json();
    for key in ["type", "title", "detail", "request_id"] {
        assert!(problem[key].is_string(), "{key} in {problem}");
    }
    assert_eq!(problem["request_id"], reply.header("x-request-id"));
    problem["reasons"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|reason| reason.as_str().unwrap().into())
        .collect()
}

#[tokio::test]
async fn new_bytes_are_created_and_known_bytes_are_activated() {
    let host = host();
    let before = host.client.get("/up/x").await;
    assert_eq!((before.status.as_u16(), before.code().as_str()), (503, "plugin_has_no_release"));
    let first = upload(&host, component("hello-typed")).await;
    assert_eq!(first.status, 201, "{}", first.text());
    let told = first.json();
    assert_eq!(told["plugin"], "up");
    assert_eq!(told["handler"], "typed");
    assert_eq!(told["size"], component("hello-typed").len());
    assert!(told["compile_ms"].is_u64() && told["warnings"].is_array(), "{told}");
    let second = upload(&host, tagged("hello-typed", "2")).await;
    assert_eq!(second.status, 201);
    let again = upload(&host, component("hello-typed")).await;
    assert_eq!((again.status.as_u16(), &again.json()["digest"]), (200, &told["digest"]));
    let live = host.admin.get("/v1/plugins/up").await.json()["live"]["digest"].clone();
    assert_eq!(live, told["digest"]);
    assert_eq!(host.client.get("/up/x").await.status, 404, "the handler answers, by its own routes");
}

#[tokio::test]
async fn an_import_without_its_grant_is_accepted_with_a_warning() {
    let reply = upload(&host(), component("typed")).await;
    assert_eq!(reply.status, 201);
    let warnings = reply.json()["warnings"].to_string();
    assert!(["kv", "config", "http"].iter().all(|grant| warnings.contains(grant)), "{warnings}");
}

#[tokio::test]
async fn what_is_no_component_is_refused_for_what_it_is() {
    let host = host();
    let component = component("hello-typed");
    let half = component[..component.len() / 2].to_vec();
    let garbage: Vec<u8> = (0..100_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut flipped = component.clone();
    let middle = flipped.len() / 2;
    flipped[middle..middle + 64].fill(0xff);
    let module = wat::parse_str("(module (func (export \"f\")))").unwrap();
    for (what, bytes, reason) in [
        ("nothing", vec![], "empty"),
        ("garbage", garbage, "no WebAssembly file"),
        ("text", b"(component)".to_vec(), "WebAssembly text"),
        ("a core module", module, "core module"),
        ("half a component", half, "damaged"),
        ("a component with a hole", flipped, ""),
        ("an empty component", wat::parse_str("(component)").unwrap(), "no handler"),
    ] {
        let reasons = problem(&upload(&host, bytes).await, 422, "invalid");
        assert!(reasons.len() == 1 && reasons[0].contains(reason), "{what}: {reasons:?}");
    }
    assert_eq!(host.admin.get("/v1/plugins/up").await.json()["live"], serde_json::Value::Null);
    assert_eq!(std::fs::read_dir(host.folder.join("state/artifacts")).unwrap().count(), 0);
}

#[tokio::test]
async fn precompiled_machine_code_is_refused_even_if_this_host_made_it() {
    let host = host();
    upload(&host, component("hello-typed")).await;
    let code = walk(&host.folder.join("state/code"));
    assert!(!code.is_empty());
    for file in code {
        let reasons = problem(&upload(&host, std::fs::read(file).unwrap()).await, 422, "invalid");
        assert!(reasons[0].contains("precompiled"), "{reasons:?}");
    }
}

#[tokio::test]
async fn imports_nobody_provides_are_named_all_at_once() {
    let text = "(component (import \"acme:db/store@1.0.0\" (instance)) (import \"wasi:http/types@0.9.0\" (instance)))";
    let reasons = problem(&upload(&host(), wat::parse_str(text).unwrap()).await, 422, "invalid");
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    for expected in ["no handler", "acme:db/store@1.0.0", "wasi:http/types@0.9.0"] {
        assert!(reasons.iter().any(|reason| reason.contains(expected)), "{expected}: {reasons:?}");
    }
}

#[tokio::test]
async fn a_component_beyond_the_limit_is_refused_before_it_is_read() {
    let host = host();
    let mut stream = tokio::net::TcpStream::connect(host.admin_address).await.unwrap();
    let token = std::fs::read_to_string(host.folder.join("admin.token")).unwrap();
    let head = format!(
        "PUT /v1/plugins/up/releases HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        token.trim(),
        (128 << 20) + 1
    );
    tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes()).await.unwrap();
    let mut reply = [0; 12];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut reply).await.unwrap();
    assert_eq!(&reply, b"HTTP/1.1 413");
}

#[tokio::test]
async fn without_the_token_everything_is_one_and_the_same_401() {
    let host = host();
    let right = std::fs::read_to_string(host.folder.join("admin.token")).unwrap().trim().to_owned();
    let stranger = harness::Client::new(host.admin_address, Version::Http1, None);
    let wrong = "0".repeat(right.len());
    let values = [None, Some(""), Some("Bearer"), Some(wrong.as_str()), Some(&right[1..]), Some(&right)];
    let mut shapes = std::collections::BTreeSet::new();
    for (method, path) in [
        (Method::GET, "/v1/plugins"),
        (Method::PUT, "/v1/plugins/up/releases"),
        (Method::POST, "/v1/reload"),
        (Method::DELETE, "/v1/plugins/none"),
        (Method::GET, "/v1/nothing"),
    ] {
        for value in values {
            let mut request = stranger.request(method.clone(), path, "");
            // The right token under a scheme that is not Bearer is as wrong as another.
            let value = value.map(|token| format!("Basic {token}"));
            if let Some(value) = value {
                request.headers_mut().insert("authorization", value.parse().unwrap());
            }
            let reply = stranger.try_send(request).await.unwrap();
            problem(&reply, 401, "unauthorized");
            assert_eq!(reply.header("www-authenticate"), "Bearer");
            let mut shape = reply.json();
            shape["request_id"].take();
            shapes.insert(shape.to_string());
        }
        for token in ["", &wrong, &right[1..]] {
            let client = harness::Client::new(host.admin_address, Version::Http1, Some(token.into()));
            problem(&client.send(method.clone(), path, "").await, 401, "unauthorized");
        }
    }
    assert_eq!(shapes.len(), 1, "{shapes:?}");
}

/// Files below `folder`.
fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
