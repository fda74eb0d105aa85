//! Outbound HTTP: to granted origins, whichever way the plugin asks.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Instant;

use ::http::{Method, Request, Response};
use bytes::Bytes;
use harness::{BOUNDED, Host, Nobody, Reply, until};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// How each kind of component says that a call was refused: its status, where its text is.
const KINDS: [&str; 3] = ["typed", "p2", "p3"];

/// A server of the test: `/echo` sends method and body back, `/silent` never answers, `/begin` never ends its body.
async fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let serve = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(answer));
            tokio::spawn(serve);
        }
    });
    address
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    match parts.uri.path() {
        "/silent" => std::future::pending().await,
        "/large" => Ok(Response::new(Full::new(vec![b'x'; 3 << 20].into()))),
        "/teapot" => Ok(Response::builder().status(418).body(Full::default()).unwrap()),
        _ => {
            let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            let text = format!("{} {} {}", parts.method, parts.uri, String::from_utf8_lossy(&body));
            Ok(Response::new(Full::new(text.into())))
        }
    }
}

async fn fetch(host: &Host, url: &str, body: &str) -> Reply {
    host.client.send(Method::POST, &format!("/fetch?url={url}"), body.to_owned()).await
}

#[tokio::test]
async fn a_granted_origin_is_reached_from_every_kind_of_handler() {
    let server = server().await;
    for component in KINDS {
        let keys = format!("deadline = \"30s\"\ngrant = {{ http = [\"http://{server}\"] }}");
        let host = Host::of(component, &keys);
        for round in 0..3 {
            let reply = fetch(&host, &format!("http://{server}/echo"), "a body").await;
            assert_eq!(
                (reply.status.as_u16(), reply.whole),
                (200, true),
                "{component} {round}: {}",
                reply.text()
            );
            assert_eq!(reply.text(), "POST /echo a body", "{component} {round}");
        }
        assert_eq!(fetch(&host, &format!("http://{server}/teapot"), "").await.status, 418, "{component}");
        let large = fetch(&host, &format!("http://{server}/large"), "").await;
        assert_eq!(
            (large.status.as_u16(), large.body.len(), large.whole),
            (200, 3 << 20, true),
            "{component}"
        );
    }
}

#[tokio::test]
async fn an_origin_that_was_not_granted_is_refused_by_name() {
    let server = server().await;
    for component in KINDS {
        for keys in ["", "grant = { http = [\"http://127.0.0.1:1\", \"https://api.example.com\"] }"] {
            let host = Host::of(component, keys);
            let reply = fetch(&host, &format!("http://{server}/echo"), "").await;
            assert_eq!(reply.status, 502, "{component}");
            let text = reply.text().replace('\\', "");
            let repair = format!("grant = {{ http = [\"http://{server}\"] }}");
            assert!(text.contains("not granted") && text.contains(&repair), "{component}: {text}");
        }
    }
}

#[tokio::test]
async fn a_granted_name_that_leads_home_is_refused_unless_its_network_is_granted() {
    let port = server().await.port();
    for component in KINDS {
        let origin = format!("http://localhost:{port}");
        let host = Host::of(component, &format!("grant = {{ http = [\"{origin}\"] }}"));
        let reply = fetch(&host, &format!("{origin}/echo"), "").await;
        assert_eq!(reply.status, 502, "{component}: {}", reply.text());
        let text = reply.text().replace('\\', "");
        assert!(
            text.contains("loopback") && text.contains("grant = { networks = [\""),
            "{component}: {text}"
        );

        let keys = format!("grant = {{ http = [\"{origin}\"], networks = [\"127.0.0.0/8\", \"::1/128\"] }}");
        let host = Host::of(component, &keys);
        let reply = fetch(&host, &format!("{origin}/echo"), "x").await;
        assert_eq!((reply.status.as_u16(), reply.text().as_str()), (200, "POST /echo x"), "{component}");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_costs_no_more_than_the_deadline() {
    let server = server().await;
    for component in KINDS {
        let keys = format!("deadline = \"1s\"\ngrant = {{ http = [\"http://{server}\"] }}");
        let host = Host::of(component, &keys);
        let start = Instant::now();
        let reply = fetch(&host, &format!("http://{server}/silent"), "").await;
        let took = start.elapsed();
        println!("{component}: {} after {took:?}", reply.status);
        // The guest may be told of the timeout just before it is ended.
        assert!([502, 504].contains(&reply.status.as_u16()), "{component}: {}", reply.text());
        assert!(took < BOUNDED, "{component}: {took:?}");
        until("the plugin does not go on", async || host.client.get("/").await.text().trim() == "good").await;
    }
}

#[tokio::test]
async fn a_timeout_of_the_guests_own_is_told_to_the_guest() {
    let server = server().await;
    let host = Host::of("typed", &format!("deadline = \"60s\"\ngrant = {{ http = [\"http://{server}\"] }}"));
    let start = Instant::now();
    let reply = host.client.get(&format!("/fetch?timeout=200&url=http://{server}/silent")).await;
    assert_eq!(reply.status, 502, "{}", reply.text());
    assert!(reply.text().contains("time"), "{}", reply.text());
    assert!(start.elapsed() < BOUNDED, "{:?}", start.elapsed());
}

#[tokio::test]
async fn an_origin_nobody_listens_on_is_an_error_in_the_guest() {
    let nobody = Nobody::new();
    let free = nobody.address;
    for component in KINDS {
        let host = Host::of(component, &format!("grant = {{ http = [\"http://{free}\"] }}"));
        let reply = fetch(&host, &format!("http://{free}/"), "").await;
        assert_eq!(reply.status, 502, "{component}: {}", reply.text());
        assert_eq!(host.client.get("/").await.status, 200, "{component}");
    }
}
