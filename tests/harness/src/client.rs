//! A client that shows all there is to a reply.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::net::SocketAddr;

use crate::PATIENCE;

/// Which HTTP to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 by prior knowledge.
    Http2,
}

/// A client with pooled connections. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    base: SocketAddr,
    inner: hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>,
    token: Option<String>,
}

/// A whole reply.
#[derive(Debug)]
pub struct Reply {
    /// Status.
    pub status: StatusCode,
    /// Header fields.
    pub headers: HeaderMap,
    /// Body, as far as it came.
    pub body: Bytes,
    /// Trailer fields, if there were any.
    pub trailers: Option<HeaderMap>,
    /// Whether the body ended as it should.
    pub whole: bool,
}

impl Client {
    /// A client of `base`, which sends `token` if there is one.
    pub fn new(base: SocketAddr, version: Version, token: Option<String>) -> Self {
        let mut builder = hyper_util::client::legacy::Client::builder(TokioExecutor::new());
        builder.http2_only(version == Version::Http2);
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Client { base, inner: builder.build(connector), token }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, "").await
    }

    /// Any method with a body; fails the test if no reply comes.
    pub async fn send(&self, method: Method, path: &str, body: impl Into<Bytes>) -> Reply {
        self.try_send(self.request(method, path, body))
            .await
            .unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// A request to `path`, for tests that add to it.
    pub fn request(&self, method: Method, path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        request.body(Full::new(body.into())).unwrap()
    }

    /// Sends `request`; the text of an error says why no reply came.
    pub async fn try_send(&self, request: Request<Full<Bytes>>) -> Result<Reply, String> {
        match tokio::time::timeout(PATIENCE, self.exchange(request)).await {
            Ok(reply) => reply,
            Err(_) => Err("no reply within a minute".into()),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Reply, String> {
        let response = self.inner.request(request).await.map_err(|error| format!("{error:?}"))?;
        let (parts, mut body) = response.into_parts();
        let (mut bytes, mut trailers, mut whole) = (Vec::new(), None, true);
        while let Some(frame) = body.frame().await {
            match frame.map(hyper::body::Frame::into_data) {
                Ok(Ok(data)) => bytes.extend_from_slice(&data),
                Ok(Err(frame)) => trailers = frame.into_trailers().ok(),
                Err(_) => {
                    whole = false;
                    break;
                }
            }
        }
        Ok(Reply { status: parts.status, headers: parts.headers, body: bytes.into(), trailers, whole })
    }
}

impl Reply {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// A header field, empty if absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// `code` of a problem document.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}
