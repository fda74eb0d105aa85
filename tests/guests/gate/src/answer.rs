//! An answer as a query describes it, for what stands between it and the client: caches and checks of responses.

use std::time::Duration;

use ostler_sdk::{Error, Pairs, Request, Response, kv};

use crate::STORE;

/// Answers as the query of `target` says, and the fields of the request behind `x-answer-`: every name but those below is a
/// field of the answer.
pub fn answer(request: &Request, target: &str, count: i64) -> Result<Response, Error> {
    let described = Request::get(target).queries();
    let number = |name: &str| described.get(name).and_then(|text| text.parse::<u64>().ok());
    if let Some(ms) = number("delay_ms") {
        std::thread::sleep(Duration::from_millis(ms));
    }
    if described.get("trap").is_some() {
        panic!("a trap on purpose");
    }
    let fields = fields(request, &described);
    let response = Response::new(number("status").unwrap_or(200) as u16);
    let response = match is_known(request, &fields) {
        true => response.with_status(304),
        false => response.with_body(body(&described, count)),
    };
    let typed = fields.iter().any(|(name, _)| name == "content-type");
    let response = if typed { response } else { response.with_header("content-type", "text/plain") };
    let response = response.with_header("x-calls", count.to_string());
    Ok(fields.iter().fold(response, |response, (name, value)| response.with_header(name, value.as_str())))
}

/// `PUT /kept/NAME?...` keeps a query for every later request of that path, which is then answered as `/answer` with it.
pub fn kept(request: &Request, count: i64) -> Result<Response, Error> {
    let (store, key) = (kv::open(STORE), format!("kept {}", request.path()));
    if request.method() == "PUT" {
        store.set(&key, request.target())?;
        return Ok(Response::no_content());
    }
    match store.get(&key)? {
        Some(target) => answer(request, &String::from_utf8_lossy(&target), count),
        None => Err(Error::not_found("PUT says what to answer")),
    }
}

fn fields(request: &Request, described: &Pairs) -> Vec<(String, String)> {
    const NOT_FIELDS: [&str; 5] = ["status", "body", "bytes", "delay_ms", "trap"];
    let of_query = described.iter().filter(|(name, _)| !NOT_FIELDS.contains(name) && !name.starts_with('_'));
    let of_head = request.headers().filter_map(|(name, value)| {
        Some((name.strip_prefix("x-answer-")?, std::str::from_utf8(value).ok()?))
    });
    of_query.chain(of_head).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Whether the client has this answer already, by its tag or its date.
fn is_known(request: &Request, fields: &[(String, String)]) -> bool {
    let field = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    match request.header("if-none-match") {
        Some(known) => field("etag").is_some_and(|tag| known.split(',').any(|known| known.trim() == tag)),
        None => field("last-modified").is_some_and(|date| request.header("if-modified-since") == Some(date)),
    }
}

fn body(described: &Pairs, count: i64) -> Vec<u8> {
    let bytes = described.get("bytes").and_then(|text| text.parse().ok());
    match (described.get("body"), bytes) {
        (Some(text), _) => text.as_bytes().to_vec(),
        (None, Some(bytes)) => vec![b'x'; bytes],
        (None, None) => format!("answer {count}").into_bytes(),
    }
}
