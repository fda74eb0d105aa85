//! A typed handler behind the gate: tells who and what was let through, uses the capabilities that belong to it, and answers with
//! any status, fields and body. README.md lists the paths.
//!
//! Every call is counted in store `gate`, if that is granted, so that a test can tell whether the handler was asked at all:
//! `GET /calls` (which is not counted itself) answers the number. Built on its own by
//! `cargo run -q -p ostler-toolchain --example guests -- LIST WORKDIR OUT` with a LIST that has only its entry of `guests.toml`.

use ostler_sdk::{Error, Request, Response, kv};
use serde_json::json;

mod answer;
mod capabilities;

const STORE: &str = "gate";

#[ostler_sdk::handler]
fn handle(request: Request) -> Result<Response, Error> {
    if request.path() == "/calls" {
        return calls(&request);
    }
    let count = count(request.path());
    match request.path() {
        "/" => Ok(Response::text("good")),
        "/whoami" => capabilities::whoami(),
        "/parameters" => capabilities::parameters(),
        "/may" => capabilities::may(&request),
        "/must" => capabilities::must(&request),
        "/limit" => capabilities::limit(&request),
        "/seen" => seen(&request),
        "/answer" => answer::answer(&request, request.target(), count),
        path => match (path.strip_prefix("/cache/"), path.strip_prefix("/kept/")) {
            (Some(operation), _) => capabilities::cache(operation, &request),
            (_, Some(_)) => answer::kept(&request, count),
            _ => seen(&request),
        },
    }
}

/// How often a path was asked, this time included; 0 without the store.
fn count(path: &str) -> i64 {
    let store = kv::open(STORE);
    let count = store.increment(&format!("calls {path}"), 1).unwrap_or_default();
    let _ = store.increment("calls", 1);
    count
}

/// How often `path` was asked, or all of them.
fn calls(request: &Request) -> Result<Response, Error> {
    let key = request.query("path").map_or("calls".to_owned(), |path| format!("calls {path}"));
    Ok(Response::text(kv::open(STORE).get_count(&key)?.to_string()))
}

/// What came through: for comparing with what was sent.
fn seen(request: &Request) -> Result<Response, Error> {
    let headers: Vec<_> =
        request.headers().map(|(name, value)| json!([name, String::from_utf8_lossy(value)])).collect();
    Response::json(&json!({
        "method": request.method(),
        "target": request.target(),
        "headers": headers,
        "body": String::from_utf8_lossy(request.body()),
    }))
}
