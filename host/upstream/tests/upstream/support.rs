//! Servers to send to, names that lead where a test wants, and a client with a grant.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use ostler_core::plugin::Grant;
use ostler_core::{Body, BodyError};
use ostler_upstream::{Client, Config, Error, Lookup, Timeouts, Upstream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server on the loopback address.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) connections: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn origin(&self) -> String {
        self.url("")
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Hands every connection to `each`.
pub(crate) async fn accept<F>(each: impl Fn(TcpStream) -> F + Send + 'static) -> Server
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let server = Server { address: listener.local_addr().unwrap(), connections: Arc::default() };
    let connections = server.connections.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            connections.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(each(stream));
        }
    });
    server
}

/// Answers HTTP on one connection.
pub(crate) async fn answer<F>(
    io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    handler: impl Fn(Request<Incoming>) -> F + Send + Sync + Clone + 'static,
) where
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let service = service_fn(move |request| {
        let response = handler(request);
        async move { Ok::<_, Infallible>(response.await) }
    });
    // Clients of these tests may go away in the middle.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(io), service).await;
}

/// A plain HTTP server.
pub(crate) async fn serve<F>(
    handler: impl Fn(Request<Incoming>) -> F + Send + Sync + Clone + 'static,
) -> Server
where
    F: Future<Output = Response<Body>> + Send + 'static,
{
    accept(move |stream| answer(stream, handler.clone())).await
}

/// Reads the head of a request.
pub(crate) async fn hear(stream: &mut TcpStream) {
    let mut seen = Vec::new();
    while !seen.windows(4).any(|window| window == b"\r\n\r\n") {
        if stream.read_buf(&mut seen).await.unwrap_or(0) == 0 {
            return;
        }
    }
}

/// A server that reads a request's head and then says `bytes`, and then closes, or waits for ever.
pub(crate) async fn say(bytes: &'static [u8], close: bool) -> Server {
    accept(move |mut stream| async move {
        hear(&mut stream).await;
        let _ = stream.write_all(bytes).await;
        if !close {
            std::future::pending::<()>().await;
        }
    })
    .await
}

/// Names and where they lead, which a test may change.
#[derive(Clone, Default)]
pub(crate) struct Names(Arc<Mutex<HashMap<String, Vec<IpAddr>>>>);

impl Names {
    pub(crate) fn set(&self, name: &str, addresses: &[&str]) {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        self.0.lock().unwrap().insert(name.to_owned(), addresses);
    }
}

impl Lookup for Names {
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let found = self.0.lock().unwrap().get(&host).cloned();
        Box::pin(async move { found.ok_or_else(|| io::Error::other("no such name")) })
    }
}

pub(crate) fn grant(http: &[&str], networks: &[&str]) -> Grant {
    Grant {
        http: http.iter().map(ToString::to_string).collect(),
        networks: networks.iter().map(|network| network.parse().unwrap()).collect(),
        ..Grant::default()
    }
}

/// A client that may reach `origin`, an address.
pub(crate) fn client(origin: &str) -> Client {
    Upstream::new(Config::default()).unwrap().client(&grant(&[origin], &[]))
}

pub(crate) fn soon() -> Instant {
    tokio::time::Instant::now().into_std() + Duration::from_secs(10)
}

pub(crate) fn get(url: &str) -> Request<Body> {
    Request::get(url).body(Body::Empty).unwrap()
}

pub(crate) async fn send(client: &Client, url: &str) -> Result<Response<Body>, Error> {
    client.send(get(url), soon(), Timeouts::default()).await
}

pub(crate) async fn text(response: Response<Body>) -> Result<String, Error> {
    let bytes = response.into_body().collect().await.map_err(own)?.to_bytes();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The error of this crate inside a body's.
pub(crate) fn own(error: BodyError) -> Error {
    match error {
        BodyError::Broken(cause) => cause.downcast_ref::<Error>().unwrap().clone(),
        other => panic!("{other:?}"),
    }
}
