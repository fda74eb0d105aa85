//! The end of a server: nothing that was begun is dropped within the grace period.

mod support;

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ostler_edge::{Drained, Limits};
use support::{Host, eventually, get, read, rest, until, within};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

#[tokio::test]
async fn a_request_in_flight_is_finished_and_told_to_close() {
    let host = Host::plain(Limits::default());
    let (desk, address) = (host.desk.clone(), host.address);
    let mut stream = host.connect().await;
    stream.write_all(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    within(desk.entered.acquire()).await.unwrap().forget();
    let drained = host.stop();
    within(async { while TcpStream::connect(address).await.is_ok() {} }).await;
    desk.leave.add_permits(1);
    let reply = rest(&mut stream).await;
    assert!(reply.starts_with("HTTP/1.1 200 OK") && reply.ends_with("done"), "{reply}");
    assert!(reply.contains("connection: close\r\n"), "{reply}");
    assert_eq!(within(drained).await.unwrap(), Drained { cut: 0 });
}

#[tokio::test]
async fn http2_requests_in_flight_are_finished_after_goaway() {
    let host = Host::plain(Limits::default());
    let (desk, address) = (host.desk.clone(), host.address);
    let mut client = host.http2().await;
    let asked = tokio::spawn(client.send_request(get("/wait")));
    within(desk.entered.acquire()).await.unwrap().forget();
    let drained = host.stop();
    within(async { while TcpStream::connect(address).await.is_ok() {} }).await;
    desk.leave.add_permits(1);
    assert_eq!(read(within(asked).await.unwrap().unwrap()).await, "done");
    assert_eq!(within(drained).await.unwrap(), Drained { cut: 0 });
}

#[tokio::test]
async fn idle_connections_do_not_hold_a_drain_up() {
    let host = Host::plain(Limits::default());
    let mut kept = host.connect().await;
    kept.write_all(b"GET /hello HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    until(&mut kept, "hello").await;
    let mut client = host.http2().await;
    read(client.send_request(get("/hello")).await.unwrap()).await;
    let drained = host.stop();
    assert_eq!(rest(&mut kept).await, "");
    assert_eq!(within(drained).await.unwrap(), Drained { cut: 0 });
}

#[tokio::test]
async fn a_first_request_that_crosses_the_drain_is_answered() {
    let host = Host::plain(Limits::default());
    let (counters, mut stream) = (host.counters.clone(), host.connect().await);
    eventually(|| counters.open.load(Relaxed) == 1).await;
    stream.write_all(b"GET ").await.unwrap();
    let drained = host.stop();
    tokio::task::yield_now().await;
    stream.write_all(b"/hello HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let reply = rest(&mut stream).await;
    assert!(reply.starts_with("HTTP/1.1 200 OK") && reply.ends_with("hello"), "{reply}");
    assert_eq!(within(drained).await.unwrap(), Drained { cut: 0 });
}

#[tokio::test]
async fn what_outlasts_the_grace_period_is_cut_and_counted() {
    let host = Host::plain(Limits { grace: Duration::from_millis(100), ..Limits::default() });
    let desk = host.desk.clone();
    let mut stream = host.connect().await;
    stream.write_all(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut client = host.http2().await;
    let asked = tokio::spawn(client.send_request(get("/wait")));
    within(desk.entered.acquire_many(2)).await.unwrap().forget();
    let counters = host.counters.clone();
    assert_eq!(within(host.stop()).await.unwrap(), Drained { cut: 2 });
    assert_eq!(counters.open.load(Relaxed), 0);
    assert_eq!(rest(&mut stream).await, "");
    assert!(within(asked).await.unwrap().is_err());
}
