//! One call of a capability per request, its outcome as text; an error of the capability is a 502 with its text.

use std::time::Duration;

use ostler_sdk::{Error, Request, Response, config, context, http, kv};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The value of a key, or 404.
pub fn config(key: &str) -> Response {
    match config::get(key) {
        Some(value) => Response::text(value),
        None => Response::text("none").with_status(404),
    }
}

/// All of the context as JSON.
pub fn context() -> Result<Response, Error> {
    let context = context::current();
    Response::json(&json!({
        "request_id": context.request_id,
        "route": context.route,
        "plugin": context.plugin,
        "release": context.release,
        "client_address": context.client_address,
        "deadline_left_ms": context::deadline_left().as_millis() as u64,
    }))
}

/// Fetches `url` with the request's own method and body; `timeout` in milliseconds.
pub fn fetch(request: &Request) -> Result<Response, Error> {
    let url = request.query("url").unwrap_or_default();
    let mut outbound = http::Request::new(request.method(), url).with_body(request.body());
    if let Some(limit) = request.query("timeout").and_then(|text| text.parse().ok()) {
        outbound = outbound.with_timeout(Duration::from_millis(limit));
    }
    http::fetch(outbound).map_err(failed)
}

/// `/kv/OPERATION?store=&key=...` with values in the body, batches as JSON.
pub fn kv(operation: &str, request: &Request) -> Result<Response, Error> {
    let text = |name: &str| request.query(name).unwrap_or_default();
    let (store, key) = (kv::open(&text("store")), text("key"));
    let json = match operation {
        "get" => {
            return Ok(store
                .get(&key)
                .map_err(failed)?
                .map_or(Response::new(404), |value| Response::new(200).with_body(value)));
        }
        "set" => match request.query("ttl").and_then(|text| text.parse().ok()) {
            Some(ttl) => {
                store.set_with_ttl(&key, request.body(), Duration::from_millis(ttl)).map(|()| Value::Null)
            }
            None => store.set(&key, request.body()).map(|()| Value::Null),
        },
        "delete" => store.delete(&key).map(Value::from),
        "exists" => store.exists(&key).map(Value::from),
        "increment" => store.increment(&key, text("delta").parse().unwrap_or(1)).map(Value::from),
        "list" => {
            let limit = text("limit").parse().unwrap_or(1000);
            let page = store.list(&text("prefix"), request.query("cursor").as_deref(), limit);
            page.map(|page| json!({ "keys": page.keys, "cursor": page.cursor }))
        }
        "compare-and-swap" => {
            let (expected, value) = (request.query("expected"), request.query("value"));
            let bytes = |text: &Option<String>| text.as_ref().map(|text| text.clone().into_bytes());
            store
                .compare_and_swap(&key, bytes(&expected).as_deref(), bytes(&value).as_deref())
                .map(Value::from)
        }
        "get-many" => {
            let values = store.get_many(batch::<String>(request)?);
            let as_text = |value: Vec<u8>| String::from_utf8_lossy(&value).into_owned();
            values.map(|values| values.into_iter().map(|value| value.map(as_text)).collect())
        }
        "set-many" => store.set_many(batch::<(String, String)>(request)?).map(|()| Value::Null),
        "delete-many" => store.delete_many(batch::<String>(request)?).map(|()| Value::Null),
        _ => return Err(Error::not_found("no such operation")),
    };
    Response::json(&json.map_err(failed)?)
}

/// A JSON array, whatever the request calls its body.
fn batch<T: DeserializeOwned>(request: &Request) -> Result<Vec<T>, Error> {
    serde_json::from_slice(request.body()).map_err(|error| Error::bad_request(error.to_string()))
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(502, error.to_string())
}
