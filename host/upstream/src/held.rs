//! Outbound HTTP that is held back: recorded, answered by stubs or by a refusal that names the call, never sent.
//!
//! For code that must not be heard of outside: a release on trial, or one that gets copies of requests.
//! **Invariant:** a client made here has no resolver, no connector and no pool, so there is nothing to send with.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::BodyExt;
use ostler_core::Body;
use tokio::time::{Instant, timeout_at};

use crate::{Allow, Error, head};

/// Calls that a recorder remembers; of further ones it keeps the number.
pub const CALLS: usize = 256;

/// Bytes of a URL that are kept.
const URL: usize = 1_024;

/// Bytes of a request's body that are taken in, as a server would, before the rest is left where it is.
const BODY: usize = 16 << 20;

/// What was called, how each call was answered, and what is answered.
#[derive(Debug)]
pub struct Recorder {
    stubs: Vec<Stub>,
    /// Ends the text of a refusal: why, and what to do.
    reason: &'static str,
    calls: Mutex<Calls>,
}

/// An answer that stands in for another server's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stub {
    /// Only for this method; any without.
    pub method: Option<Method>,
    /// The URL as the plugin names it, query and all; with `*` at its end, every URL that begins so.
    pub url: String,
    /// Status of the answer.
    pub status: StatusCode,
    /// Its fields.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// One call that was held back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its method.
    pub method: Method,
    /// Its URL without the query, which may hold a secret; `?` stands for one. At most 1,024 bytes.
    pub url: String,
    /// Status of the stub that answered; none if it was refused.
    pub status: Option<StatusCode>,
}

/// The first calls, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls {
    /// At most [`CALLS`] of them.
    pub calls: VecDeque<Call>,
    /// How many there were beyond these.
    pub further: u64,
}

/// One plugin's way out that leads nowhere.
pub(crate) struct Held {
    pub(crate) allow: Allow,
    pub(crate) recorder: std::sync::Arc<Recorder>,
}

impl Recorder {
    /// Answers by the first of `stubs` that fits; what none fits is refused, and the text ends with `reason`.
    pub fn new(stubs: Vec<Stub>, reason: &'static str) -> Self {
        Recorder { stubs, reason, calls: Mutex::default() }
    }

    /// What was recorded since the last time.
    pub fn take(&self) -> Calls {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn answer(&self, method: &Method, uri: &Uri) -> Result<Response<Body>, Error> {
        let stub = self.stubs.iter().find(|stub| stub.fits(method, uri));
        let url = told(uri);
        let refused = stub.is_none().then(|| format!("{method} {url} was not sent: {}", self.reason));
        self.record(Call { method: method.clone(), url, status: stub.map(|stub| stub.status) });
        match (stub, refused) {
            (Some(stub), _) => Ok(stub.response()),
            (None, refused) => Err(Error::HeldBack(refused.unwrap_or_default())),
        }
    }

    fn record(&self, call: Call) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        match calls.calls.len() {
            0..CALLS => calls.calls.push_back(call),
            _ => calls.further += 1,
        }
    }
}

impl Stub {
    fn fits(&self, method: &Method, uri: &Uri) -> bool {
        let url = uri.to_string();
        let named = match self.url.strip_suffix('*') {
            Some(prefix) => url.starts_with(prefix),
            None => url == self.url || url.strip_suffix('/') == Some(&self.url),
        };
        named && self.method.as_ref().is_none_or(|known| known == method)
    }

    fn response(&self) -> Response<Body> {
        let mut response = Response::new(Body::full(self.body.clone()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        response
    }
}

impl Held {
    /// Answers as [`crate::Client::send`] would, but by the recorder.
    pub(crate) fn send(
        &self,
        mut request: Request<Body>,
        deadline: std::time::Instant,
    ) -> Result<Response<Body>, Error> {
        self.allow.check(request.uri())?;
        head::prepare(&mut request)?;
        let (parts, body) = request.into_parts();
        if let Body::Stream(_) = body {
            // Beside the answer, as servers do: a guest may write its body before it looks, or after.
            tokio::spawn(timeout_at(Instant::from_std(deadline), take_in(body)));
        }
        let mut response = self.recorder.answer(&parts.method, &parts.uri)?;
        head::strip(response.headers_mut());
        Ok(response)
    }
}

async fn take_in(mut body: Body) {
    let mut left = BODY;
    while let Some(Ok(frame)) = body.frame().await {
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        if left == 0 {
            return;
        }
    }
}

/// A URL as it may be told: no user, no query.
fn told(uri: &Uri) -> String {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let query = if uri.query().is_some() { "?" } else { "" };
    let mut url = format!("{}://{host}{}{query}", uri.scheme_str().unwrap_or_default(), uri.path());
    let end = (0..=URL.min(url.len())).rev().find(|end| url.is_char_boundary(*end)).unwrap_or(0);
    url.truncate(end);
    url
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use ostler_core::plugin::Grant;

    use super::*;
    use crate::{Client, Config, Timeouts, Upstream};

    fn stub(method: Option<Method>, url: &str, status: u16) -> Stub {
        let (headers, body) = (HeaderMap::new(), Bytes::from_static(b"stubbed"));
        Stub { method, url: url.into(), status: StatusCode::from_u16(status).unwrap(), headers, body }
    }

    fn client(grant: &[&str], recorder: &Arc<Recorder>) -> Client {
        let grant = Grant { http: grant.iter().map(ToString::to_string).collect(), ..Grant::default() };
        Upstream::new(Config::default()).unwrap().held_back(&grant, recorder.clone())
    }

    async fn send(client: &Client, method: Method, url: &str) -> Result<Response<Body>, Error> {
        let request = Request::builder().method(method).uri(url).body(Body::full("secret")).unwrap();
        client.send(request, std::time::Instant::now() + Duration::from_secs(5), Timeouts::default()).await
    }

    #[tokio::test]
    async fn the_first_stub_that_fits_answers_and_what_none_fits_is_refused_by_name() {
        let stubs = vec![
            stub(Some(Method::POST), "https://a.test/pay?to=me", 201),
            stub(None, "https://a.test/list*", 200),
            stub(None, "https://a.test", 204),
        ];
        let recorder = Arc::new(Recorder::new(stubs, "add a stub"));
        let client = client(&["https://a.test"], &recorder);
        for (method, url, status) in [
            (Method::POST, "https://a.test/pay?to=me", 201),
            (Method::GET, "https://a.test/list/1?key=k", 200),
            (Method::GET, "https://a.test/", 204),
        ] {
            let response = send(&client, method, url).await.unwrap();
            assert_eq!(response.status(), status, "{url}");
            assert_eq!(response.into_body().whole(100).await.unwrap(), "stubbed");
        }
        let Err(Error::HeldBack(text)) = send(&client, Method::GET, "https://a.test/pay?token=hush").await
        else {
            panic!("refused")
        };
        assert_eq!(text, "GET https://a.test/pay? was not sent: add a stub");
        let calls = recorder.take();
        let told: Vec<_> = calls.calls.iter().map(|call| call.status.map(|status| status.as_u16())).collect();
        assert_eq!(told, [Some(201), Some(200), Some(204), None]);
        assert_eq!(calls.calls[1].url, "https://a.test/list/1?");
        assert_eq!(recorder.take(), Calls::default());
    }

    #[tokio::test]
    async fn what_is_not_granted_is_denied_as_ever_and_not_recorded() {
        let recorder = Arc::new(Recorder::new(vec![stub(None, "https://b.test/*", 200)], "x"));
        let client = client(&["https://a.test"], &recorder);
        let denied = send(&client, Method::GET, "https://b.test/").await;
        assert!(matches!(denied, Err(Error::Denied(_))));
        assert_eq!(recorder.take(), Calls::default());
    }

    #[tokio::test]
    async fn a_flood_of_calls_is_counted_and_not_kept() {
        let recorder = Arc::new(Recorder::new(Vec::new(), "x"));
        let client = client(&["http://user:pass@a.test", "http://a.test"], &recorder);
        let long = format!("http://a.test/{}", "é".repeat(1_000).replace('é', "%C3%A9"));
        for _ in 0..CALLS + 44 {
            assert!(send(&client, Method::GET, &long).await.is_err());
        }
        let calls = recorder.take();
        assert_eq!((calls.calls.len(), calls.further), (CALLS, 44));
        assert!(calls.calls.iter().all(|call| call.url.len() <= URL));
    }

    #[test]
    fn neither_user_nor_query_is_told() {
        let uri = "http://user:pass@a.test:81/p/q?key=secret".parse().unwrap();
        assert_eq!(told(&uri), "http://a.test:81/p/q?");
        assert_eq!(told(&"http://a.test/".parse().unwrap()), "http://a.test/");
    }
}
