//! Servers that take their time: a wait ends when it should, and not before. Over real sockets time is real, since a paused clock
//! runs ahead while bytes are on their way.

use std::time::Duration;

use http::Response;
use http_body_util::BodyExt;
use ostler_core::Body;
use ostler_upstream::{Config, Error, Phase, Timeouts, Upstream};
use tokio::time::Instant;

use crate::support::{accept, client, get, grant, hear, own, say, send, serve, text};

fn after(span: Duration) -> std::time::Instant {
    (Instant::now() + span).into_std()
}

/// `elapsed` is `expected`, and what a busy machine adds.
fn just(elapsed: Duration, expected: Duration) {
    assert!(elapsed >= expected && elapsed < BOUNDED, "{elapsed:?} for {expected:?}");
}

const SECOND: Duration = Duration::from_secs(1);

/// Longest any of them may take, and shorter than the deadlines that are not to end it.
const BOUNDED: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_server_that_never_answers_ends_at_the_deadline() {
    let server = say(b"", false).await;
    let start = Instant::now();
    let sent = client(&server.origin()).send(get(&server.url("/")), after(SECOND), Timeouts::default()).await;
    assert_eq!(sent.unwrap_err(), Error::Timeout(Phase::Total));
    just(start.elapsed(), SECOND);
}

#[tokio::test]
async fn a_first_byte_may_be_awaited_for_less_than_the_deadline() {
    let server = say(b"", false).await;
    let timeouts = Timeouts { first_byte: Some(SECOND), ..Timeouts::default() };
    let start = Instant::now();
    let sent = client(&server.origin()).send(get(&server.url("/")), after(60 * SECOND), timeouts).await;
    assert_eq!(sent.unwrap_err(), Error::Timeout(Phase::FirstByte));
    just(start.elapsed(), SECOND);
}

#[tokio::test]
async fn a_server_that_never_shakes_hands_is_a_connect_timeout() {
    let server = accept(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let origin = format!("https://{}", server.address);
    let timeouts = Timeouts { connect: Some(SECOND), ..Timeouts::default() };
    let start = Instant::now();
    let sent = client(&origin).send(get(&origin), after(60 * SECOND), timeouts).await;
    assert_eq!(sent.unwrap_err(), Error::Timeout(Phase::Connect));
    just(start.elapsed(), SECOND);
}

#[tokio::test]
async fn a_body_that_stalls_ends_after_a_while() {
    let server = say(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", false).await;
    let timeouts = Timeouts { between_bytes: Some(SECOND), ..Timeouts::default() };
    let response =
        client(&server.origin()).send(get(&server.url("/")), after(60 * SECOND), timeouts).await.unwrap();
    let mut body = response.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "half");
    let start = Instant::now();
    assert_eq!(own(body.frame().await.unwrap().unwrap_err()), Error::Timeout(Phase::BetweenBytes));
    just(start.elapsed(), SECOND);
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn a_body_that_trickles_for_ever_ends_at_the_deadline() {
    let server = accept(|mut stream| async move {
        use tokio::io::AsyncWriteExt;
        hear(&mut stream).await;
        let head = b"HTTP/1.1 200 OK\r\n\r\n";
        let mut alive = stream.write_all(head).await.is_ok();
        while alive {
            tokio::time::sleep(SECOND / 10).await;
            alive = stream.write_all(b"drip").await.is_ok();
        }
    })
    .await;
    let start = Instant::now();
    let timeouts = Timeouts { between_bytes: Some(3 * SECOND), ..Timeouts::default() };
    let response =
        client(&server.origin()).send(get(&server.url("/")), after(4 * SECOND), timeouts).await.unwrap();
    assert_eq!(text(response).await.unwrap_err(), Error::Timeout(Phase::Total));
    just(start.elapsed(), 4 * SECOND);
}

#[tokio::test]
async fn requests_beyond_the_limit_wait_for_a_response_to_be_read() {
    let server = serve(|_| async { Response::new(Body::full("hello")) }).await;
    let config = Config { exchanges: 1, ..Config::default() };
    let client = Upstream::new(config).unwrap().client(&grant(&[&server.origin()], &[]));
    let first = send(&client, &server.url("/")).await.unwrap();
    assert_eq!(send(&client, &server.url("/")).await.unwrap_err(), Error::Timeout(Phase::Connect));
    text(first).await.unwrap();
    assert!(send(&client, &server.url("/")).await.is_ok());
}

#[tokio::test]
async fn connections_are_bounded() {
    let server = say(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", false).await;
    let config = Config { connections: 1, ..Config::default() };
    let client = Upstream::new(config).unwrap().client(&grant(&[&server.origin()], &[]));
    let first = send(&client, &server.url("/")).await.unwrap();
    let error = send(&client, &server.url("/")).await.unwrap_err();
    assert!(matches!(&error, Error::Connect(told) if told.contains("[upstream] connections")), "{error:?}");
    drop(first);
}
