//! HTTP/1.x as RFC 9110 and 9112 say it, over raw sockets.

mod support;

use std::sync::atomic::Ordering::Relaxed;

use ostler_edge::Limits;
use support::{Host, until};
use tokio::io::AsyncWriteExt;

fn host() -> Host {
    Host::plain(Limits::default())
}

#[tokio::test]
async fn three_pipelined_requests_are_answered_in_order() {
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n");
    let last = "GET /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let reply = host().raw(format!("{}{}{last}", get("/describe?1"), get("/describe?2"))).await;
    let at = |part: &str| reply.find(part).unwrap_or_else(|| panic!("no {part} in {reply}"));
    assert!(at("/describe?1") < at("/describe?2") && at("/describe?2") < at("hello"), "{reply}");
    assert_eq!(reply.matches("HTTP/1.1 200 OK").count(), 3);
}

#[tokio::test]
async fn head_has_the_length_and_no_body() {
    let reply = host().raw("HEAD /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(reply.starts_with("HTTP/1.1 200 OK"), "{reply}");
    assert!(reply.contains("content-length: 5\r\n") && reply.ends_with("\r\n\r\n"), "{reply}");
}

#[tokio::test]
async fn a_204_has_neither_body_nor_length() {
    let reply = host().raw("GET /empty HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(reply.starts_with("HTTP/1.1 204"), "{reply}");
    assert!(!reply.contains("content-length") && reply.ends_with("\r\n\r\n"), "{reply}");
}

#[tokio::test]
async fn continue_is_sent_when_the_body_is_wanted() {
    let host = host();
    let mut stream = host.connect().await;
    let head = "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(until(&mut stream, "\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"ping").await.unwrap();
    assert!(support::rest(&mut stream).await.ends_with("\r\n\r\nping"));
}

#[tokio::test]
async fn continue_is_not_sent_for_a_body_nobody_reads() {
    let head = "POST /hello HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n";
    let reply = host().raw(head).await;
    assert!(reply.starts_with("HTTP/1.1 200 OK"), "{reply}");
}

/// Until the last reply has come, a client may be deep in sending what nobody reads (RFC 9112 section 9.6): far more here
/// than the sockets between hold.
#[tokio::test]
async fn a_reply_reaches_a_client_that_is_still_sending() {
    let host = host();
    let mut stream = host.connect().await;
    let head = format!("POST /hello HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", support::BIG);
    stream.write_all(head.as_bytes()).await.unwrap();
    support::within(async {
        for _ in 0..support::BIG >> 20 {
            stream.write_all(&vec![b'x'; 1 << 20]).await.unwrap();
        }
    })
    .await;
    let reply = support::rest(&mut stream).await;
    assert!(reply.starts_with("HTTP/1.1 200 OK") && reply.ends_with("\r\n\r\nhello"), "{reply}");
    assert!(reply.contains("connection: close"), "{reply}");
}

#[tokio::test]
async fn a_small_body_nobody_reads_does_not_cost_the_connection() {
    let unread = "POST /hello HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nping";
    let last = "GET /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let reply = host().raw(format!("{unread}{last}")).await;
    assert_eq!(reply.matches("HTTP/1.1 200 OK").count(), 2, "{reply}");
}

#[tokio::test]
async fn chunks_and_trailers_pass_both_ways() {
    let reply = host()
        .raw(
            "POST /echo HTTP/1.1\r\nhost: a\r\nte: trailers\r\nconnection: close, te\r\ntransfer-encoding: Chunked\r\n\r\n\
             3;ext=1\r\nabc\r\n4 \r\ndefg\r\n0\r\nx-sum: 7\r\n\r\n",
        )
        .await;
    assert!(reply.contains("transfer-encoding: chunked"), "{reply}");
    assert!(reply.ends_with("7\r\nabcdefg\r\n0\r\nx-sum: 7\r\n\r\n"), "{reply}");
}

#[tokio::test]
async fn an_absolute_target_overrides_host() {
    let reply =
        host().raw("GET http://b:81/describe?x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(reply.ends_with("GET /describe?x host=b:81 http"), "{reply}");
}

#[tokio::test]
async fn http_1_0_needs_no_host_and_closes() {
    let reply = host().raw("GET /describe HTTP/1.0\r\n\r\n").await;
    assert!(reply.ends_with("GET /describe host=- http"), "{reply}");
}

#[tokio::test]
async fn an_upgrade_nobody_offers_is_an_ordinary_request() {
    let ask = "GET /hello HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    let last = "GET /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let reply = host().raw(format!("{ask}{last}")).await;
    assert_eq!(reply.matches("HTTP/1.1 200 OK").count(), 2, "{reply}");
}

#[tokio::test]
async fn a_handler_cannot_frame_its_reply_itself() {
    let host = host();
    let mut stream = host.connect().await;
    stream.write_all(b"GET /hop HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let reply = until(&mut stream, "hop").await;
    assert!(reply.contains("content-length: 3\r\n"), "{reply}");
    assert!(!reply.contains("connection:") && !reply.contains("transfer-encoding"), "{reply}");
}

#[tokio::test]
async fn a_handler_that_sends_less_than_announced_is_cut_off() {
    let reply = host().raw("GET /lie HTTP/1.1\r\nhost: a\r\n\r\n").await;
    // Whether the head was flushed before the lie came out or not: no client can take this for a whole reply.
    assert!(reply.is_empty() || reply.contains("content-length: 10\r\n"), "{reply}");
}

#[tokio::test]
async fn an_interim_status_from_a_handler_is_a_failure() {
    let reply = host().raw("GET /interim HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(reply.starts_with("HTTP/1.1 500") && reply.contains("plugin_failed"), "{reply}");
}

#[tokio::test]
async fn a_long_target_is_414_and_a_large_head_431() {
    let host = host();
    let long = "a".repeat(9 << 10);
    let reply = host.raw(format!("GET /{long} HTTP/1.1\r\nhost: a\r\n\r\n")).await;
    assert!(reply.starts_with("HTTP/1.1 414") && reply.contains("uri_too_long"), "{reply}");
    let large = "a".repeat(33 << 10);
    let reply = host.raw(format!("GET / HTTP/1.1\r\nhost: a\r\nx: {large}\r\n\r\n")).await;
    assert!(reply.starts_with("HTTP/1.1 431"), "{reply}");
    let many: String = (0..100).map(|n| format!("x-{n}: 1\r\n")).collect();
    let reply = host.raw(format!("GET / HTTP/1.1\r\nhost: a\r\n{many}\r\n")).await;
    assert!(reply.starts_with("HTTP/1.1 431"), "{reply}");
    let endless = "a".repeat(1 << 20);
    let reply = host.raw(format!("GET / HTTP/1.1\r\nhost: a\r\nx: {endless}")).await;
    assert!(reply.starts_with("HTTP/1.1 431"), "{reply}");
    assert_eq!(host.desk.handled.load(Relaxed), 0);
}

/// What two parsers could read differently: all of it 400, and the second request in it never answered.
const SMUGGLING: &[(&str, &str)] = &[
    ("both lengths", "content-length: 6\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nG"),
    ("both lengths, the other way round", "transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n"),
    ("two different lengths", "content-length: 3\r\ncontent-length: 4\r\n\r\nabcd"),
    ("two lengths in one field", "content-length: 3, 4\r\n\r\nabcd"),
    ("a signed length", "content-length: +3\r\n\r\nabc"),
    ("a negative length", "content-length: -3\r\n\r\nabc"),
    ("a hexadecimal length", "content-length: 0x3\r\n\r\nabc"),
    ("an enormous length", "content-length: 99999999999999999999999\r\n\r\nabc"),
    ("a chunk size that is none", "transfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"),
    ("a negative chunk size", "transfer-encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n"),
    ("a prefixed chunk size", "transfer-encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n"),
    ("an overflowing chunk size", "transfer-encoding: chunked\r\n\r\n10000000000000003\r\nabc\r\n0\r\n\r\n"),
    ("a chunk longer than its size", "transfer-encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n"),
    ("a bare LF after a chunk size", "transfer-encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n"),
    ("a bare LF in a chunk extension", "transfer-encoding: chunked\r\n\r\n3;a\nb\r\nabc\r\n0\r\n\r\n"),
    ("a bare LF in a trailer", "transfer-encoding: chunked\r\n\r\n0\r\na: b\nc: d\r\n\r\n"),
    ("a folded line", "x: a\r\n b\r\n\r\n"),
    ("a folded Transfer-Encoding", "transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    ("a space before the colon", "content-length : 3\r\n\r\nabc"),
    ("a space before the name", " content-length: 3\r\n\r\nabc"),
    ("a bare LF between fields", "x: a\ncontent-length: 3\r\n\r\nabc"),
    ("a bare LF as the last line", "x: a\r\n\nGET / HTTP/1.1\r\n\r\n"),
    ("a bare CR in a value", "x: a\rcontent-length: 3\r\n\r\nabc"),
    ("a NUL in a value", "x: a\0b\r\n\r\n"),
    ("a NUL in a name", "x\0: a\r\n\r\n"),
    ("identity", "transfer-encoding: identity\r\n\r\nabc"),
    ("identity beside a length", "transfer-encoding: identity\r\ncontent-length: 3\r\n\r\nabc"),
    ("chunked that is not last", "transfer-encoding: chunked, x\r\n\r\n0\r\n\r\n"),
    ("chunked behind another coding", "transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    ("chunked twice", "transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    (
        "two codings in two fields",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked twice in two fields",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    ("quoted chunked", "transfer-encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
    ("a vertical tab before chunked", "transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
    ("two Hosts", "host: b\r\n\r\n"),
];

#[tokio::test]
async fn every_smuggling_shape_is_400_and_closes() {
    let host = host();
    for (name, rest) in SMUGGLING {
        let request =
            format!("POST /echo HTTP/1.1\r\nhost: a\r\n{rest}GET /hello HTTP/1.1\r\nhost: a\r\n\r\n");
        let reply = host.raw(&request).await;
        assert!(reply.starts_with("HTTP/1.1 400 "), "{name}: {reply}");
        assert_eq!(reply.matches("HTTP/1.1").count(), 1, "{name}: {reply}");
    }
    host.still_serves().await;
}

#[tokio::test]
async fn a_smuggling_shape_is_400_however_it_is_cut_into_packets() {
    let host = host();
    for (name, rest) in SMUGGLING {
        let mut stream = host.connect().await;
        stream.set_nodelay(true).unwrap();
        let request = format!("POST /echo HTTP/1.1\r\nhost: a\r\n{rest}");
        for piece in request.as_bytes().chunks(7) {
            // The server may have heard enough.
            if stream.write_all(piece).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        // What hyper parses only when more comes is an unfinished head here.
        let _ = stream.write_all(b"GET /hello HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let reply = support::rest(&mut stream).await;
        assert!(reply.starts_with("HTTP/1.1 400 "), "{name}: {reply}");
    }
}

#[tokio::test]
async fn a_request_line_that_is_none_is_400() {
    let host = host();
    for request in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nhost:\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: u@a\r\n\r\n",
        "GET / HTTP/1.1\nhost: a\n\n",
        "GET  / HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET /a b HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET a HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET * HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET ftp://a/ HTTP/1.1\r\nhost: a\r\n\r\n",
        "CONNECT a:80 HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET / HTTP/2.0\r\nhost: a\r\n\r\n",
        "GET / HTTP/1.1 \r\nhost: a\r\n\r\n",
        "G(T / HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET /\0 HTTP/1.1\r\nhost: a\r\n\r\n",
        "POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "\x16\x03\x01\x02\0\x01\0\x01\x7c\x03\x03 is how TLS begins\r\n\r\n",
    ] {
        let reply = host.raw(request).await;
        assert!(reply.starts_with("HTTP/1.1 400 "), "{request:?}: {reply}");
    }
    assert_eq!(host.desk.handled.load(Relaxed), 0);
    assert_eq!(host.counters.bad_requests.load(Relaxed), 17);
}

#[tokio::test]
async fn a_shape_in_a_later_request_does_not_touch_the_earlier_one() {
    let good = "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\ngood";
    let bad =
        "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n";
    let reply = host().raw(format!("{good}{bad}{good}")).await;
    let (first, second) = reply.split_once("good").unwrap();
    assert!(first.starts_with("HTTP/1.1 200 OK") && second.starts_with("HTTP/1.1 400 "), "{reply}");
    assert_eq!(reply.matches("HTTP/1.1").count(), 2, "{reply}");
}

#[tokio::test]
async fn refusals_are_problem_documents_with_the_clients_request_id() {
    let request = "GET /a HTTP/1.1\r\nx-request-id: mine-1\r\n\r\n";
    let reply = host().raw(request).await;
    assert!(reply.contains("content-type: application/problem+json\r\n"), "{reply}");
    assert!(
        reply.contains("x-request-id: mine-1\r\n") && reply.contains("\"request_id\":\"mine-1\""),
        "{reply}"
    );
    assert!(reply.contains("connection: close\r\n"), "{reply}");
}
