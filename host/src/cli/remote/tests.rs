//! Clients of the admin API against a server that answers by the book, and against ones that do not.

use std::convert::Infallible;
use std::fs;
use std::net::SocketAddr;
use std::sync::mpsc;

use http::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

/// A request as the stub saw it: method, path, authorization, body.
type Seen = (String, String, String, Vec<u8>);

/// A server that gives every request the same answer and tells what it saw.
struct Stub {
    address: SocketAddr,
    seen: mpsc::Receiver<Seen>,
}

impl Stub {
    fn start(status: u16, answer: &'static str, tls: Option<TlsAcceptor>) -> Self {
        let (send, seen) = mpsc::channel();
        let (bound, address) = mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                bound.send(listener.local_addr().unwrap()).unwrap();
                while let Ok((tcp, _)) = listener.accept().await {
                    match &tls {
                        None => serve(tcp, status, answer, &send).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(tcp).await {
                                serve(stream, status, answer, &send).await;
                            }
                        }
                    }
                }
            });
        });
        Stub { address: address.recv().unwrap(), seen }
    }
}

async fn serve<S>(stream: S, status: u16, answer: &'static str, send: &mpsc::Sender<Seen>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let service = service_fn(|request: http::Request<Incoming>| async move {
        let text =
            |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
        let (method, path, token) =
            (request.method().to_string(), request.uri().to_string(), text("authorization"));
        let body = request.into_body().collect().await.unwrap().to_bytes().to_vec();
        let _ = send.send((method, path, token, body));
        let response = Response::builder().status(status).body(Full::new(Bytes::from(answer))).unwrap();
        Ok::<_, Infallible>(response)
    });
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

fn remote(admin: String, folder: &TempDir) -> Remote {
    let token_file = folder.path().join("token");
    fs::write(&token_file, "secret\n").unwrap();
    Remote { admin, token_file: Some(token_file), ca: None }
}

fn call(status: u16, answer: &'static str) -> Result<Answer, Failure> {
    let folder = tempfile::tempdir().unwrap();
    let stub = Stub::start(status, answer, None);
    remote(format!("http://{}", stub.address), &folder).call(Method::GET, "/v1/plugins/a", "")
}

#[test]
fn a_request_carries_the_token_and_the_body() {
    let folder = tempfile::tempdir().unwrap();
    let stub = Stub::start(201, "{\"digest\":\"sha256:ab\"}", None);
    let remote = remote(format!("http://{}/ops/", stub.address), &folder);
    let answer = remote.call(Method::PUT, "/v1/plugins/a/releases", "bytes").unwrap();
    assert_eq!((answer.status.as_u16(), &answer.value["digest"]), (201, &Value::from("sha256:ab")));
    let expected =
        ("PUT".into(), "/ops/v1/plugins/a/releases".into(), "Bearer secret".into(), b"bytes".to_vec());
    assert_eq!(stub.seen.recv().unwrap(), expected);
}

#[test]
fn a_refusal_is_told_in_the_hosts_words_with_every_reason() {
    let failure = call(422, r#"{"detail":"a; b","reasons":["a","b"]}"#).unwrap_err();
    assert_eq!((failure.error.as_str(), failure.reasons.len()), ("the host refused, for 2 reasons", 2));
    let failure = call(409, r#"{"detail":"defined in the file"}"#).unwrap_err();
    assert_eq!(failure.error, "the host refused: defined in the file");
    assert_eq!(call(503, "{}").unwrap_err().error, "the host refused with 503 Service Unavailable");
}

#[test]
fn only_what_may_pass_by_itself_is_worth_another_try() {
    for (status, answer, passing) in [
        (503, "{}", true),
        (502, "<html>", true),
        (401, "{}", false),
        (404, "{}", false),
        (200, "<html>", false),
    ] {
        assert_eq!(call(status, answer).unwrap_err().passing, passing, "{status} {answer}");
    }
}

#[test]
fn a_wrong_token_names_the_file_it_came_from() {
    let failure = call(401, r#"{"detail":"send a token"}"#).unwrap_err();
    assert!(
        failure.error.contains("does not accept the token in ") && failure.error.ends_with("/token"),
        "{failure:?}"
    );
    assert!(failure.repair.contains("--token-file"), "{failure:?}");
}

#[test]
fn a_server_that_is_no_host_is_told() {
    for (status, answer) in [(200, "<html>"), (404, "not found"), (200, "{")] {
        let failure = call(status, answer).unwrap_err();
        assert!(
            failure.error.ends_with("and not in JSON") && failure.repair.contains("--admin"),
            "{failure:?}"
        );
    }
}

#[test]
fn nobody_there_asks_whether_the_host_runs() {
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let remote = remote(format!("http://127.0.0.1:{port}"), &folder);
    let failure = remote.call(Method::GET, "/v1/plugins", "").unwrap_err();
    assert!(failure.error.contains("cannot be reached"), "{failure:?}");
    assert!(failure.repair.contains("ostler serve") && failure.passing, "{failure:?}");
}

#[test]
fn a_missing_or_impossible_token_is_told_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let mut remote = remote("http://127.0.0.1:1".into(), &folder);
    fs::write(folder.path().join("token"), "two\nlines").unwrap();
    assert!(remote.call(Method::GET, "/", "").unwrap_err().error.contains("cannot be a token"));
    remote.token_file = Some(folder.path().join("none"));
    assert!(remote.call(Method::GET, "/", "").unwrap_err().error.contains("there is no token"));
}

#[test]
fn https_trusts_only_what_it_is_told_to() {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let stub = Stub::start(200, "{}", Some(TlsAcceptor::from(std::sync::Arc::new(config))));
    let folder = tempfile::tempdir().unwrap();
    let mut remote = remote(format!("https://{}", stub.address), &folder);
    let failure = remote.call(Method::GET, "/v1/plugins", "").unwrap_err();
    assert!(failure.repair.contains("--ca"), "{failure:?}");
    let ca = folder.path().join("ca.pem");
    fs::write(&ca, made.cert.pem()).unwrap();
    remote.ca = Some(ca);
    assert_eq!(remote.call(Method::GET, "/v1/plugins", "").unwrap().status, 200);
}
