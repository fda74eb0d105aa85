//! One use of a capability per request: flags, experiments, and what has effects outside the sandbox.

use ostler_sdk::flags::{Details, ErrorCode, Value};
use ostler_sdk::{Error, Pairs, Request, Response, config, context, experiment, flags, http, kv};
use serde_json::{Map, Value as Json, json};

/// Names in a query that are no attributes.
const NO_ATTRIBUTES: [&str; 3] = ["key", "type", "default"];

/// `/flag?key=&type=boolean&default=`: the detailed form as JSON. All else in the query is an attribute of the context first.
pub fn flag(request: &Request) -> Result<Response, Error> {
    let query = request.queries();
    let added = add_context(&query);
    let (key, default) = (query.get("key").unwrap_or_default(), query.get("default"));
    let details = match query.get("type").unwrap_or("boolean") {
        "boolean" => flags::resolve(key, default == Some("true")),
        "string" => flags::resolve(key, default.unwrap_or_default()),
        "number" => flags::resolve(key, default.and_then(|text| text.parse().ok()).unwrap_or(0.0)),
        "object" => flags::resolve(key, object(default)),
        _ => return Err(Error::bad_request("type is boolean, string, number or object")),
    };
    Response::json(&told(details, added))
}

/// `/boolean/KEY`, `/string/KEY`, `/number/KEY`, `/object/KEY`: the short form as text, with `false`, `none`, `0` or `{}` for a default.
/// `/nothing/KEY` asks for nothing, to measure against.
pub fn short(kind: &str, key: &str) -> Option<Response> {
    Some(Response::text(match kind {
        "boolean" => flags::get_boolean(key, false).to_string(),
        "string" => flags::get_string(key, "none"),
        "number" => flags::get_number(key, 0.0).to_string(),
        "object" => Json::Object(flags::get_object(key, Map::new())).to_string(),
        "nothing" => "false".to_owned(),
        _ => return None,
    }))
}

/// `/track?metric=&value=1`: whether it was taken. All else in the query is the key of a boolean flag that is asked first.
pub fn track(request: &Request) -> Result<Response, Error> {
    let query = request.queries();
    for (key, _) in query.iter().filter(|(name, _)| !["metric", "value"].contains(name)) {
        flags::get_boolean(key, false);
    }
    let value = query.get("value").unwrap_or("1").parse().map_err(|_| Error::bad_request("value"))?;
    Response::json(&experiment::track(query.get("metric").unwrap_or_default(), value))
}

/// `/fetch?url=`: sends method and body there, answers what came.
pub fn fetch(request: &Request) -> Result<Response, Error> {
    let url = request.query("url").unwrap_or_default();
    let outbound = http::Request::new(request.method(), url).with_body(request.body());
    http::fetch(outbound).map_err(failed)
}

/// `/count?store=&key=`: adds one, and answers the sum.
pub fn count(request: &Request) -> Result<Response, Error> {
    let text = |name: &str| request.query(name).unwrap_or_default();
    let sum = kv::open(&text("store")).increment(&text("key"), 1).map_err(failed)?;
    Ok(Response::text(sum.to_string()))
}

/// `/kept?store=&key=`: the value, or 404.
pub fn kept(request: &Request) -> Result<Response, Error> {
    let text = |name: &str| request.query(name).unwrap_or_default();
    match kv::open(&text("store")).get(&text("key")).map_err(failed)? {
        Some(value) => Ok(Response::new(200).with_body(value)),
        None => Err(Error::not_found("nothing is kept there")),
    }
}

/// `/config?key=`: the value, or 404.
pub fn config(request: &Request) -> Result<Response, Error> {
    let value = config::get(&request.query("key").unwrap_or_default());
    value.map(Response::text).ok_or_else(|| Error::not_found("no such key"))
}

/// `/release`: the digest of what answers.
pub fn release() -> Response {
    Response::text(context::current().release)
}

/// Values that are JSON as they are, others as strings.
fn add_context(query: &Pairs) -> bool {
    let json = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| json!(text));
    let attributes = query.iter().filter(|(name, _)| !NO_ATTRIBUTES.contains(name));
    flags::add_context(attributes.map(|(name, value)| (name, json(value))))
}

fn object(text: Option<&str>) -> Map<String, Json> {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

fn told(details: Details, added: bool) -> Json {
    let value = match details.value {
        Value::Boolean(value) => json!(value),
        Value::String(value) => json!(value),
        Value::Number(value) => json!(value),
        Value::Object(value) => Json::Object(value),
    };
    json!({
        "value": value,
        "variant": details.variant,
        "reason": details.reason,
        "error_code": details.error_code.map(name),
        "error_message": details.error_message,
        "metadata": details.metadata,
        "context_added": added,
    })
}

/// As OpenFeature writes them.
fn name(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::ProviderNotReady => "PROVIDER_NOT_READY",
        ErrorCode::FlagNotFound => "FLAG_NOT_FOUND",
        ErrorCode::ParseError => "PARSE_ERROR",
        ErrorCode::TypeMismatch => "TYPE_MISMATCH",
        ErrorCode::TargetingKeyMissing => "TARGETING_KEY_MISSING",
        ErrorCode::InvalidContext => "INVALID_CONTEXT",
        ErrorCode::General => "GENERAL",
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(502, error.to_string())
}
