//! A wasi:http 0.3 handler that does what its path says. README.md lists the paths.

use wasip3::http::types::{ErrorCode, Request, Response};

mod answer;
mod conform;
mod fetch;
mod hostile;

use answer::text;

struct Guest;

impl wasip3::exports::http::handler::Guest for Guest {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let target = request.get_path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let number = |name: &str, default: u64| {
            value(query, name).and_then(|text| text.parse().ok()).unwrap_or(default)
        };
        match path {
            "/" | "/hello" => Ok(text(200, "good")),
            "/echo" => Ok(answer::echo(request)),
            "/drip" => Ok(answer::drip(number("chunks", 3), number("ms", 10))),
            "/body" => Ok(answer::body(number("bytes", 1))),
            "/trailers" => Ok(answer::trailers()),
            "/counter" => Ok(answer::counter()),
            "/ignore-body" => Ok(text(200, "the request body was not read")),
            "/status" => Ok(text(number("code", 200) as u16, "a status")),

            "/seen" => Ok(conform::seen(request)),
            "/collect" => Ok(conform::collect(request).await),
            "/early" => Ok(conform::early(request)),
            "/until-gone" => Ok(conform::until_gone()),
            "/fail" => Err(conform::code(number("code", 38))),
            "/forbidden" => Ok(conform::forbidden(request)),
            "/ask" => Ok(conform::ask(request, query).await),

            "/endless" => Ok(hostile::endless()),
            "/wait" => hostile::wait().await,
            "/wait-inside" => Ok(hostile::wait_inside()),
            "/refuse" => Err(ErrorCode::InternalError(Some("refused on purpose".into()))),
            "/spin" => hostile::spin(),
            "/spin-inside" => Ok(hostile::spin_inside()),
            "/trap" => hostile::trap(),
            "/trap-inside" => Ok(hostile::trap_inside()),
            "/panic" => panic!("a panic on purpose"),
            "/handles" => hostile::handles(),
            "/streams" => hostile::streams(),
            "/memory" => hostile::memory(),
            "/headers" => Ok(hostile::headers(number("count", 1), number("bytes", 10))),

            "/fetch" => fetch::fetch(request, &value(query, "url").unwrap_or_default()).await,
            _ => Ok(text(404, "README.md of the guests lists the paths")),
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

wasip3::http::service::export!(Guest);
