//! wasi:http 0.3: answers every request with "Hello, world!". The bench measures it, so it does nothing else.

use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{spawn_local, wit_future, wit_stream};

struct Hello;

impl wasip3::exports::http::handler::Guest for Hello {
    async fn handle(_request: Request) -> Result<Response, ErrorCode> {
        let headers = Fields::new();
        headers.append("content-type", b"text/plain").expect("a valid header");
        let (mut body, body_reader) = wit_stream::new();
        let (trailers, trailers_reader) = wit_future::new(|| Ok(None));
        drop(trailers);
        let (response, _sent) = Response::new(headers, Some(body_reader), trailers_reader);
        spawn_local(async move {
            body.write_all(b"Hello, world!".to_vec()).await;
        });
        Ok(response)
    }
}

wasip3::http::service::export!(Hello);
