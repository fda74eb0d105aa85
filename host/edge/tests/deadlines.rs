//! Slow clients: each kind of slowness ends at its own deadline, and only that client's connection.

mod support;

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use http_body_util::{BodyExt, StreamBody};
use ostler_core::{Body, BodyError};
use ostler_edge::Limits;
use support::{BIG, Host, eventually, get, rest, until, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SOON: Duration = Duration::from_millis(150);

/// Long enough for what an honest client sends at once, on a busy machine.
const LATER: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_head_that_does_not_end_is_408_and_closed() {
    let host = Host::plain(Limits { header_deadline: SOON, ..Limits::default() });
    let reply = host.raw("GET / HTTP/1.1\r\nhost: a\r\nx: ").await;
    assert!(reply.starts_with("HTTP/1.1 408"), "{reply}");
    assert_eq!(host.counters.header_timeouts.load(Relaxed), 1);
}

#[tokio::test]
async fn dripping_bytes_win_no_time_for_a_head() {
    let host = Host::plain(Limits { header_deadline: SOON, ..Limits::default() });
    let (mut reader, mut writer) = host.connect().await.into_split();
    writer.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nx: ").await.unwrap();
    let drip = async {
        let mut tick = tokio::time::interval(Duration::from_millis(10));
        while writer.write_all(b"a").await.is_ok() {
            tick.tick().await;
        }
    };
    let mut reply = String::new();
    within(async {
        tokio::select! {
            () = drip => {}
            _ = reader.read_to_string(&mut reply) => {}
        }
    })
    .await;
    eventually(|| host.counters.header_timeouts.load(Relaxed) == 1).await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let host = Host::plain(Limits { header_deadline: SOON, ..Limits::default() });
    assert_eq!(host.raw("").await, "");
    assert_eq!(host.raw("PRI * HTTP/2").await, "");
    assert_eq!(host.counters.header_timeouts.load(Relaxed), 2);
}

#[tokio::test]
async fn a_second_head_has_a_deadline_of_its_own() {
    let host = Host::plain(Limits { header_deadline: LATER, ..Limits::default() });
    let reply = host.raw("GET /hello HTTP/1.1\r\nhost: a\r\n\r\nGET /").await;
    assert!(reply.contains("hello") && reply.contains("HTTP/1.1 408"), "{reply}");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let host = Host::plain(Limits { idle_deadline: SOON, ..Limits::default() });
    let reply = host.raw("GET /hello HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(reply.ends_with("hello"), "{reply}");
    assert_eq!(host.counters.idle_timeouts.load(Relaxed), 1);
}

#[tokio::test]
async fn an_idle_http2_connection_is_closed() {
    let host = Host::plain(Limits { idle_deadline: SOON, ..Limits::default() });
    let mut client = host.http2().await;
    client.send_request(get("/hello")).await.unwrap();
    eventually(|| host.counters.idle_timeouts.load(Relaxed) == 1).await;
    eventually(|| host.counters.open.load(Relaxed) == 0).await;
}

#[tokio::test]
async fn a_handler_at_work_is_not_idle() {
    let host = Host::plain(Limits {
        idle_deadline: LATER,
        header_deadline: LATER,
        send_deadline: LATER,
        ..Limits::default()
    });
    let mut working = host.connect().await;
    working.write_all(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    // Another connection outlives all these deadlines meanwhile.
    host.raw("GET /hello HTTP/1.1\r\nhost: a\r\n\r\n").await;
    host.raw("").await;
    host.desk.leave.add_permits(1);
    assert!(until(&mut working, "done").await.starts_with("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn a_body_that_drips_is_408_and_closed() {
    let host = Host::plain(Limits { body_deadline: SOON, body_rate: 1 << 20, ..Limits::default() });
    let (mut reader, mut writer) = host.connect().await.into_split();
    writer.write_all(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n").await.unwrap();
    let drip = async {
        let mut tick = tokio::time::interval(Duration::from_millis(10));
        while writer.write_all(b"a").await.is_ok() {
            tick.tick().await;
        }
        std::future::pending::<()>().await
    };
    let mut reply = Vec::new();
    within(async {
        tokio::select! {
            () = drip => {}
            _ = reader.read_to_end(&mut reply) => {}
        }
    })
    .await;
    let reply = String::from_utf8(reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 408") && reply.contains("connection: close"), "{reply}");
}

#[tokio::test]
async fn an_http2_body_that_stops_is_408_and_costs_its_neighbours_nothing() {
    let host = Host::plain(Limits { body_deadline: LATER, ..Limits::default() });
    let mut client = host.http2().await;
    let silent = Body::stream(StreamBody::new(futures::stream::pending::<Result<_, BodyError>>()));
    let request = http::Request::post("http://a/echo").body(silent).unwrap();
    assert_eq!(within(client.send_request(request)).await.unwrap().status(), 408);
    assert_eq!(client.send_request(get("/hello")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_broken_body_is_400_whatever_the_handler_says() {
    let host = Host::plain(Limits::default());
    let mut stream = host.connect().await;
    stream
        .write_all(b"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")
        .await
        .unwrap();
    eventually(|| host.desk.handled.load(Relaxed) == 1).await;
    stream.write_all(b"xyz\r\n").await.unwrap();
    let reply = rest(&mut stream).await;
    assert!(reply.starts_with("HTTP/1.1 400") && reply.contains("connection: close"), "{reply}");
}

/// Long enough for a pause of this machine, much shorter than the downloads below.
const SHORT: Limits = Limits {
    idle_deadline: Duration::from_millis(1_500),
    send_deadline: Duration::from_millis(1_500),
    ..Limits::DEFAULT
};

#[tokio::test]
async fn a_slow_download_is_not_cut_while_it_moves() {
    let host = Host::plain(SHORT);
    let mut stream = host.connect().await;
    stream.write_all(b"GET /big HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    until(&mut stream, "\r\n\r\n").await;
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    let mut buffer = vec![0; 128 << 10];
    let mut left = BIG;
    while left > 0 {
        let part = left.min(buffer.len());
        within(stream.read_exact(&mut buffer[..part])).await.unwrap();
        left -= part;
        tick.tick().await;
    }
}

#[tokio::test]
async fn a_slow_http2_download_is_not_cut_while_it_moves() {
    let host = Host::plain(SHORT);
    let mut body = host.http2().await.send_request(get("/big")).await.unwrap().into_body();
    let mut tick = tokio::time::interval(Duration::from_millis(1));
    let mut left = BIG;
    while left > 0 {
        left -= within(body.frame()).await.unwrap().unwrap().into_data().unwrap().len();
        tick.tick().await;
    }
}

#[tokio::test]
async fn a_download_nobody_takes_is_cut() {
    let host = Host::plain(SHORT);
    let mut stream = host.connect().await;
    stream.write_all(b"GET /big HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    until(&mut stream, "\r\n\r\n").await;
    eventually(|| host.counters.send_timeouts.load(Relaxed) == 1).await;
    eventually(|| host.counters.open.load(Relaxed) == 0).await;
}

#[tokio::test]
async fn an_http2_download_nobody_takes_is_cut() {
    let host = Host::plain(SHORT);
    let response = host.http2().await.send_request(get("/big")).await.unwrap();
    eventually(|| host.counters.open.load(Relaxed) == 0).await;
    drop(response);
}
