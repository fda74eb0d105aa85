//! Ordinary answers, whole and streamed.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use wasip3::http::types::{ErrorCode, Fields, Method, Request, Response, Trailers};
use wasip3::wit_bindgen::{FutureWriter, StreamReader, StreamWriter};
use wasip3::{clocks::monotonic_clock, spawn_local, wit_future, wit_stream};

/// What still has to be written of a response that was returned.
pub struct Answer {
    pub body: StreamWriter<u8>,
    trailers: FutureWriter<Result<Option<Trailers>, ErrorCode>>,
}

impl Answer {
    /// A response and the writing ends of its body.
    pub fn start(status: u16, headers: &[(&str, &[u8])]) -> (Response, Answer) {
        let fields = Fields::new();
        headers.iter().for_each(|(name, value)| fields.append(name, value).expect("a header"));
        let (body, body_reader) = wit_stream::new();
        let (trailers, trailers_reader) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(fields, Some(body_reader), trailers_reader);
        response.set_status_code(status).expect("a status");
        (response, Answer { body, trailers })
    }

    /// Writes all of it; false if nobody takes it any more.
    pub async fn write(&mut self, bytes: &[u8]) -> bool {
        self.body.write_all(bytes.to_vec()).await.is_empty()
    }

    /// Ends the body.
    pub async fn finish(self, trailers: Option<Trailers>) {
        drop(self.body);
        let _ = self.trailers.write(Ok(trailers)).await;
    }
}

/// A whole text.
pub fn text(status: u16, text: &str) -> Response {
    let (response, mut answer) = Answer::start(status, &[]);
    let text = text.to_owned();
    spawn_local(async move {
        answer.write(text.as_bytes()).await;
        answer.finish(None).await;
    });
    response
}

/// Sends each piece of the body back as it comes; method, target and headers as `x-method`, `x-target`, `x-echo-NAME`.
pub fn echo(request: Request) -> Response {
    let mut headers: Vec<(String, Vec<u8>)> = vec![
        ("x-method".into(), method(&request.get_method()).into()),
        ("x-target".into(), request.get_path_with_query().unwrap_or_default().into()),
    ];
    let own = request.get_headers().copy_all();
    headers.extend(own.into_iter().map(|(name, value)| (format!("x-echo-{name}"), value)));
    let borrowed: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
    let (response, answer) = Answer::start(200, &borrowed);
    let (_read, read_result) = wit_future::new(|| Ok(()));
    let (stream, _trailers) = Request::consume_body(request, read_result);
    spawn_local(copy(stream, answer));
    response
}

/// Moves a stream into an answer, piece by piece.
pub async fn copy(mut from: StreamReader<u8>, mut to: Answer) {
    loop {
        let (result, piece) = from.read(Vec::with_capacity(65536)).await;
        let over = !matches!(result, wasip3::wit_bindgen::StreamResult::Complete(_));
        if !piece.is_empty() && !to.write(&piece).await {
            return;
        }
        if over {
            break;
        }
    }
    to.finish(None).await;
}

pub fn method(method: &Method) -> String {
    match method {
        Method::Other(name) => name.clone(),
        known => format!("{known:?}").trim_start_matches("Method::").to_uppercase(),
    }
}

/// `chunks` lines with a pause of `ms` before each.
pub fn drip(chunks: u64, ms: u64) -> Response {
    let (response, mut answer) = Answer::start(200, &[("content-type", b"text/plain")]);
    spawn_local(async move {
        for number in 0..chunks {
            monotonic_clock::wait_for(ms * 1_000_000).await;
            if !answer.write(format!("{number}\n").as_bytes()).await {
                return;
            }
        }
        answer.finish(None).await;
    });
    response
}

/// A body of `bytes` bytes.
pub fn body(bytes: u64) -> Response {
    let (response, mut answer) = Answer::start(200, &[]);
    spawn_local(async move {
        let piece = [b'x'; 65536];
        let mut left = bytes as usize;
        while left > 0 {
            let now = left.min(piece.len());
            if !answer.write(&piece[..now]).await {
                return;
            }
            left -= now;
        }
        answer.finish(None).await;
    });
    response
}

/// A body with a trailer `x-sum: 3`.
pub fn trailers() -> Response {
    let (response, mut answer) = Answer::start(200, &[("trailer", b"x-sum")]);
    spawn_local(async move {
        answer.write(b"abc").await;
        let fields = Fields::new();
        fields.append("x-sum", b"3").expect("a header");
        answer.finish(Some(fields)).await;
    });
    response
}

/// How many times this instance was asked this.
pub fn counter() -> Response {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    text(200, &(CALLS.fetch_add(1, Relaxed) + 1).to_string())
}
