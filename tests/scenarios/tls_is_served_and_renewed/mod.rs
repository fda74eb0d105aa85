//! Encrypted listeners of a real host: versions, ALPN, and certificates replaced while connections live.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use harness::{Host, Setup};
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

fn host(setup: Setup) -> (Host, CertificateDer<'static>) {
    let trusted = certificate(setup.folder());
    let keys = "listen = [\"https://127.0.0.1:0\"]\ntls = { cert = \"cert.pem\", key = \"key.pem\" }";
    (setup.server(keys).plugin("p", "hello-typed", "").route("/", "p").start(), trusted)
}

/// A new self-signed certificate for `localhost`, renamed over the one before; its DER.
fn certificate(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    for (name, text) in [("cert.pem", made.cert.pem()), ("key.pem", made.signing_key.serialize_pem())] {
        std::fs::write(folder.join("next.pem"), text).unwrap();
        std::fs::rename(folder.join("next.pem"), folder.join(name)).unwrap();
    }
    made.cert.der().clone()
}

async fn connect(
    host: &Host,
    trusted: &CertificateDer<'static>,
    version: &'static rustls::SupportedProtocolVersion,
    alpn: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider);
    let mut config = builder
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let tcp = TcpStream::connect(host.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

/// Asks over HTTP/1.1 and leaves the connection open.
async fn ask(stream: &mut TlsStream<TcpStream>) {
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut reply = String::new();
    while !reply.contains("Hello, world!") {
        reply.push(stream.read_u8().await.unwrap().into());
    }
    assert!(reply.starts_with("HTTP/1.1 200 OK"), "{reply}");
}

#[tokio::test]
async fn tls_1_2_and_1_3_speak_http1_and_http2_by_alpn() {
    let (host, trusted) = host(Setup::new());
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut stream = connect(&host, &trusted, version, b"http/1.1").await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
        ask(&mut stream).await;
        let stream = connect(&host, &trusted, version, b"h2").await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let io = TokioIo::new(stream);
        let (mut client, driver) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
        tokio::spawn(driver);
        let request = Request::get("https://localhost/").body(Empty::<Bytes>::new()).unwrap();
        let response = client.send_request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes().trim_ascii(), b"Hello, world!");
    }
}

#[tokio::test]
async fn a_replaced_certificate_serves_new_connections_and_old_ones_live_on() {
    let (host, old) = host(Setup::new());
    let mut kept = connect(&host, &old, &rustls::version::TLS13, b"http/1.1").await.unwrap();
    ask(&mut kept).await;
    std::fs::write(host.folder.join("cert.pem"), "no certificate").unwrap();
    host.line(|line| line["msg"] == "the certificate in force is kept").await;
    assert!(connect(&host, &old, &rustls::version::TLS13, b"http/1.1").await.is_ok());
    let new = certificate(&host.folder);
    let start = Instant::now();
    let mut renewed = loop {
        match connect(&host, &new, &rustls::version::TLS13, b"http/1.1").await {
            Ok(stream) => break stream,
            Err(error) => assert!(start.elapsed() < Duration::from_secs(60), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    ask(&mut renewed).await;
    assert!(connect(&host, &old, &rustls::version::TLS13, b"http/1.1").await.is_err());
    ask(&mut kept).await;
}
