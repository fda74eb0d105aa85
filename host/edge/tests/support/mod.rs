//! A server on a free port, a handler with one behaviour per path, and raw or hyper clients for it.

// Each test file is a crate of its own and uses a part of this.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper_util::rt::{TokioExecutor, TokioIo};
use ostler_core::{Body, BodyError, Error, Handle, Kind, Peer, RequestId, Scheme};
use ostler_edge::{Certificate, Config, Counters, Drained, Limits, Listen, Server, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

/// Longest any test waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Length of the answer to `/big`: more than the sockets between hold.
pub(crate) const BIG: usize = 40 << 20;

/// Answers by path.
pub(crate) struct Desk {
    /// Gets a permit for every request to `/wait` that has begun.
    pub(crate) entered: Semaphore,
    /// Each permit lets one of them answer.
    pub(crate) leave: Semaphore,
    /// Requests that came this far.
    pub(crate) handled: AtomicU64,
}

impl Handle for Desk {
    async fn handle(&self, request: Request<Body>, peer: Peer) -> Response<Body> {
        self.handled.fetch_add(1, Relaxed);
        match request.uri().path() {
            "/hello" => text("hello"),
            "/describe" => {
                let host = request.headers().get("host").map_or("-", |host| host.to_str().unwrap());
                text(format!("{} {} host={host} {}", request.method(), request.uri(), peer.scheme.as_str()))
            }
            "/echo" => echo(request).await,
            "/wait" => {
                self.entered.add_permits(1);
                self.leave.acquire().await.unwrap().forget();
                text("done")
            }
            "/panic" => panic!("as asked"),
            "/endless" => {
                let frame = || Ok(hyper::body::Frame::data(Bytes::from(vec![b'x'; 16 << 10])));
                let frames = futures::stream::repeat_with(frame);
                Response::new(Body::stream(StreamBody::new(frames)))
            }
            "/big" => text(vec![b'x'; BIG]),
            "/lie" => {
                let frames = futures::stream::iter([Ok(hyper::body::Frame::data(Bytes::from("abc")))]);
                let mut response = Response::new(Body::stream(StreamBody::new(frames)));
                response.headers_mut().insert("content-length", HeaderValue::from_static("10"));
                response
            }
            "/hop" => {
                let mut response = text("hop");
                for (name, value) in
                    [("connection", "close"), ("transfer-encoding", "x"), ("content-length", "99")]
                {
                    response.headers_mut().insert(name, HeaderValue::from_static(value));
                }
                response
            }
            "/interim" => Response::builder().status(103).body(Body::Empty).unwrap(),
            "/empty" => Response::builder().status(204).body(Body::full("no")).unwrap(),
            _ => Response::builder().status(404).body(Body::Empty).unwrap(),
        }
    }
}

async fn echo(request: Request<Body>) -> Response<Body> {
    let collected = match request.into_body().collect().await {
        Ok(collected) => collected,
        Err(BodyError::Refused(kind)) => return Error::new(kind, "slow").response(&RequestId::generate(1)),
        Err(broken) => {
            return Error::new(Kind::Internal, broken.to_string()).response(&RequestId::generate(1));
        }
    };
    let trailers = collected.trailers().cloned();
    let bytes = collected.to_bytes();
    let Some(trailers) = trailers else { return Response::new(Body::full(bytes)) };
    let frames = [Ok(hyper::body::Frame::data(bytes)), Ok(hyper::body::Frame::trailers(trailers))];
    let mut response = Response::new(Body::stream(StreamBody::new(futures::stream::iter(frames))));
    response.headers_mut().insert("trailer", HeaderValue::from_static("x-sum"));
    response
}

fn text(text: impl Into<Bytes>) -> Response<Body> {
    Response::new(Body::full(text))
}

/// A running server.
pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    pub(crate) desk: Arc<Desk>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) certificate: Option<Arc<Certificate>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Drained>,
}

impl Host {
    /// Without TLS, with these limits.
    pub(crate) fn plain(limits: Limits) -> Self {
        Self::start(limits, Scheme::Http, None)
    }

    /// With the certificate in `folder` (see [`write_certificate`]).
    pub(crate) fn encrypted(limits: Limits, folder: &Path) -> Self {
        let tls = Tls { cert: folder.join("cert.pem"), key: folder.join("key.pem"), clients: None };
        Self::start(limits, Scheme::Https, Some(tls))
    }

    fn start(limits: Limits, scheme: Scheme, tls: Option<Tls>) -> Self {
        let listen = Listen { scheme, address: ([127, 0, 0, 1], 0).into() };
        let server =
            Server::bind(&Config { listen: vec![listen], tls, limits, ..Config::default() }).unwrap();
        let desk = Desk { entered: Semaphore::new(0), leave: Semaphore::new(0), handled: AtomicU64::new(0) };
        let desk = Arc::new(desk);
        let (stop, stopped) = oneshot::channel();
        let address = server.addresses()[0].address;
        let (counters, certificate) = (server.counters(), server.certificate());
        let shutdown = async move { stopped.await.unwrap_or(()) };
        let task = tokio::spawn(server.run(Arc::clone(&desk), shutdown));
        Host { address, desk, counters, certificate, stop, task }
    }

    /// Asks for the drain; the handle tells how it ended.
    pub(crate) fn stop(self) -> JoinHandle<Drained> {
        self.stop.send(()).unwrap();
        self.task
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends `bytes` on a new connection; all that comes back until the server closes it.
    pub(crate) async fn raw(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        // The server may close before it has taken everything.
        let _ = stream.write_all(bytes.as_ref()).await;
        rest(&mut stream).await
    }

    pub(crate) async fn http2(&self) -> hyper::client::conn::http2::SendRequest<Body> {
        http2_over(self.connect().await).await
    }

    pub(crate) async fn still_serves(&self) {
        let reply = self.raw("GET /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
        assert!(reply.ends_with("\r\n\r\nhello"), "{reply}");
    }
}

pub(crate) async fn http2_over<S>(stream: S) -> hyper::client::conn::http2::SendRequest<Body>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// Everything until the server closes.
pub(crate) async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    within(async {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            bytes.extend_from_slice(&buffer[..read]);
        }
    })
    .await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What comes until `end` has come.
pub(crate) async fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut bytes = Vec::new();
    within(async {
        while !bytes.ends_with(end.as_bytes()) {
            bytes.push(stream.read_u8().await.unwrap());
        }
    })
    .await;
    String::from_utf8(bytes).unwrap()
}

/// Fails instead of hanging.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("still waiting")
}

/// Waits until `condition` holds.
pub(crate) async fn eventually(condition: impl Fn() -> bool) {
    within(async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

pub(crate) fn get(path: &str) -> Request<Body> {
    Request::get(format!("http://a{path}")).body(Body::Empty).unwrap()
}

pub(crate) fn post(path: &str, body: impl Into<Bytes>) -> Request<Body> {
    Request::post(format!("http://a{path}")).body(Body::full(body)).unwrap()
}

pub(crate) async fn read(response: Response<hyper::body::Incoming>) -> String {
    let bytes = within(response.into_body().collect()).await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A new self-signed certificate for `localhost` in `folder`; its DER.
pub(crate) fn write_certificate(folder: &Path) -> rustls_pki_types::CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}
