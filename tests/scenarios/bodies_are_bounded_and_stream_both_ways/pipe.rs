//! A request whose body is sent piece by piece while the reply is read piece by piece.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use harness::{Host, Reply};
use http::Request;
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Longest any piece may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The way in. The body ends when it is dropped.
pub(super) struct Pipe(mpsc::Sender<Bytes>);

/// The way out.
pub(super) struct Body {
    body: Incoming,
    /// Whether it ended as it should.
    pub(super) whole: bool,
}

impl Pipe {
    /// Opens a connection and posts to `path`, until the reply's head is there.
    pub(super) async fn open(host: &Host, path: &str) -> (Pipe, Body) {
        let (sender, receiver) = mpsc::channel(1);
        let response = post(host, path, Sent(receiver)).await;
        assert_eq!(response.status(), 200, "{path}");
        (Pipe(sender), Body { body: response.into_body(), whole: false })
    }

    pub(super) async fn send(&mut self, piece: impl Into<Bytes>) {
        timeout(PATIENCE, self.0.send(piece.into()))
            .await
            .expect("nobody takes it")
            .expect("nobody wants it");
    }
}

impl Body {
    /// The next piece; none at the end.
    pub(super) async fn data(&mut self) -> Option<Bytes> {
        loop {
            match timeout(PATIENCE, self.body.frame()).await.expect("no piece comes") {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => return Some(data),
                    Err(_) => continue,
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
pub(super) async fn chunked(
    host: &Host,
    path: &str,
    pieces: impl Iterator<Item = Bytes> + Send + 'static,
) -> Reply {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        for piece in pieces {
            if sender.send(piece).await.is_err() {
                return;
            }
        }
    });
    let (parts, mut body) = post(host, path, Sent(receiver)).await.into_parts();
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

async fn post(host: &Host, path: &str, body: Sent) -> http::Response<Incoming> {
    let stream = TcpStream::connect(host.address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::post(path).header("host", "test").body(body).unwrap();
    let response = timeout(PATIENCE, sender.send_request(request)).await.expect("no reply comes").unwrap();
    // The connection must outlive its sender's scope.
    tokio::spawn(async move {
        let _ = sender.ready().await;
    });
    response
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
