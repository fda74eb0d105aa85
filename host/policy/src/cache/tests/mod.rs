//! What is kept, for how long, and for whom: asked of a plugin that the test makes up, by a clock that it moves.

mod collapse;
mod fresh;
mod private;
mod purge;
mod stale;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant, SystemTime};

use http::{Request, Response};
use ostler_core::gate::GateSpec;
use ostler_core::principal::{Assurance, Method as Proof};
use ostler_core::settings::{Node, Problems};
use ostler_core::{Body, Error, Exchange, Peer, Principal, RequestId, Scheme};
use ostler_services::{Cache, Clock};

use super::flight::Flights;
use super::key::KeySpec;
use super::{Answering, Inner, Origin};

type Said = Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send>>;

/// A plugin that answers as told.
#[derive(Clone)]
struct Plugin(Arc<Told>);

struct Told {
    calls: AtomicUsize,
    say: Box<dyn Fn(usize, Request<Body>) -> Said + Send + Sync>,
}

/// Answers with these fields, and with the number of the call as its body.
fn fields(list: &'static [(&'static str, &'static str)]) -> Plugin {
    plugin(move |call, _| {
        let mut response = Response::new(Body::full(format!("answer {call}")));
        for (name, value) in list {
            response.headers_mut().append(*name, value.parse().unwrap());
        }
        Ok(response)
    })
}

fn plugin(
    say: impl Fn(usize, Request<Body>) -> Result<Response<Body>, Error> + Send + Sync + 'static,
) -> Plugin {
    slow(move |call, request| {
        let said = say(call, request);
        Box::pin(async move { said })
    })
}

fn slow(say: impl Fn(usize, Request<Body>) -> Said + Send + Sync + 'static) -> Plugin {
    Plugin(Arc::new(Told { calls: AtomicUsize::new(0), say: Box::new(say) }))
}

impl Plugin {
    fn calls(&self) -> usize {
        self.0.calls.load(SeqCst)
    }
}

impl Origin for Plugin {
    async fn call(&self, _: Exchange, request: Request<Body>) -> Result<Response<Body>, Error> {
        let call = self.0.calls.fetch_add(1, SeqCst) + 1;
        (self.0.say)(call, request).await
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(10)
    }
}

/// A cached route.
#[derive(Clone)]
struct Rig {
    inner: Arc<Inner>,
    clock: Clock,
}

/// Who asks, and how.
#[derive(Clone, Default)]
struct Ask {
    path: &'static str,
    method: Option<&'static str>,
    fields: Vec<(&'static str, String)>,
    who: Option<Principal>,
}

struct Got {
    status: u16,
    body: String,
    headers: http::HeaderMap,
}

/// A route with these rules.
fn rig(rules: &str) -> Rig {
    let clock = Clock::manual(1_700_000_000_000);
    beside(rules, &Cache::manual(clock.clone()), &clock)
}

/// A route with the keys `rules` on a cache that others use too.
fn beside(rules: &str, cache: &Cache, clock: &Clock) -> Rig {
    of_release("r", rules, cache, clock)
}

/// The same of a release.
fn of_release(release: &str, rules: &str, cache: &Cache, clock: &Clock) -> Rig {
    let problems = Problems::new("t");
    let node = Node::from_toml(rules, &problems);
    let mut section = node.section("", &problems);
    let spec = GateSpec::read(&mut section);
    section.finish();
    assert!(!problems.fatal(), "{:?}", problems.into_vec());
    let rules = spec.cache.cache.unwrap();
    assert_eq!(super::key::check(&rules), []);
    let key = KeySpec::new(&rules, &spec.access, "p", release);
    let inner = Inner { cache: cache.clone(), rules, key, flights: Arc::<Flights>::default() };
    Rig { inner: Arc::new(inner), clock: clock.clone() }
}

fn get(path: &'static str) -> Ask {
    Ask { path, ..Ask::default() }
}

fn principal(subject: &str) -> Principal {
    Principal {
        subject: subject.into(),
        tenant: None,
        roles: Vec::new(),
        scopes: Vec::new(),
        authenticator: "main".into(),
        method: Proof::Jwt,
        authenticated_at: SystemTime::UNIX_EPOCH,
        assurance: Assurance::default(),
        claims: Arc::new(serde_json::json!({})),
    }
}

impl Ask {
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    fn method(self, method: &'static str) -> Self {
        Ask { method: Some(method), ..self }
    }

    fn by(self, subject: &str) -> Self {
        self.of(principal(subject))
    }

    fn of(self, who: Principal) -> Self {
        Ask { who: Some(who), ..self }
    }
}

impl Rig {
    async fn try_ask(&self, plugin: &impl Origin, ask: Ask) -> Result<Response<Body>, Error> {
        let peer = Peer { address: "127.0.0.1:1".parse().unwrap(), scheme: Scheme::Http, certificate: None };
        let (now, id) = (Instant::now(), RequestId::generate(1));
        let deadline = tokio::time::Instant::now().into_std() + Duration::from_secs(10);
        let mut exchange = Exchange::new(id, peer, "/".into(), now, deadline);
        exchange.principal = ask.who.map(Arc::new);
        let mut request = Request::builder().method(ask.method.unwrap_or("GET")).uri(ask.path);
        if !ask.fields.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "a.test");
        }
        for (name, value) in ask.fields {
            request = request.header(name, value);
        }
        match self.inner.answer(plugin, exchange, request.body(Body::Empty).unwrap()) {
            Answering::Now(response) => Ok(response),
            Answering::Later(later) => later.await,
        }
    }

    async fn ask(&self, plugin: &impl Origin, ask: Ask) -> Got {
        let response = self.try_ask(plugin, ask).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.whole(1 << 24).await.unwrap();
        Got {
            status: parts.status.as_u16(),
            body: String::from_utf8_lossy(&body).into_owned(),
            headers: parts.headers,
        }
    }

    /// Bodies of the answers to two requests, one after the other.
    async fn two(&self, plugin: &impl Origin, first: Ask, second: Ask) -> (String, String) {
        (self.ask(plugin, first).await.body, self.ask(plugin, second).await.body)
    }

    fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

impl Got {
    fn field(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn status_field(&self) -> &str {
        self.field("cache-status")
    }
}

/// Bodies of a first and a second answer of the plugin.
fn both(first: &str, second: &str) -> (String, String) {
    (first.to_owned(), second.to_owned())
}

fn kept() -> (String, String) {
    both("answer 1", "answer 1")
}

fn not_kept() -> (String, String) {
    both("answer 1", "answer 2")
}
