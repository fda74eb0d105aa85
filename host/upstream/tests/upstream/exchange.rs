//! Requests that go well.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use ostler_core::{Body, BodyError};
use ostler_upstream::{Client, Timeouts};
use tokio::sync::mpsc;

use crate::support::{accept, client, get, hear, send, serve, soon, text};

/// A body fed through a channel.
fn channel() -> (mpsc::Sender<Result<Frame<Bytes>, BodyError>>, Body) {
    let (feed, fed) = mpsc::channel(1);
    let frames = futures::stream::unfold(fed, |mut fed| async { fed.recv().await.map(|frame| (frame, fed)) });
    (feed, Body::stream(StreamBody::new(Box::pin(frames))))
}

fn echo_head(request: &http::request::Parts) -> String {
    let mut fields: Vec<_> =
        request.headers.iter().map(|(name, value)| format!("{name}={}", value.to_str().unwrap())).collect();
    fields.sort();
    format!("{} {} {}", request.method, request.uri, fields.join(" "))
}

#[tokio::test]
async fn the_request_arrives_as_written_and_the_host_is_set_from_the_url() {
    let server =
        serve(|request| async move { Response::new(Body::full(echo_head(&request.into_parts().0))) }).await;
    let client = client(&server.origin());
    let mut request = get(&server.url("/a/b?c=d"));
    request.headers_mut().insert("x-own", "1".parse().unwrap());
    request.headers_mut().insert(header::HOST, "other".parse().unwrap());
    request.headers_mut().insert(header::UPGRADE, "websocket".parse().unwrap());
    let response = client.send(request, soon(), Timeouts::default()).await.unwrap();
    assert_eq!(text(response).await.unwrap(), format!("GET /a/b?c=d host={} x-own=1", server.address));
}

#[tokio::test]
async fn connections_are_used_again() {
    let server = serve(|_| async { Response::new(Body::full("hello")) }).await;
    let client = client(&server.origin());
    for _ in 0..20 {
        assert_eq!(text(send(&client, &server.url("/")).await.unwrap()).await.unwrap(), "hello");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn every_plugin_has_connections_of_its_own() {
    let server = serve(|_| async { Response::new(Body::full("hello")) }).await;
    let (one, two) = (client(&server.origin()), client(&server.origin()));
    for client in [&one, &two, &one, &two] {
        text(send(client, &server.url("/")).await.unwrap()).await.unwrap();
    }
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn redirects_are_the_plugins_to_follow() {
    let server = serve(|_| async {
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = StatusCode::FOUND;
        response.headers_mut().insert(header::LOCATION, "http://169.254.169.254/".parse().unwrap());
        response
    })
    .await;
    let response = send(&client(&server.origin()), &server.url("/")).await.unwrap();
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(response.headers()["location"], "http://169.254.169.254/");
}

#[tokio::test]
async fn fields_of_the_connection_stay_with_the_host() {
    let server = serve(|_| async {
        let response =
            Response::builder().header("connection", "x-hop").header("x-hop", "1").header("x-kept", "1");
        response.body(Body::full("hello")).unwrap()
    })
    .await;
    let response = send(&client(&server.origin()), &server.url("/")).await.unwrap();
    let names: Vec<_> =
        response.headers().keys().filter(|name| *name != "date").map(|name| name.as_str()).collect();
    assert_eq!(names, ["content-length", "x-kept"]);
}

#[tokio::test]
async fn bodies_stream_both_ways_at_once() {
    let server = serve(|request: Request<_>| async move {
        let body: hyper::body::Incoming = request.into_body();
        Response::new(Body::stream(body.map_err(|error| BodyError::Broken(error.into()))))
    })
    .await;
    let client: Client = client(&server.origin());
    let (feed, body) = channel();
    let request = Request::builder().method(Method::POST).uri(server.url("/")).body(body).unwrap();
    let mut answer = client.send(request, soon(), Timeouts::default()).await.unwrap().into_body();
    for word in ["one", "two", "three"] {
        feed.send(Ok(Frame::data(word.into()))).await.unwrap();
        // Each word comes back before the next is sent: nothing gathers the whole.
        let frame = answer.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), word);
    }
    drop(feed);
    assert!(answer.frame().await.is_none());
}

#[tokio::test]
async fn a_body_that_breaks_off_breaks_the_request_off() {
    let server = serve(|request: Request<hyper::body::Incoming>| async move {
        let whole = request.into_body().collect().await.is_ok();
        Response::new(Body::full(if whole { "whole" } else { "broken" }))
    })
    .await;
    let client = client(&server.origin());
    let (feed, body) = channel();
    let request = Request::post(server.url("/")).body(body).unwrap();
    feed.send(Err(BodyError::Broken("gone".into()))).await.unwrap();
    let error = client.send(request, soon(), Timeouts::default()).await.unwrap_err();
    assert!(matches!(error, ostler_upstream::Error::Invalid(_)), "{error:?}");
}

#[tokio::test]
async fn a_connection_that_closed_meanwhile_is_replaced() {
    let server = accept(|mut stream| async move {
        use tokio::io::AsyncWriteExt;
        hear(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
    })
    .await;
    let client = client(&server.origin());
    for _ in 0..10 {
        let request = Request::post(server.url("/")).body(Body::full("x")).unwrap();
        let response = client.send(request, soon(), Timeouts::default()).await.unwrap();
        assert_eq!(text(response).await.unwrap(), "hello");
    }
    assert_eq!(server.connections(), 10);
}
