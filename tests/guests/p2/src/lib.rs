//! A wasi:http 0.2 handler that does what its path says. README.md lists the paths.

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

mod answer;
mod around;
mod conform;
mod fetch;
mod hostile;
mod stores;

use answer::Answer;

struct Guest;

impl wasip2::exports::http::incoming_handler::Guest for Guest {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let number = |name: &str, default: u64| {
            value(query, name).and_then(|text| text.parse().ok()).unwrap_or(default)
        };
        match path {
            "/" | "/hello" => Answer::start(out, 200, &[]).text("good"),
            "/echo" => answer::echo(request, out),
            "/drip" => answer::drip(out, number("chunks", 3), number("ms", 10)),
            "/body" => answer::body(out, number("bytes", 1)),
            "/trailers" => answer::trailers(out),
            "/ignore-body" => Answer::start(out, 200, &[]).text("the request body was not read"),

            "/seen" => conform::seen(request, out),
            "/collect" => conform::collect(request, out),
            "/early" => conform::early(request, out),
            "/until-gone" => conform::until_gone(out),
            "/fail" => conform::fail(out, number("code", 38)),
            "/forbidden" => conform::forbidden(request, out),
            "/ask" => conform::ask(request, out, query),

            "/endless" => hostile::endless(out),
            "/wait" => hostile::wait(out),
            "/wait-inside" => hostile::wait_inside(out),
            "/silent" => hostile::silent(out),
            "/refuse" => hostile::refuse(out),
            "/spin" => hostile::spin(),
            "/spin-inside" => hostile::spin_inside(out),
            "/trap" => hostile::trap(),
            "/trap-inside" => hostile::trap_inside(out),
            "/panic" => panic!("a panic on purpose"),
            "/exit" => std::process::exit(3),
            "/handles" => hostile::handles(),
            "/pollables" => hostile::pollables(),
            "/memory" => hostile::memory(),
            "/flood-stdout" => hostile::flood_stdout(),
            "/headers" => hostile::headers(out, number("count", 1), number("bytes", 10)),
            "/status" => Answer::start(out, number("code", 200) as u16, &[]).text("a status"),

            "/wasi-config" => stores::config(out, &value(query, "key").unwrap_or_default()),
            "/wasi-keyvalue" => stores::keyvalue(out, &value(query, "store").unwrap_or_default()),
            "/counter" => answer::counter(out),
            "/print" => around::print(out),
            "/around" => around::look(out),
            "/fetch" => fetch::fetch(request, out, &value(query, "url").unwrap_or_default()),
            _ => Answer::start(out, 404, &[]).text("README.md of the guests lists the paths"),
        }
    }
}

/// A query parameter, with percent-escapes undone.
fn value(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, text) = pairs.into_iter().find(|(key, _)| *key == name)?;
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

wasip2::http::proxy::export!(Guest);
