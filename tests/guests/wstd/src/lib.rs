//! A handler as crate wstd makes it: by path, what its own examples do. What goes wrong is a 502 with the text.

use wstd::http::body::Body;
use wstd::http::{Client, Error, Request, Response, StatusCode};
use wstd::time::{Duration, Instant};

#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>, Error> {
    match request.uri().path() {
        "/wait" => wait().await,
        "/echo" => Ok(Response::new(request.into_body())),
        "/fetch" => fetch(request).await,
        _ => Ok(Response::new("good".to_owned().into())),
    }
}

/// Answers after a tenth of a second, with the milliseconds it took.
async fn wait() -> Result<Response<Body>, Error> {
    let start = Instant::now();
    wstd::task::sleep(Duration::from_millis(100)).await;
    let took = Instant::now().duration_since(start).as_millis();
    Ok(Response::new(took.to_string().into()))
}

/// Sends method and body to the URL in the query, and streams what comes back.
async fn fetch(request: Request<Body>) -> Result<Response<Body>, Error> {
    let (parts, body) = request.into_parts();
    let url = parts.uri.query().and_then(|query| query.strip_prefix("url=")).unwrap_or_default();
    let outgoing = Request::builder().method(parts.method).uri(url).body(body)?;
    match Client::new().send(outgoing).await {
        Ok(response) => Ok(response),
        Err(error) => {
            let response = Response::builder().status(StatusCode::BAD_GATEWAY);
            Ok(response.body(format!("{error:?}").into())?)
        }
    }
}
