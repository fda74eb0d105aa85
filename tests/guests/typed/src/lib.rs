//! A typed handler that does what its path says: good, hostile, or one call of a capability. README.md lists the paths.

use ostler_sdk::{Error, Request, Response};

mod capabilities;
mod hostile;

#[ostler_sdk::handler]
fn handle(request: Request) -> Result<Response, Error> {
    let number = |name: &str, default: usize| {
        request.query(name).and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let text = |name: &str| request.query(name).unwrap_or_default();
    match request.path() {
        "/" => Ok(Response::text("good")),
        "/echo" => Ok(echo(&request)),
        "/error" => Err(Error::internal("the private cause")),
        "/problem" => Err(Error::conflict("the public detail").with_code("a-code")),

        "/spin" => hostile::spin(),
        "/recurse" => Ok(Response::text(hostile::recurse(1).to_string())),
        "/memory" => hostile::memory(false),
        "/memory-touched" => hostile::memory(true),
        "/heap" => hostile::heap(),
        "/trap" => hostile::trap(),
        "/panic" => panic!("a panic on purpose"),
        "/flood-kv" => hostile::flood_kv(&text("store")),
        "/flood-log" => hostile::flood_log(),
        "/flood-context" => hostile::flood_context(),
        "/log" => Ok(hostile::log(number("lines", 1), number("bytes", 10))),
        "/headers" => Ok(hostile::headers(number("count", 1), number("bytes", 10))),
        "/body" => Ok(Response::typed("application/octet-stream", vec![b'x'; number("bytes", 1)])),
        "/status" => Ok(Response::new(number("code", 200) as u16)),
        "/header" => Ok(Response::new(200).with_header(&text("name"), text("value"))),
        "/header-bytes" => Ok(Response::new(200).with_header("x-bytes", vec![b'a', b'\r', b'\n', 0, 0xff])),
        "/burn" => Ok(hostile::burn(number("rounds", 1_000_000))),
        "/leak" => Ok(hostile::leak(number("bytes", 1 << 20))),
        "/counter" => Ok(hostile::counter()),

        "/config" => Ok(capabilities::config(&text("key"))),
        "/context" => capabilities::context(),
        "/fetch" => capabilities::fetch(&request),
        path => match path.strip_prefix("/kv/") {
            Some(operation) => capabilities::kv(operation, &request),
            None => Err(Error::not_found("README.md of the guests lists the paths")),
        },
    }
}

/// The body comes back, and everything else as headers: `x-method`, `x-target`, and each header `name` as `x-echo-name`.
fn echo(request: &Request) -> Response {
    let response = Response::typed("application/octet-stream", request.body())
        .with_header("x-method", request.method())
        .with_header("x-target", request.target());
    request
        .headers()
        .fold(response, |response, (name, value)| response.with_header(&format!("x-echo-{name}"), value))
}
