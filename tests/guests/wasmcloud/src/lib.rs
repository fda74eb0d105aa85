//! A handler as wasmCloud's own crate makes it: by path, one interface each. What goes wrong is a 502 with the text.

use wasmcloud_component::http::{self, Method, Response, StatusCode};
use wasmcloud_component::wasi::logging::logging::{Level, log};
use wasmcloud_component::wasi::{config, keyvalue};

mod blobs;

type Answered = Result<Told, String>;

/// What is answered: a text, or an object as it comes.
pub enum Told {
    Text(String),
    Object(wasmcloud_component::wasi::io::streams::InputStream),
}

struct Component;

http::export!(Component);

impl http::Server for Component {
    fn handle(request: http::IncomingRequest) -> http::Result<Response<impl http::OutgoingBody>> {
        let (parts, body) = request.into_parts();
        let query = |name: &str| {
            let pairs = parts.uri.query().unwrap_or_default().split('&');
            let value = pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
            value.map(|(_, value)| value.to_owned()).unwrap_or_default()
        };
        let answered = match (parts.uri.path(), parts.method) {
            ("/log", _) => say(&query("context")),
            ("/config", _) => configured(&query("key")),
            ("/kv", _) => key_value(&query("store")),
            ("/blob", _) => blobs::all(&query("container"), &query("other")),
            ("/object", Method::PUT) => blobs::write(&query("container"), &query("name"), &body),
            ("/object", _) => blobs::read(&query("container"), &query("name")),
            ("/unfinished", _) => blobs::unfinished(&query("container")),
            _ => Ok(Told::Text("good".into())),
        };
        let (status, told) = match answered {
            Ok(told) => (StatusCode::OK, told),
            Err(text) => (StatusCode::BAD_GATEWAY, Told::Text(text)),
        };
        let mut response = Response::new(told);
        *response.status_mut() = status;
        Ok(response)
    }
}

impl http::OutgoingBody for Told {
    fn write(
        self,
        body: wasmcloud_component::wasi::http::types::OutgoingBody,
        stream: wasmcloud_component::wasi::io::streams::OutputStream,
    ) -> std::io::Result<()> {
        match self {
            Told::Text(text) => http::OutgoingBody::write(text, body, stream),
            Told::Object(object) => http::OutgoingBody::write(object, body, stream),
        }
    }
}

/// A line of each level.
fn say(context: &str) -> Answered {
    for level in [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Critical] {
        log(level, &context.to_owned(), &format!("a line of {level:?}"));
    }
    Ok(Told::Text("said".into()))
}

fn configured(key: &String) -> Answered {
    let value = config::store::get(key).map_err(|error| format!("{error:?}"))?;
    let all = config::store::get_all().map_err(|error| format!("{error:?}"))?;
    Ok(Told::Text(format!("{value:?} of {}", all.len())))
}

fn key_value(store: &String) -> Answered {
    let failed = |error| format!("{error:?}");
    let (bucket, key) = (keyvalue::store::open(store).map_err(failed)?, "sum".to_owned());
    let sum = keyvalue::atomics::increment(&bucket, &key, 42).map_err(failed)?;
    let value = bucket.get(&key).map_err(failed)?.map(String::from_utf8);
    bucket.delete(&key).map_err(failed)?;
    Ok(Told::Text(format!("{sum} {value:?} {}", bucket.exists(&key).map_err(failed)?)))
}
