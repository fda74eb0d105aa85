//! TLS, and HTTP/2 where the other server offers it.

use std::path::PathBuf;
use std::sync::Arc;

use http::Response;
use ostler_core::Body;
use ostler_upstream::{Client, Config, Error, Upstream};
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use crate::support::{Names, Server, accept, answer, grant, send, serve, text};

/// A TLS server and the file that makes clients trust it.
struct Secure {
    server: Server,
    /// Holds the file of the certificate.
    _folder: tempfile::TempDir,
    ca: PathBuf,
}

impl Secure {
    async fn start(name: &str, alpn: &[&str]) -> Secure {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, made.cert.pem()).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let mut config = config
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let server = accept(move |stream| {
            let acceptor = acceptor.clone();
            async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let hello = |request: http::Request<_>| async move {
                    let _: hyper::body::Incoming = request.into_body();
                    Response::new(Body::full("hello"))
                };
                answer(stream, hello).await;
            }
        })
        .await;
        Secure { server, _folder: folder, ca }
    }

    fn client(&self, origin: &str, ca_file: Option<PathBuf>) -> Client {
        let names = Names::default();
        names.set("secure.test", &["127.0.0.1"]);
        let config = Config { ca_file, ..Config::default() };
        let upstream = Upstream::with_lookup(config, Arc::new(names)).unwrap();
        upstream.client(&grant(&[origin], &["127.0.0.0/8"]))
    }

    fn origin(&self) -> String {
        format!("https://secure.test:{}", self.server.address.port())
    }
}

#[tokio::test]
async fn http_2_is_spoken_where_offered_and_shares_one_connection() {
    let secure = Secure::start("secure.test", &["h2", "http/1.1"]).await;
    let client = secure.client(&secure.origin(), Some(secure.ca.clone()));
    let response = send(&client, &secure.origin()).await.unwrap();
    assert_eq!(response.version(), http::Version::HTTP_2);
    text(response).await.unwrap();
    let origin = secure.origin();
    let all = futures::future::join_all((0..20).map(|_| send(&client, &origin))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(secure.server.connections(), 1);
}

#[tokio::test]
async fn http_1_is_spoken_where_nothing_else_is_offered() {
    for alpn in [&["http/1.1"][..], &[]] {
        let secure = Secure::start("secure.test", alpn).await;
        let client = secure.client(&secure.origin(), Some(secure.ca.clone()));
        let response = send(&client, &secure.origin()).await.unwrap();
        assert_eq!(response.version(), http::Version::HTTP_11);
        assert_eq!(text(response).await.unwrap(), "hello");
    }
}

#[tokio::test]
async fn an_unknown_authority_is_refused() {
    let secure = Secure::start("secure.test", &[]).await;
    let error = send(&secure.client(&secure.origin(), None), &secure.origin()).await.unwrap_err();
    assert!(matches!(&error, Error::Certificate(told) if told.contains("secure.test")), "{error:?}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let secure = Secure::start("other.test", &[]).await;
    let client = secure.client(&secure.origin(), Some(secure.ca.clone()));
    assert!(matches!(send(&client, &secure.origin()).await, Err(Error::Certificate(_))));
}

#[tokio::test]
async fn a_server_without_tls_is_a_tls_error() {
    let server = serve(|_| async { Response::new(Body::Empty) }).await;
    let origin = format!("https://{}", server.address);
    let client = Upstream::new(Config::default()).unwrap().client(&grant(&[&origin], &[]));
    assert!(matches!(send(&client, &origin).await, Err(Error::Tls(_))));
}
