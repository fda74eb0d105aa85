//! `wstd`: what its own examples do.

use std::convert::Infallible;

use ::http::Method;
use bytes::Bytes;
use harness::Host;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

use super::good;

#[tokio::test]
async fn a_handler_of_wstd_waits_echoes_and_fetches() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = service_fn(|request: ::http::Request<hyper::body::Incoming>| async {
                let body =
                    request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                Ok::<_, Infallible>(::http::Response::new(Full::new(Bytes::from([b"got ", &*body].concat()))))
            });
            let io = TokioIo::new(stream);
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, answer));
        }
    });
    let host = Host::of("wstd", &format!("grant = {{ http = [\"{origin}\"] }}"));
    let waited: u64 = good(&host, "/wait").await.parse().unwrap();
    assert!((100..5_000).contains(&waited), "{waited}");
    let large = vec![b'x'; 300_000];
    let reply = host.client.send(Method::POST, "/echo", large.clone()).await;
    assert!(reply.whole && *reply.body == *large, "{} bytes", reply.body.len());
    let reply = host.client.send(Method::POST, &format!("/fetch?url={origin}/"), "a body").await;
    assert_eq!((reply.status.as_u16(), reply.text().as_str()), (200, "got a body"));
    let reply = host.client.get("/fetch?url=http://127.0.0.1:1/").await;
    assert_eq!(reply.status, 502);
    assert!(reply.text().contains("not granted"), "{}", reply.text());
}
