//! What the conformance scenarios ask of guests in every language; README.md lists the paths.

use wasip3::http::client;
use wasip3::http::types::{
    DnsErrorPayload, ErrorCode, FieldSizePayload, Fields, HeaderError, Request, RequestOptions, Response,
    Scheme, TlsAlertReceivedPayload, Trailers,
};
use wasip3::wit_bindgen::{FutureReader, StreamReader, StreamResult};
use wasip3::{spawn_local, wit_future};

use crate::answer::{Answer, method, text};
use crate::value;

type End = FutureReader<Result<Option<Trailers>, ErrorCode>>;

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
pub fn seen(request: Request) -> Response {
    let scheme = match request.get_scheme() {
        Some(Scheme::Http) => "http".into(),
        Some(Scheme::Https) => "https".into(),
        Some(Scheme::Other(other)) => other,
        None => "none".into(),
    };
    let head = format!(
        "method={}\nscheme={scheme}\nauthority={}\ntarget={}\n",
        method(&request.get_method()),
        request.get_authority().unwrap_or_default(),
        request.get_path_with_query().unwrap_or_default(),
    );
    text(200, &(head + &listed(&request.get_headers())))
}

fn listed(fields: &Fields) -> String {
    let line = |(name, value): (String, Vec<u8>)| format!("{name}: {}\n", String::from_utf8_lossy(&value));
    fields.copy_all().into_iter().map(line).collect()
}

/// How large the request's body was, how it ended, and its trailers.
pub async fn collect(request: Request) -> Response {
    let (_read, read_result) = wit_future::new(|| Ok(()));
    let (body, end) = Request::consume_body(request, read_result);
    text(200, &received(body, end).await)
}

/// Answers before it reads the request's body, then goes on as `collect`, and tells standard error as well.
pub fn early(request: Request) -> Response {
    let (response, mut answer) = Answer::start(200, &[]);
    spawn_local(async move {
        answer.write(b"early\n").await;
        let (_read, read_result) = wit_future::new(|| Ok(()));
        let (body, end) = Request::consume_body(request, read_result);
        let text = received(body, end).await;
        eprintln!("early: {}", text.replace('\n', " "));
        answer.write(text.as_bytes()).await;
        answer.finish(None).await;
    });
    response
}

async fn received(mut body: StreamReader<u8>, end: End) -> String {
    let mut bytes = 0;
    loop {
        let (result, piece) = body.read(Vec::with_capacity(65536)).await;
        bytes += piece.len();
        if !matches!(result, StreamResult::Complete(_)) {
            break;
        }
    }
    match end.await {
        Ok(trailers) => {
            format!(
                "bytes={bytes}\nend=whole\n{}",
                trailers.map(|trailers| listed(&trailers)).unwrap_or_default()
            )
        }
        Err(error) => format!("bytes={bytes}\nend={error:?}\n"),
    }
}

/// A body that goes on until nobody takes it any more, which it tells standard error.
pub fn until_gone() -> Response {
    let (response, mut answer) = Answer::start(200, &[]);
    spawn_local(async move {
        while answer.write(&[b'x'; 4096]).await {}
        eprintln!("the client is gone");
    });
    response
}

/// What becomes of fields that a guest may not send, a line each.
pub fn forbidden(request: Request) -> Response {
    let fields = Fields::new();
    let try_one = |(name, value): (&str, &[u8])| format!("{name}={}\n", outcome(fields.append(name, value)));
    let mut lines: String = REFUSED.into_iter().map(try_one).collect();
    lines += &format!("request={}\n", outcome(request.get_headers().append("x-mine", b"1")));
    text(200, &lines)
}

fn outcome(appended: Result<(), HeaderError>) -> &'static str {
    match appended {
        Ok(()) => "taken",
        Err(HeaderError::Forbidden) => "forbidden",
        Err(HeaderError::InvalidSyntax) => "invalid",
        Err(HeaderError::Immutable) => "immutable",
        Err(_) => "failed",
    }
}

/// Asks another server and tells what came back.
pub async fn ask(request: Request, query: &str) -> Response {
    let lines = match send(request, query).await {
        Ok(response) => {
            let head = format!("status={}\n{}", response.get_status_code(), listed(&response.get_headers()));
            let (_read, read_result) = wit_future::new(|| Ok(()));
            let (body, end) = Response::consume_body(response, read_result);
            head + &received(body, end).await
        }
        Err(error) => format!("error={error:?}\n"),
    };
    text(200, &lines)
}

async fn send(incoming: Request, query: &str) -> Result<Response, ErrorCode> {
    let url = value(query, "url").unwrap_or_default();
    let (scheme, rest) = url.split_once("://").ok_or(ErrorCode::HttpRequestUriInvalid)?;
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.into()),
    };
    let fields = Fields::new();
    for (name, value) in incoming.get_headers().copy_all() {
        if let Some(name) = name.strip_prefix("x-out-") {
            fields.append(name, &value).expect("a field that may be sent");
        }
    }
    let method = incoming.get_method();
    let (_read, read_result) = wit_future::new(|| Ok(()));
    let (body, end) = Request::consume_body(incoming, read_result);
    let (request, _sent) = Request::new(fields, Some(body), end, Some(options(query)));
    let set = request.set_method(&method).and(request.set_scheme(Some(&scheme)));
    let set = set.and(request.set_authority(Some(authority))).and(request.set_path_with_query(Some(path)));
    set.map_err(|()| ErrorCode::HttpRequestUriInvalid)?;
    client::send(request).await
}

fn options(query: &str) -> RequestOptions {
    let options = RequestOptions::new();
    let nanos = |name| Some(value(query, name)?.parse::<u64>().ok()? * 1_000_000);
    options.set_connect_timeout(nanos("connect")).expect("supported");
    options.set_first_byte_timeout(nanos("first")).expect("supported");
    options.set_between_bytes_timeout(nanos("between")).expect("supported");
    options
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
