//! One request and its reply, as every room sees it: who asks, under which id, until when.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, header};

use crate::principal::{Authorize, Principal};
use crate::{Body, Error};

/// What `edge` hands each request to. Always replies: errors have become responses by then.
pub trait Handle: Send + Sync + 'static {
    /// Answers one request of `peer`.
    fn handle(&self, request: Request<Body>, peer: Peer) -> impl Future<Output = Response<Body>> + Send;
}

/// What answers a route without a plugin, as for the steps of a login.
pub trait Endpoint: Send + Sync {
    /// Answers one request, within the exchange's deadline.
    fn answer<'a>(
        &'a self,
        exchange: &'a Exchange,
        request: Request<Body>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send + 'a>>;
}

/// How the client is connected.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Address of the other end of the connection.
    pub address: SocketAddr,
    /// Whether the connection is encrypted.
    pub scheme: Scheme,
    /// The client's own certificate (DER), if it showed one and proved that it has the key.
    pub certificate: Option<Arc<[u8]>>,
}

/// Scheme of the listener that took the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Plain TCP.
    Http,
    /// TLS.
    Https,
}

impl Scheme {
    /// `"http"` or `"https"`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }
}

/// The facts of one exchange: what is known with its route, and what the gate finds out. Cheap to clone.
#[derive(Clone)]
pub struct Exchange {
    /// Names this exchange in the reply, in logs and towards the plugin.
    pub id: RequestId,
    /// Who asks.
    pub peer: Peer,
    /// Address of the client: the peer's, or what trusted proxies say of whom they speak for.
    pub client: IpAddr,
    /// Path pattern of the route that matched, as configured.
    pub route: Arc<str>,
    /// What was asked for.
    pub head: Head,
    /// Who was proved to ask; none on routes that let everybody in.
    pub principal: Option<Arc<Principal>>,
    /// Parameters as the route's document types them.
    pub parameters: Option<Arc<Parameters>>,
    /// Whose request it is, as a number that tells nothing of them; known where two releases share the requests, which are
    /// compared by it.
    pub subject: Option<u64>,
    /// What stands for a client that proved nothing, where feature flags are told to look for it: a cookie or a field.
    /// One pointer, since an exchange is moved often.
    pub visitor: Option<Arc<String>>,
    /// Whether the share of a release decided which of two answers, or there is only one. What a rule or a tester chose counts
    /// for no comparison.
    pub drawn: bool,
    /// Answers what the principal may do; none where nothing is said of it.
    pub authorize: Option<Arc<dyn Authorize>>,
    /// When the request arrived.
    pub started: Instant,
    /// When the reply must be complete; covers waiting in queues.
    pub deadline: Instant,
}

/// What a request asks for, as far as feature flags look at it. Shares its bytes with the request.
#[derive(Debug, Clone, Default)]
pub struct Head {
    /// The method.
    pub method: Method,
    /// The target.
    pub uri: Uri,
    /// The `Host` field, where the target names no host.
    pub host: Option<HeaderValue>,
}

/// Parameters of one request by name, in the order of the document.
pub type Parameters = Vec<(Arc<str>, serde_json::Value)>;

impl Head {
    /// The head of `request`.
    pub fn of<T>(request: &Request<T>) -> Self {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let named = uri.authority().is_some();
        let host = if named { None } else { request.headers().get(header::HOST).cloned() };
        Head { method, uri, host }
    }

    /// The host's name without port, as the client wrote it.
    pub fn host(&self) -> Option<&str> {
        host_name(&self.uri, self.host.as_ref())
    }
}

/// Host name without port that a request with `uri` and `headers` is for, as the client wrote it.
pub fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    host_name(uri, headers.get(header::HOST))
}

/// Values of the cookies of this name (RFC 6265 section 4.2), in their order, without spaces around them.
pub fn cookies<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a [u8]> {
    let fields = headers.get_all(header::COOKIE).iter();
    let pairs = fields.flat_map(|field| field.as_bytes().split(|byte| *byte == b';'));
    pairs.filter_map(move |pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        (pair[..at].trim_ascii() == name.as_bytes()).then(|| pair[at + 1..].trim_ascii())
    })
}

/// From the URI (HTTP/2, absolute form) or the `Host` field.
fn host_name<'a>(uri: &'a Uri, field: Option<&'a HeaderValue>) -> Option<&'a str> {
    if let Some(authority) = uri.authority() {
        return Some(authority.host());
    }
    let value = field?.to_str().ok()?;
    let end = match value.strip_prefix('[') {
        Some(v6) => v6.find(']')? + 2,
        None => value.find(':').unwrap_or(value.len()),
    };
    Some(&value[..end])
}

impl Exchange {
    /// An exchange of which no more is known than how it came in.
    pub fn new(id: RequestId, peer: Peer, route: Arc<str>, started: Instant, deadline: Instant) -> Self {
        let client = peer.address.ip().to_canonical();
        let (principal, parameters, subject, visitor, authorize) = (None, None, None, None, None);
        let head = Head::default();
        Exchange {
            id,
            peer,
            client,
            route,
            head,
            principal,
            parameters,
            subject,
            visitor,
            drawn: true,
            authorize,
            started,
            deadline,
        }
    }
}

/// Identifier of an exchange: `x-request-id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// Longest identifier accepted from a client, in bytes.
    pub const MAX_LEN: usize = 128;

    /// An identifier of 32 hex digits from 128 random bits.
    pub fn generate(random: u128) -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 32];
        for (place, digit) in text.iter_mut().enumerate() {
            *digit = HEX[(random >> (124 - 4 * place) & 15) as usize];
        }
        // Hex digits are always a valid header value; the fallback only keeps this free of panics.
        RequestId(HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("unknown")))
    }

    /// Takes over a client's identifier if it is sane: 1 to 128 of `A-Z a-z 0-9 . _ : / + = -`.
    pub fn accept(value: &HeaderValue) -> Option<Self> {
        let sane = |byte: &u8| byte.is_ascii_alphanumeric() || b"._:/+=-".contains(byte);
        let bytes = value.as_bytes();
        ((1..=Self::MAX_LEN).contains(&bytes.len()) && bytes.iter().all(sane))
            .then(|| RequestId(value.clone()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// As the value of `x-request-id`.
    pub fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_ids_are_hex() {
        assert_eq!(RequestId::generate(0xabc).as_str(), "00000000000000000000000000000abc");
    }

    #[test]
    fn cookies_are_found_in_all_their_fields_by_their_whole_name() {
        let mut headers = HeaderMap::new();
        for line in ["a=1; b = 2 ;ab=3", "x; b=\"4=5\"", "B=6;b="] {
            headers.append(header::COOKIE, HeaderValue::from_static(line));
        }
        let of = |name| {
            cookies(&headers, name).map(|value| std::str::from_utf8(value).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(of("b"), ["2", "\"4=5\"", ""]);
        assert_eq!((of("a"), of("x"), of("")), (vec!["1"], vec![], vec![]));
    }

    #[test]
    fn insane_client_ids_are_not_taken_over() {
        let take = |text: &str| RequestId::accept(&HeaderValue::from_str(text).unwrap());
        assert_eq!(take("abc-1.2").unwrap().as_str(), "abc-1.2");
        assert!(take("").is_none());
        assert!(take("a b").is_none());
        assert!(take("<script>").is_none());
        assert!(take(&"a".repeat(129)).is_none());
    }
}
