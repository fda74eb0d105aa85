//! The access log and the request counters: one each for every exchange, however it ends.

use harness::{Host, Setup, Version, until};
use http::Method;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn every_outcome_is_one_line_and_one_count() {
    let host = Setup::new()
        .plugin("p", "typed", "")
        .route("/{*rest}", "p")
        .with("[[routes]]\npath = \"/get-only\"\nmethods = [\"GET\", \"HEAD\"]\nplugin = \"p\"\nhost = \"a.test\"")
        .start();

    let reply = host.client.send(Method::POST, "/echo?token=hunter2", "12345").await;
    let line = only(&host, reply.header("x-request-id")).await;
    for (key, value) in [("method", "POST"), ("path", "/echo"), ("route", "/{*rest}"), ("plugin", "p")] {
        assert_eq!(line[key], value, "{line}");
    }
    assert_eq!((&line["status"], &line["bytes_in"], &line["bytes_out"]), (&200.into(), &5.into(), &5.into()));
    assert_eq!((&line["client"], &line["http"]), (&"127.0.0.1".into(), &"1.1".into()));
    assert!(line["duration_us"].as_u64().unwrap() > 0 && line["kind"].is_null(), "{line}");
    assert_eq!(line["level"].as_str().unwrap().to_lowercase(), "info");
    let release = line["release"].as_str().unwrap().to_owned();
    counted(&host, &["route=\"/{*rest}\"", "plugin=\"p\"", "status=\"200\"", "kind=\"\""], 1.0).await;
    counted(&host, &[&format!("release={release:?}"), "status=\"200\""], 1.0).await;

    let client = host.client(Version::Http2);
    let reply = client.get("/status?code=418").await;
    let line = only(&host, reply.header("x-request-id")).await;
    assert_eq!((&line["status"], &line["http"]), (&418.into(), &"2".into()), "{line}");

    let reply = host.client.get("/panic").await;
    let line = only(&host, reply.header("x-request-id")).await;
    assert_eq!((&line["status"], &line["kind"]), (&500.into(), &"plugin_trapped".into()), "{line}");
    assert_eq!(line["level"].as_str().unwrap().to_lowercase(), "warn");
    counted(&host, &["status=\"500\"", "kind=\"plugin_trapped\""], 1.0).await;
    let lines = host.lines_so_far().await;
    assert!(!lines.iter().any(|line| line.to_string().contains("hunter2")), "a query was logged");
}

#[tokio::test]
async fn refusals_are_lines_and_counts_too() {
    let text = "[[routes]]\npath = \"/some\"\nmethods = [\"PUT\", \"GET\"]\nplugin = \"p\"";
    let host = Setup::new().plugin("p", "typed", "").with(text).start();

    let reply = host.client.get("/nowhere").await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (404, "route_not_found"));
    counted(&host, &["route=\"\"", "status=\"404\"", "kind=\"route_not_found\""], 1.0).await;
    let line = only(&host, reply.header("x-request-id")).await;
    assert_eq!((&line["status"], &line["kind"]), (&404.into(), &"route_not_found".into()), "{line}");
    assert!(line["plugin"].is_null() && line["route"].is_null(), "{line}");

    let reply = host.client.send(Method::DELETE, "/some", "").await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (405, "method_not_allowed"));
    assert_eq!(reply.header("allow"), "GET, PUT");
    let line = only(&host, reply.header("x-request-id")).await;
    assert_eq!((&line["status"], &line["method"]), (&405.into(), &"DELETE".into()), "{line}");

    counted(&host, &["status=\"405\"", "kind=\"method_not_allowed\""], 1.0).await;
    counted(&host, &["plugin=\"p\""], 0.0).await;
}

#[tokio::test]
async fn a_client_that_went_away_is_a_line_too() {
    let host = Host::of("p2", "deadline = \"60s\"");
    // The one goes before there is a reply, the other in the middle of it.
    for (path, awaited, status) in [("/wait", "", 499), ("/wait-inside", "begun", 200)] {
        let id = format!("gone{}", path.replace('/', "-"));
        let mut client = TcpStream::connect(host.address).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost: test\r\nx-request-id: {id}\r\n\r\n");
        client.write_all(head.as_bytes()).await.unwrap();
        let mut reply = String::new();
        while !reply.contains(awaited) {
            let mut piece = [0; 1024];
            let read = client.read(&mut piece).await.unwrap();
            assert!(read > 0, "{path} ended: {reply}");
            reply += &String::from_utf8_lossy(&piece[..read]);
        }
        let busy = async || host.metric("ostler_instances", &["plugin=\"p\"", "state=\"busy\""]).await;
        until("it does not begin", async || busy().await > 0.0).await;
        drop(client);
        let line = only(&host, &id).await;
        assert_eq!((&line["path"], &line["status"]), (&path.into(), &status.into()), "{line}");
        until("the call runs on", async || busy().await == 0.0).await;
    }
    counted(&host, &["status=\"499\""], 1.0).await;
}

#[tokio::test]
async fn counts_add_up_under_load() {
    let host = Host::of("typed", "");
    let ask = |number: usize| {
        let client = host.client.clone();
        tokio::spawn(async move {
            for _ in 0..50 {
                client.get(["/", "/error", "/problem", "/trap"][number % 4]).await;
            }
        })
    };
    let asked: Vec<_> = (0..8).map(ask).collect();
    for asked in asked {
        asked.await.unwrap();
    }
    counted(&host, &["status=\"200\"", "kind=\"\""], 100.0).await;
    counted(&host, &["status=\"409\"", "kind=\"\""], 100.0).await;
    counted(&host, &["kind=\"plugin_failed\""], 100.0).await;
    counted(&host, &["kind=\"plugin_trapped\""], 100.0).await;
    let histogram = host.metric("ostler_request_duration_seconds_count", &["plugin=\"p\""]).await;
    assert_eq!(histogram, 400.0);
    let logged = host.lines_so_far().await.iter().filter(|line| line["msg"] == "request").count();
    assert_eq!(logged, 400);
}

/// The access line of `id`, of which there may be no second.
async fn only(host: &Host, id: &str) -> Value {
    let is = |line: &Value| line["msg"] == "request" && line["request_id"] == id;
    let line = host.line(is).await;
    assert_eq!(host.lines_so_far().await.iter().filter(|line| is(line)).count(), 1);
    line
}

/// Counters may lag behind the reply by an instant.
async fn counted(host: &Host, labels: &[&str], wanted: f64) {
    let what = format!("{labels:?} are not {wanted}");
    until(&what, async || host.metric("ostler_requests_total", labels).await == wanted).await;
}
