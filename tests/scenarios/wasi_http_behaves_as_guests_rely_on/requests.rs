//! What a guest sees of a request's head.

use std::sync::Arc;

use harness::{Host, Setup, Version};
use http::Method;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::GUESTS;
use super::wire::{answer, rest};

#[tokio::test]
async fn the_request_line_and_the_fields_arrive_as_they_were_sent() {
    for guest in GUESTS {
        let host = Host::of(guest, "");
        let request = "POST /seen?a=%20b&c=%C3%A9&d=//../x&&=? HTTP/1.1\r\nHost: Example.TEST:8080\r\nX-Twice: 1\r\n\
             x-other: a, b\r\nx-twice: 2\r\nx-empty:\r\ncookie: a=b; c=d\r\ncontent-length: 3\r\nkeep-alive: 1\r\n\
             te: trailers\r\nconnection: close, te\r\n\r\nabc";
        let reply = answer(&host, request).await;
        assert!(reply.starts_with("HTTP/1.1 200 OK"), "{guest}: {reply}");
        let target = "target=/seen?a=%20b&c=%C3%A9&d=//../x&&=?\n";
        let head = format!("method=POST\nscheme=http\nauthority=Example.TEST:8080\n{target}");
        assert!(reply.contains(&head), "{guest}: {reply}");
        for line in ["x-twice: 1\nx-twice: 2\n", "x-other: a, b\n", "x-empty: \n", "cookie: a=b; c=d\n"] {
            assert!(reply.contains(line), "{guest}: no {line} in {reply}");
        }
        // What belongs to the connection is not the guest's; the authority says what `host` said.
        for name in ["\nconnection:", "\nkeep-alive:", "\nte:", "\nhost:"] {
            assert!(!reply.split_once("method=").unwrap().1.contains(name), "{guest}: {name} in {reply}");
        }
    }
}

#[tokio::test]
async fn bytes_beyond_ascii_arrive_in_values() {
    for guest in GUESTS {
        let host = Host::of(guest, "");
        let reply = answer(
            &host,
            b"GET /seen HTTP/1.1\r\nhost: a\r\nx-name: caf\xc3\xa9\r\nconnection: close\r\n\r\n",
        )
        .await;
        assert!(reply.contains("x-name: café\n"), "{guest}: {reply}");
    }
}

#[tokio::test]
async fn every_method_arrives_by_its_name() {
    for guest in GUESTS {
        let host = Host::of(guest, "");
        for method in ["GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "PROPFIND", "brew"] {
            let reply =
                answer(&host, format!("{method} /seen HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"))
                    .await;
            assert!(reply.contains(&format!("method={method}\n")), "{guest} {method}: {reply}");
        }
        let head = host.client.send(Method::HEAD, "/seen", "").await;
        assert_eq!((head.status.as_u16(), head.body.len()), (200, 0), "{guest}");
    }
}

#[tokio::test]
async fn http_2_looks_the_same_to_a_guest() {
    for guest in GUESTS {
        let host = Host::of(guest, "");
        let client = host.client(Version::Http2);
        let mut request = client.request(Method::PUT, "/seen?x", "abc");
        request.headers_mut().insert("x-mine", "1".parse().unwrap());
        let text = client.try_send(request).await.unwrap().text();
        let head = format!("method=PUT\nscheme=http\nauthority={}\ntarget=/seen?x\n", host.address);
        assert!(text.starts_with(&head) && text.contains("x-mine: 1\n"), "{guest}: {text}");
    }
}

#[tokio::test]
async fn behind_tls_the_scheme_is_https() {
    for guest in GUESTS {
        let setup = Setup::new();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(setup.folder().join("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(setup.folder().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        let keys = "listen = [\"https://127.0.0.1:0\"]\ntls = { cert = \"cert.pem\", key = \"key.pem\" }";
        let host = setup.server(keys).plugin("p", guest, "").route("/{*rest}", "p").start();
        let mut stream = connect(&host, made.cert.der()).await;
        stream
            .write_all(b"GET /seen HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .await
            .unwrap();
        let reply = rest(&mut stream).await;
        assert!(reply.contains("scheme=https\nauthority=localhost\n"), "{guest}: {reply}");
    }
}

async fn connect(host: &Host, trusted: &CertificateDer<'static>) -> TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = builder.unwrap().with_root_certificates(roots).with_no_client_auth();
    let tcp = TcpStream::connect(host.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, tcp).await.unwrap()
}
