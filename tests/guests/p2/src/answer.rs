//! Ordinary answers, whole and streamed.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use wasip2::clocks::monotonic_clock;
use wasip2::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::{OutputStream, StreamError};

/// A response whose head is out and whose body is being written.
pub struct Answer {
    pub stream: OutputStream,
    body: OutgoingBody,
}

impl Answer {
    /// Sends status and headers.
    pub fn start(out: ResponseOutparam, status: u16, headers: &[(&str, &[u8])]) -> Answer {
        let fields = Fields::new();
        headers.iter().for_each(|(name, value)| fields.append(name, value).expect("a header"));
        let response = OutgoingResponse::new(fields);
        response.set_status_code(status).expect("a status");
        let body = response.body().expect("first use");
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().expect("first use");
        Answer { stream, body }
    }

    /// Writes and waits until the host has taken it. An error: the client is gone.
    pub fn write(&self, bytes: &[u8]) -> Result<(), StreamError> {
        bytes.chunks(4096).try_for_each(|chunk| self.stream.blocking_write_and_flush(chunk))
    }

    /// Ends the body.
    pub fn finish(self, trailers: Option<Fields>) {
        drop(self.stream);
        let _ = OutgoingBody::finish(self.body, trailers);
    }

    /// Writes all there is and ends.
    pub fn text(self, text: &str) {
        let _ = self.write(text.as_bytes());
        self.finish(None);
    }
}

/// Sends each piece of the body back as it comes; method, target and headers as `x-method`, `x-target`, `x-echo-NAME`.
pub fn echo(request: IncomingRequest, out: ResponseOutparam) {
    let mut headers: Vec<(String, Vec<u8>)> = vec![
        ("x-method".into(), method(&request.method()).into()),
        ("x-target".into(), request.path_with_query().unwrap_or_default().into()),
    ];
    let own = request.headers().entries();
    headers.extend(own.into_iter().map(|(name, value)| (format!("x-echo-{name}"), value)));
    let borrowed: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
    let answer = Answer::start(out, 200, &borrowed);
    let body = request.consume().expect("first use");
    let stream = body.stream().expect("first use");
    while let Ok(piece) = stream.blocking_read(65536) {
        if answer.write(&piece).is_err() {
            return;
        }
    }
    answer.finish(None);
}

pub fn method(method: &Method) -> String {
    match method {
        Method::Other(name) => name.clone(),
        known => format!("{known:?}").trim_start_matches("Method::").to_uppercase(),
    }
}

/// `chunks` lines with a pause of `ms` before each.
pub fn drip(out: ResponseOutparam, chunks: u64, ms: u64) {
    let answer = Answer::start(out, 200, &[("content-type", b"text/plain")]);
    for number in 0..chunks {
        monotonic_clock::subscribe_duration(ms * 1_000_000).block();
        if answer.write(format!("{number}\n").as_bytes()).is_err() {
            return;
        }
    }
    answer.finish(None);
}

/// A body of `bytes` bytes.
pub fn body(out: ResponseOutparam, bytes: u64) {
    let answer = Answer::start(out, 200, &[]);
    let piece = [b'x'; 4096];
    let mut left = bytes as usize;
    while left > 0 {
        let now = left.min(piece.len());
        if answer.write(&piece[..now]).is_err() {
            return;
        }
        left -= now;
    }
    answer.finish(None);
}

/// A body with a trailer `x-sum: 3`.
pub fn trailers(out: ResponseOutparam) {
    let answer = Answer::start(out, 200, &[("trailer", b"x-sum")]);
    let _ = answer.write(b"abc");
    let fields = Fields::new();
    fields.append("x-sum", b"3").expect("a header");
    answer.finish(Some(fields));
}

/// How many times this instance was asked this.
pub fn counter(out: ResponseOutparam) {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    Answer::start(out, 200, &[]).text(&(CALLS.fetch_add(1, Relaxed) + 1).to_string());
}
