//! Outbound HTTP through wasi:http/client.

use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Request, Response, Scheme};
use wasip3::wit_bindgen::FutureReader;
use wasip3::{spawn_local, wit_future};

use crate::answer::{Answer, copy, text};

/// Sends the request's method and body to `url` and streams the answer back; an error is a 502 with its name.
pub async fn fetch(request: Request, url: &str) -> Result<Response, ErrorCode> {
    match send(request, url).await {
        Ok((response, sent)) => Ok(relay(response, sent)),
        Err(error) => Ok(text(502, &format!("{error:?}"))),
    }
}

/// Whether the request went out whole.
type Sent = FutureReader<Result<(), ErrorCode>>;

async fn send(incoming: Request, url: &str) -> Result<(Response, Sent), ErrorCode> {
    let (scheme, rest) = url.split_once("://").ok_or(ErrorCode::HttpRequestUriInvalid)?;
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.into()),
    };
    let method = incoming.get_method();
    let (_read, read_result) = wit_future::new(|| Ok(()));
    let (body, trailers) = Request::consume_body(incoming, read_result);
    let (request, sent) = Request::new(Fields::new(), Some(body), trailers, None);
    let set = request.set_method(&method).and(request.set_scheme(Some(&scheme)));
    let set = set.and(request.set_authority(Some(authority))).and(request.set_path_with_query(Some(path)));
    set.map_err(|()| ErrorCode::HttpRequestUriInvalid)?;
    Ok((client::send(request).await?, sent))
}

fn relay(response: Response, sent: Sent) -> Response {
    let (own, answer) = Answer::start(response.get_status_code(), &[]);
    let (read, read_result) = wit_future::new(|| Ok(()));
    let (body, trailers) = Response::consume_body(response, read_result);
    spawn_local(async move {
        copy(body, answer).await;
        // Held until here: without them a host may take the exchange for finished and cut the body.
        drop((read, trailers, sent));
    });
    own
}
