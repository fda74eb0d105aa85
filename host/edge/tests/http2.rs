//! HTTP/2 by prior knowledge, its limits, and what is special about its requests.

mod support;

use std::sync::atomic::Ordering::Relaxed;

use http::{HeaderValue, Request};
use http_body_util::{BodyExt, StreamBody};
use ostler_core::Body;
use ostler_edge::Limits;
use support::{Host, eventually, get, post, read, within};

#[tokio::test]
async fn prior_knowledge_needs_no_upgrade() {
    let host = Host::plain(Limits::default());
    let mut client = host.http2().await;
    let response = client.send_request(get("/describe?x")).await.unwrap();
    assert_eq!(response.version(), http::Version::HTTP_2);
    assert_eq!(read(response).await, "GET /describe?x host=a http");
    assert_eq!(read(client.send_request(post("/echo", "ping")).await.unwrap()).await, "ping");
}

#[tokio::test]
async fn trailers_pass_both_ways() {
    let host = Host::plain(Limits::default());
    let mut client = host.http2().await;
    let mut trailers = http::HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("7"));
    let frames = [Ok(hyper::body::Frame::data("ping".into())), Ok(hyper::body::Frame::trailers(trailers))];
    let body = Body::stream(StreamBody::new(futures::stream::iter(frames)));
    let response = client.send_request(Request::post("http://a/echo").body(body).unwrap()).await.unwrap();
    let collected = response.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["x-sum"], "7");
    assert_eq!(collected.to_bytes(), "ping");
}

#[tokio::test]
async fn head_has_the_length_and_no_body() {
    let host = Host::plain(Limits::default());
    let request = Request::head("http://a/hello").body(Body::Empty).unwrap();
    let response = host.http2().await.send_request(request).await.unwrap();
    assert_eq!(response.headers()["content-length"], "5");
    assert_eq!(read(response).await, "");
}

#[tokio::test]
async fn host_and_authority_must_agree() {
    let host = Host::plain(Limits::default());
    let request = Request::get("http://a/hello").header("host", "b").body(Body::Empty).unwrap();
    let response = host.http2().await.send_request(request).await.unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(host.desk.handled.load(Relaxed), 0);
}

#[tokio::test]
async fn a_long_target_is_414_and_a_large_head_431() {
    let host = Host::plain(Limits::default());
    let mut client = host.http2().await;
    let long = format!("/{}", "a".repeat(9 << 10));
    assert_eq!(client.send_request(get(&long)).await.unwrap().status(), 414);
    let many = (0..101).fold(Request::get("http://a/"), |build, n| build.header(format!("x-{n}"), "1"));
    assert_eq!(client.send_request(many.body(Body::Empty).unwrap()).await.unwrap().status(), 431);
    let large = Request::get("http://a/").header("x", "a".repeat(33 << 10)).body(Body::Empty).unwrap();
    // The client may be told in SETTINGS, and then refuses by itself.
    if let Ok(response) = client.send_request(large).await {
        assert_eq!(response.status(), 431);
    }
    assert_eq!(host.desk.handled.load(Relaxed), 0);
}

#[tokio::test]
async fn streams_at_once_are_bounded() {
    let host = Host::plain(Limits { http2_streams: 2, ..Limits::default() });
    let mut client = host.http2().await;
    // With this the client has seen the server's settings, and queues what is too much by itself.
    read(client.send_request(get("/hello")).await.unwrap()).await;
    let ask = || {
        let mut client = client.clone();
        tokio::spawn(async move { read(client.send_request(get("/wait")).await.unwrap()).await })
    };
    let asked: Vec<_> = (0..6).map(|_| ask()).collect();
    within(host.desk.entered.acquire_many(2)).await.unwrap().forget();
    assert_eq!(host.desk.handled.load(Relaxed), 1 + 2);
    host.desk.leave.add_permits(6);
    for one in asked {
        assert_eq!(within(one).await.unwrap(), "done");
    }
}

#[tokio::test]
async fn a_cancelled_request_ends_its_handler_and_not_its_neighbours() {
    let host = Host::plain(Limits::default());
    let mut client = host.http2().await;
    let doomed = tokio::spawn(client.send_request(get("/wait")));
    within(host.desk.entered.acquire()).await.unwrap().forget();
    doomed.abort();
    let kept = tokio::spawn(client.send_request(get("/wait")));
    within(host.desk.entered.acquire()).await.unwrap().forget();
    // One permit: the cancelled one must not take it.
    host.desk.leave.add_permits(1);
    assert_eq!(read(within(kept).await.unwrap().unwrap()).await, "done");
}

#[tokio::test]
async fn a_flood_of_cancelled_requests_ends_the_connection() {
    let host = Host::plain(Limits { http2_resets: 50, ..Limits::default() });
    let mut client = host.http2().await;
    let flood = async {
        loop {
            let request = tokio::spawn(client.send_request(get("/wait")));
            if within(host.desk.entered.acquire()).await.is_ok_and(|permit| {
                permit.forget();
                true
            }) {
                request.abort();
            }
            if client.ready().await.is_err() || host.counters.reset_floods.load(Relaxed) > 0 {
                break;
            }
        }
    };
    within(flood).await;
    eventually(|| host.counters.open.load(Relaxed) == 0).await;
    assert_eq!(host.counters.reset_floods.load(Relaxed), 1);
    assert!(host.desk.handled.load(Relaxed) < 200);
    host.still_serves().await;
}

#[tokio::test]
async fn a_panicking_handler_ends_its_request_only() {
    let host = Host::plain(Limits::default());
    let mut client = host.http2().await;
    assert!(client.send_request(get("/panic")).await.is_err());
    assert_eq!(read(client.send_request(get("/hello")).await.unwrap()).await, "hello");
}

#[tokio::test]
async fn a_handler_that_sends_less_than_announced_is_reset() {
    let host = Host::plain(Limits::default());
    // The reset may overtake the head.
    if let Ok(response) = host.http2().await.send_request(get("/lie")).await {
        assert!(within(response.into_body().collect()).await.is_err());
    }
}
