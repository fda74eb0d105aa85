//! Outbound HTTP through wasi:http/outgoing-handler.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingRequest, IncomingResponse, OutgoingBody, OutgoingRequest, ResponseOutparam,
    Scheme,
};

use crate::answer::Answer;

/// Sends the request's method and body to `url` and streams the answer back; an error is a 502 with its name.
pub fn fetch(request: IncomingRequest, out: ResponseOutparam, url: &str) {
    match send(&request, url) {
        Ok(response) => relay(response, out),
        Err(error) => Answer::start(out, 502, &[]).text(&format!("{error:?}")),
    }
}

fn send(incoming: &IncomingRequest, url: &str) -> Result<IncomingResponse, ErrorCode> {
    let (scheme, rest) = url.split_once("://").ok_or(ErrorCode::HttpRequestUriInvalid)?;
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.into()),
    };
    let request = OutgoingRequest::new(Fields::new());
    let set = request.set_method(&incoming.method()).and(request.set_scheme(Some(&scheme)));
    let set = set.and(request.set_authority(Some(authority))).and(request.set_path_with_query(Some(path)));
    set.map_err(|()| ErrorCode::HttpRequestUriInvalid)?;
    let body = request.body().expect("first use");
    let response = outgoing_handler::handle(request, None)?;
    copy(incoming, body)?;
    response.subscribe().block();
    response.get().expect("it is ready").expect("taken once")
}

fn copy(incoming: &IncomingRequest, body: OutgoingBody) -> Result<(), ErrorCode> {
    let stream = body.write().expect("first use");
    let own = incoming.consume().expect("first use");
    let source = own.stream().expect("first use");
    while let Ok(piece) = source.blocking_read(4096) {
        if stream.blocking_write_and_flush(&piece).is_err() {
            break;
        }
    }
    drop(stream);
    OutgoingBody::finish(body, None)
}

fn relay(response: IncomingResponse, out: ResponseOutparam) {
    let answer = Answer::start(out, response.status(), &[]);
    let body = response.consume().expect("first use");
    let stream = body.stream().expect("first use");
    while let Ok(piece) = stream.blocking_read(65536) {
        if answer.write(&piece).is_err() {
            return;
        }
    }
    answer.finish(None);
}
