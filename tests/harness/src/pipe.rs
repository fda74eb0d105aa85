//! A request whose body is sent piece by piece while the reply is read piece by piece.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::{Host, PATIENCE, Reply, Version};

/// The way in. The body ends when it is dropped.
pub struct Pipe(mpsc::Sender<Bytes>);

/// The way out.
pub struct Body {
    body: Incoming,
    /// Whether it ended as it should.
    pub whole: bool,
}

impl Pipe {
    /// Opens a connection and posts to `path`, until the reply's head is there.
    pub async fn open(host: &Host, version: Version, path: &str) -> (Pipe, Body) {
        let (sender, receiver) = mpsc::channel(1);
        let response = post(host, version, path, Sent(receiver)).await;
        assert_eq!(response.status(), 200, "{path}");
        (Pipe(sender), Body { body: response.into_body(), whole: false })
    }

    /// Sends `piece`, once the one before it is taken.
    pub async fn send(&mut self, piece: impl Into<Bytes>) {
        timeout(PATIENCE, self.0.send(piece.into()))
            .await
            .expect("nobody takes it")
            .expect("nobody wants it");
    }
}

impl Body {
    /// The next piece that is not empty; none at the end.
    pub async fn data(&mut self) -> Option<Bytes> {
        loop {
            match timeout(PATIENCE, self.body.frame()).await.expect("no piece comes") {
                Some(Ok(frame)) => match frame.into_data() {
                    // HTTP/2 may end with an empty piece.
                    Ok(data) if !data.is_empty() => return Some(data),
                    _ => continue,
                },
                Some(Err(_)) => return None,
                None => {
                    self.whole = true;
                    return None;
                }
            }
        }
    }
}

/// Posts `pieces` to `path` without telling their length.
pub async fn chunked(host: &Host, path: &str, pieces: impl Iterator<Item = Bytes> + Send + 'static) -> Reply {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        for piece in pieces {
            if sender.send(piece).await.is_err() {
                return;
            }
        }
    });
    let (parts, mut body) = post(host, Version::Http1, path, Sent(receiver)).await.into_parts();
    let (mut bytes, mut whole) = (Vec::new(), true);
    while let Some(frame) = timeout(PATIENCE, body.frame()).await.expect("no piece comes") {
        match frame.map(Frame::into_data) {
            Ok(data) => bytes.extend_from_slice(&data.unwrap_or_default()),
            Err(_) => {
                whole = false;
                break;
            }
        }
    }
    Reply { status: parts.status, headers: parts.headers, body: bytes.into(), trailers: None, whole }
}

async fn post(host: &Host, version: Version, path: &str, body: Sent) -> http::Response<Incoming> {
    let stream = TokioIo::new(TcpStream::connect(host.address).await.unwrap());
    let reply = match version {
        Version::Http1 => {
            let request = Request::post(path).header("host", "test").body(body).unwrap();
            let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
            tokio::spawn(connection);
            let reply = timeout(PATIENCE, sender.send_request(request)).await;
            // The connection must outlive its sender's scope.
            tokio::spawn(async move {
                let _ = sender.ready().await;
            });
            reply
        }
        Version::Http2 => {
            let request = Request::post(format!("http://{}{path}", host.address)).body(body).unwrap();
            let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream);
            let (mut sender, connection) = handshake.await.unwrap();
            tokio::spawn(connection);
            timeout(PATIENCE, sender.send_request(request)).await
        }
    };
    reply.expect("no reply comes").unwrap()
}

struct Sent(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Sent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}
