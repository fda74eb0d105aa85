//! Encrypted listeners.

// In a test, failing loudly is the point.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ostler_edge::Limits;
use rustls_pki_types::{CertificateDer, ServerName};
use support::{Host, eventually, get, http2_over, read, rest, write_certificate};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

async fn connect(
    host: &Host,
    trusted: &CertificateDer<'static>,
    alpn: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    connect_with(host, trusted, alpn, rustls::DEFAULT_VERSIONS).await
}

async fn connect_with(
    host: &Host,
    trusted: &CertificateDer<'static>,
    alpn: &str,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        rustls::ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = if alpn.is_empty() { vec![] } else { vec![alpn.into()] };
    let name = ServerName::try_from("localhost").unwrap();
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, host.connect().await).await
}

async fn ask(stream: &mut TlsStream<TcpStream>) -> String {
    stream.write_all(b"GET /describe HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut reply = String::new();
    while !reply.ends_with("https") {
        reply.push(stream.read_u8().await.unwrap().into());
    }
    reply
}

#[tokio::test]
async fn alpn_chooses_the_version_and_its_absence_http1() {
    let folder = tempfile::tempdir().unwrap();
    let trusted = write_certificate(folder.path());
    let host = Host::encrypted(Limits::default(), folder.path());
    let stream = connect(&host, &trusted, "h2").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let mut client = http2_over(stream).await;
    assert_eq!(
        read(client.send_request(get("/describe")).await.unwrap()).await,
        "GET /describe host=a https"
    );
    for alpn in ["http/1.1", ""] {
        let mut stream = connect(&host, &trusted, alpn).await.unwrap();
        assert!(ask(&mut stream).await.ends_with("GET /describe host=a https"));
    }
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken() {
    let folder = tempfile::tempdir().unwrap();
    let trusted = write_certificate(folder.path());
    let host = Host::encrypted(Limits::default(), folder.path());
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut stream = connect_with(&host, &trusted, "", &[version]).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
        ask(&mut stream).await;
    }
}

#[tokio::test]
async fn slow_handshake_does_not_stall_others() {
    let folder = tempfile::tempdir().unwrap();
    let trusted = write_certificate(folder.path());
    let host = Host::encrypted(Limits::default(), folder.path());
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(host.connect().await);
    }
    eventually(|| host.counters.open.load(Relaxed) == 50).await;
    ask(&mut connect(&host, &trusted, "").await.unwrap()).await;
}

#[tokio::test]
async fn a_handshake_has_a_deadline() {
    let folder = tempfile::tempdir().unwrap();
    write_certificate(folder.path());
    let limits = Limits { handshake_deadline: Duration::from_millis(150), ..Limits::default() };
    let host = Host::encrypted(limits, folder.path());
    assert_eq!(rest(&mut host.connect().await).await, "");
    assert_eq!(host.counters.tls_failures.load(Relaxed), 1);
}

#[tokio::test]
async fn what_is_no_handshake_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let trusted = write_certificate(folder.path());
    let host = Host::encrypted(Limits::default(), folder.path());
    let mut random = fastrand::Rng::with_seed(3);
    for _ in 0..100 {
        let bytes: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(200).collect();
        let mut stream = host.connect().await;
        stream.write_all(&bytes).await.unwrap();
        let _ = stream.shutdown().await;
        rest(&mut stream).await;
    }
    assert_eq!(host.counters.tls_failures.load(Relaxed), 100);
    ask(&mut connect(&host, &trusted, "").await.unwrap()).await;
}

#[tokio::test]
async fn a_new_certificate_serves_new_connections_and_keeps_old_ones() {
    let folder = tempfile::tempdir().unwrap();
    let old = write_certificate(folder.path());
    let host = Host::encrypted(Limits::default(), folder.path());
    let mut before = connect(&host, &old, "").await.unwrap();
    ask(&mut before).await;
    let new = write_certificate(folder.path());
    host.certificate.as_ref().unwrap().reload().unwrap();
    ask(&mut before).await;
    assert!(connect(&host, &old, "").await.is_err());
    ask(&mut connect(&host, &new, "").await.unwrap()).await;
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_leaves_the_old_one_serving() {
    let folder = tempfile::tempdir().unwrap();
    let old = write_certificate(folder.path());
    let host = Host::encrypted(Limits::default(), folder.path());
    let certificate = host.certificate.as_ref().unwrap();
    let key = std::fs::read(folder.path().join("key.pem")).unwrap();
    let cert = std::fs::read(folder.path().join("cert.pem")).unwrap();
    let other = tempfile::tempdir().unwrap();
    write_certificate(other.path());
    let strange = std::fs::read(other.path().join("key.pem")).unwrap();
    for (cert, key, told) in [
        (&b""[..], &key[..], "the certificate chain"),
        (b"-----BEGIN CERTIFICATE-----\n", &key, "the certificate chain"),
        (&cert, b"no key", "the private key"),
        (&cert, &strange, "belongs to this certificate"),
    ] {
        std::fs::write(folder.path().join("cert.pem"), cert).unwrap();
        std::fs::write(folder.path().join("key.pem"), key).unwrap();
        let error = certificate.reload().unwrap_err().to_string();
        assert!(error.contains("repair: ") && error.contains(told), "{error}");
    }
    ask(&mut connect(&host, &old, "").await.unwrap()).await;
}
