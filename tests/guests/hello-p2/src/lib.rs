//! wasi:http 0.2: answers every request with "Hello, world!". The bench measures it, so it does nothing else.

use wasip2::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

struct Hello;

impl wasip2::exports::http::incoming_handler::Guest for Hello {
    fn handle(_request: IncomingRequest, out: ResponseOutparam) {
        let headers = Fields::new();
        headers.append("content-type", b"text/plain").expect("a valid header");
        let response = OutgoingResponse::new(headers);
        let body = response.body().expect("first use");
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().expect("first use");
        stream.blocking_write_and_flush(b"Hello, world!").expect("the host takes the body");
        drop(stream);
        OutgoingBody::finish(body, None).expect("the whole body was written");
    }
}

wasip2::http::proxy::export!(Hello);
