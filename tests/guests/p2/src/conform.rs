//! What the conformance scenarios ask of guests in every language; README.md lists the paths.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    DnsErrorPayload, ErrorCode, FieldSizePayload, Fields, HeaderError, IncomingBody, IncomingRequest,
    IncomingResponse, OutgoingBody, OutgoingRequest, RequestOptions, ResponseOutparam, Scheme,
    TlsAlertReceivedPayload, Trailers, http_error_code,
};
use wasip2::io::streams::StreamError;

use crate::answer::{Answer, method};
use crate::value;

/// Names that a guest may not send, and two that are no names or values at all.
const REFUSED: [(&str, &[u8]); 11] = [
    ("connection", b"close"),
    ("keep-alive", b"1"),
    ("proxy-authenticate", b"x"),
    ("proxy-authorization", b"x"),
    ("proxy-connection", b"close"),
    ("transfer-encoding", b"chunked"),
    ("upgrade", b"websocket"),
    ("host", b"other.test"),
    ("http2-settings", b"x"),
    ("bad name", b"x"),
    ("x-bad-value", b"a\r\nb"),
];

/// The request's head, a line each.
pub fn seen(request: IncomingRequest, out: ResponseOutparam) {
    let scheme = match request.scheme() {
        Some(Scheme::Http) => "http".into(),
        Some(Scheme::Https) => "https".into(),
        Some(Scheme::Other(other)) => other,
        None => "none".into(),
    };
    let mut text = format!(
        "method={}\nscheme={scheme}\nauthority={}\ntarget={}\n",
        method(&request.method()),
        request.authority().unwrap_or_default(),
        request.path_with_query().unwrap_or_default(),
    );
    text += &listed(&request.headers());
    Answer::start(out, 200, &[]).text(&text);
}

fn listed(fields: &Fields) -> String {
    let line = |(name, value): (String, Vec<u8>)| format!("{name}: {}\n", String::from_utf8_lossy(&value));
    fields.entries().into_iter().map(line).collect()
}

/// How large the request's body was, how it ended, and its trailers.
pub fn collect(request: IncomingRequest, out: ResponseOutparam) {
    let text = received(request.consume().expect("first use"));
    Answer::start(out, 200, &[]).text(&text);
}

/// Answers before it reads the request's body, then goes on as `collect`, and tells standard error as well.
pub fn early(request: IncomingRequest, out: ResponseOutparam) {
    let answer = Answer::start(out, 200, &[]);
    let _ = answer.write(b"early\n");
    let text = received(request.consume().expect("first use"));
    eprintln!("early: {}", text.replace('\n', " "));
    answer.text(&text);
}

fn received(body: IncomingBody) -> String {
    let (bytes, end) = drain(body);
    match end {
        Ok(trailers) => {
            format!(
                "bytes={bytes}\nend=whole\n{}",
                trailers.map(|trailers| listed(&trailers)).unwrap_or_default()
            )
        }
        Err(error) => format!("bytes={bytes}\nend={error:?}\n"),
    }
}

fn drain(body: IncomingBody) -> (usize, Result<Option<Trailers>, ErrorCode>) {
    let stream = body.stream().expect("first use");
    let mut bytes = 0;
    loop {
        match stream.blocking_read(65536) {
            Ok(piece) => bytes += piece.len(),
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(error)) => {
                let unknown = || ErrorCode::InternalError(Some(error.to_debug_string()));
                return (bytes, Err(http_error_code(&error).unwrap_or_else(unknown)));
            }
        }
    }
    drop(stream);
    (bytes, trailers(body))
}

fn trailers(body: IncomingBody) -> Result<Option<Trailers>, ErrorCode> {
    let trailers = IncomingBody::finish(body);
    trailers.subscribe().block();
    trailers.get().expect("it is ready").expect("taken once")
}

/// A body that goes on until nobody takes it any more, which it tells standard error.
pub fn until_gone(out: ResponseOutparam) {
    let answer = Answer::start(out, 200, &[]);
    while answer.write(&[b'x'; 4096]).is_ok() {}
    eprintln!("the client is gone");
}

/// An error code in place of a response.
pub fn fail(out: ResponseOutparam, place: u64) {
    ResponseOutparam::set(out, Err(code(place)));
}

/// What becomes of fields that a guest may not send, a line each.
pub fn forbidden(request: IncomingRequest, out: ResponseOutparam) {
    let fields = Fields::new();
    let try_one = |(name, value): (&str, &[u8])| format!("{name}={}\n", outcome(fields.append(name, value)));
    let mut text: String = REFUSED.into_iter().map(try_one).collect();
    text += &format!("request={}\n", outcome(request.headers().append("x-mine", b"1")));
    Answer::start(out, 200, &[]).text(&text);
}

fn outcome(appended: Result<(), HeaderError>) -> &'static str {
    match appended {
        Ok(()) => "taken",
        Err(HeaderError::Forbidden) => "forbidden",
        Err(HeaderError::InvalidSyntax) => "invalid",
        Err(HeaderError::Immutable) => "immutable",
    }
}

/// Asks another server and tells what came back.
pub fn ask(request: IncomingRequest, out: ResponseOutparam, query: &str) {
    let text = match send(&request, query) {
        Ok(response) => {
            let status = response.status();
            let fields = listed(&response.headers());
            format!("status={status}\n{fields}{}", received(response.consume().expect("first use")))
        }
        Err(error) => format!("error={error:?}\n"),
    };
    Answer::start(out, 200, &[]).text(&text);
}

fn send(incoming: &IncomingRequest, query: &str) -> Result<IncomingResponse, ErrorCode> {
    let url = value(query, "url").unwrap_or_default();
    let (scheme, rest) = url.split_once("://").ok_or(ErrorCode::HttpRequestUriInvalid)?;
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.into()),
    };
    let fields = Fields::new();
    for (name, value) in incoming.headers().entries() {
        if let Some(name) = name.strip_prefix("x-out-") {
            fields.append(name, &value).expect("a field that may be sent");
        }
    }
    let request = OutgoingRequest::new(fields);
    let set = request.set_method(&incoming.method()).and(request.set_scheme(Some(&scheme)));
    let set = set.and(request.set_authority(Some(authority))).and(request.set_path_with_query(Some(path)));
    set.map_err(|()| ErrorCode::HttpRequestUriInvalid)?;
    let body = request.body().expect("first use");
    let response = outgoing_handler::handle(request, Some(options(query)))?;
    copy(incoming, body)?;
    response.subscribe().block();
    response.get().expect("it is ready").expect("taken once")
}

fn options(query: &str) -> RequestOptions {
    let options = RequestOptions::new();
    let nanos = |name| Some(value(query, name)?.parse::<u64>().ok()? * 1_000_000);
    options.set_connect_timeout(nanos("connect")).expect("supported");
    options.set_first_byte_timeout(nanos("first")).expect("supported");
    options.set_between_bytes_timeout(nanos("between")).expect("supported");
    options
}

/// Body and trailers, as they come.
fn copy(incoming: &IncomingRequest, body: OutgoingBody) -> Result<(), ErrorCode> {
    let stream = body.write().expect("first use");
    let own = incoming.consume().expect("first use");
    let source = own.stream().expect("first use");
    while let Ok(piece) = source.blocking_read(4096) {
        if stream.blocking_write_and_flush(&piece).is_err() {
            // The response, or its absence, says why.
            return Ok(());
        }
    }
    drop((source, stream));
    OutgoingBody::finish(body, trailers(own)?)
}

/// The error code at this place of the WIT's variant; the last one for all places beyond.
pub fn code(place: u64) -> ErrorCode {
    use ErrorCode::*;
    let field = FieldSizePayload { field_name: None, field_size: None };
    match place {
        0 => DnsTimeout,
        1 => DnsError(DnsErrorPayload { rcode: None, info_code: None }),
        2 => DestinationNotFound,
        3 => DestinationUnavailable,
        4 => DestinationIpProhibited,
        5 => DestinationIpUnroutable,
        6 => ConnectionRefused,
        7 => ConnectionTerminated,
        8 => ConnectionTimeout,
        9 => ConnectionReadTimeout,
        10 => ConnectionWriteTimeout,
        11 => ConnectionLimitReached,
        12 => TlsProtocolError,
        13 => TlsCertificateError,
        14 => TlsAlertReceived(TlsAlertReceivedPayload { alert_id: None, alert_message: None }),
        15 => HttpRequestDenied,
        16 => HttpRequestLengthRequired,
        17 => HttpRequestBodySize(None),
        18 => HttpRequestMethodInvalid,
        19 => HttpRequestUriInvalid,
        20 => HttpRequestUriTooLong,
        21 => HttpRequestHeaderSectionSize(None),
        22 => HttpRequestHeaderSize(None),
        23 => HttpRequestTrailerSectionSize(None),
        24 => HttpRequestTrailerSize(field),
        25 => HttpResponseIncomplete,
        26 => HttpResponseHeaderSectionSize(None),
        27 => HttpResponseHeaderSize(field),
        28 => HttpResponseBodySize(None),
        29 => HttpResponseTrailerSectionSize(None),
        30 => HttpResponseTrailerSize(field),
        31 => HttpResponseTransferCoding(None),
        32 => HttpResponseContentCoding(None),
        33 => HttpResponseTimeout,
        34 => HttpUpgradeFailed,
        35 => HttpProtocolError,
        36 => LoopDetected,
        37 => ConfigurationError,
        _ => InternalError(Some("as asked".into())),
    }
}
