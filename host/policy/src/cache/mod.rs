//! Keeps answers and gives them again (RFC 9111), and lets requests for the same one wait for each other.
//!
//! A fresh answer in memory is given without waiting for anything; the rest is `ask.rs`.
//!
//! **Invariant:** an answer that may be one client's own is never given to another: see `judge.rs` for what is kept and `key.rs`
//! for what tells requests apart.

mod ask;
mod directives;
mod flight;
mod invalidate;
mod judge;
mod key;
mod reply;
mod store;
mod tee;
#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderName, Method, Request, Response, header};
use ostler_core::gate::{CacheRules, CacheSpec, Flaw, GateSpec};
use ostler_core::{Body, Error, Exchange};
use ostler_runtime::Plugin;
use ostler_services::Cache;
use ostler_services::cache::{Answer, Entry, Held};

use crate::flags::{Switch, Switches};
use directives::Asked;
pub(crate) use flight::Flights;
use judge::Credentials;
use key::KeySpec;
use reply::{How, reply};

/// How answers of one route are kept.
pub(crate) struct Caching {
    inner: Arc<Inner>,
    switch: Option<Switch>,
    plugin: Arc<str>,
}

struct Inner {
    cache: Cache,
    rules: CacheRules,
    key: KeySpec,
    flights: Arc<Flights>,
}

/// What makes answers.
pub(crate) trait Origin: Clone + Send + Sync + 'static {
    fn call(
        &self,
        exchange: Exchange,
        request: Request<Body>,
    ) -> impl Future<Output = Result<Response<Body>, Error>> + Send;

    /// Time for one answer that no client waits for.
    fn deadline(&self) -> Duration;
}

impl Origin for Arc<Plugin> {
    fn call(
        &self,
        exchange: Exchange,
        request: Request<Body>,
    ) -> impl Future<Output = Result<Response<Body>, Error>> + Send {
        ostler_runtime::call(self, exchange, request)
    }

    fn deadline(&self) -> Duration {
        self.spec().deadline
    }
}

impl Caching {
    /// None if nothing of the route is kept. `release` is the live one of `plugin`, empty if there is none.
    pub(crate) fn new(
        spec: &GateSpec,
        cache: &Cache,
        flights: &Arc<Flights>,
        plugin: &str,
        release: &str,
        switches: &Switches,
    ) -> Option<Self> {
        let rules = spec.cache.cache.clone().filter(|rules| rules.enabled)?;
        let key = KeySpec::new(&rules, &spec.access, plugin, release);
        let switch = switches.switch(&rules.when);
        let inner = Arc::new(Inner { cache: cache.clone(), rules, key, flights: flights.clone() });
        Some(Caching { inner, switch, plugin: plugin.into() })
    }

    /// Answers from what is kept, or calls the plugin and keeps what it answers.
    pub(crate) fn answer(
        &self,
        origin: &impl Origin,
        exchange: Exchange,
        request: Request<Body>,
    ) -> Answering {
        let off = |switch: &Switch| !switch.on(&exchange, request.headers(), &self.plugin);
        if self.switch.as_ref().is_some_and(off) {
            let (head, body) = request.into_parts();
            let key = self.inner.key.key(&exchange, &head);
            let passing = self.inner.clone().pass(origin.clone(), key, exchange, head, body);
            return Answering::Later(Box::pin(passing));
        }
        self.inner.answer(origin, exchange, request)
    }
}

/// A reply at once, or one to wait for. No future of its own, so that the future of an exchange stays small.
pub(crate) enum Answering {
    Now(Response<Body>),
    Later(Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send>>),
}

impl Inner {
    fn answer<O: Origin>(
        self: &Arc<Self>,
        origin: &O,
        exchange: Exchange,
        request: Request<Body>,
    ) -> Answering {
        let (head, body) = request.into_parts();
        let key = self.key.key(&exchange, &head);
        if !self.serves(&head, &body) {
            let passing = self.clone().pass(origin.clone(), key, exchange, head, body);
            return Answering::Later(Box::pin(passing));
        }
        let asked = Asked::of(&head.headers);
        if let Some(entry) = self.find(&key, &head)
            && let Some(answer) = self.usable(&entry, &exchange, &head)
        {
            let now = self.cache.clock().now_ms();
            if fresh_enough(answer, &asked, now) {
                self.cache.stats().hits.add();
                return Answering::Now(reply(answer, &head, now, How::Hit));
            }
        }
        Answering::Later(Box::pin(self.clone().ask(origin.clone(), key, exchange, head, asked)))
    }

    /// Whether a kept answer may be the answer to a request with `head`.
    fn serves(&self, head: &Parts, body: &Body) -> bool {
        // Conditions that may end in 412 are for whoever has the current state.
        const CONDITIONS: [HeaderName; 2] = [header::IF_MATCH, header::IF_UNMODIFIED_SINCE];
        matches!(head.method, Method::GET | Method::HEAD)
            && matches!(body, Body::Empty)
            && !CONDITIONS.iter().any(|name| head.headers.contains_key(name))
    }

    /// The entry for `head` in memory.
    fn find(&self, key: &[u8], head: &Parts) -> Option<Arc<Entry>> {
        let entry = self.cache.get(key)?;
        let Held::Vary(names, number) = &entry.held else { return Some(entry) };
        self.cache.get(&key::variant(key, names, *number, head))
    }

    /// The answer in `entry`, if it may be given to `exchange`.
    fn usable<'a>(&self, entry: &'a Entry, exchange: &Exchange, head: &Parts) -> Option<&'a Answer> {
        let answer = entry.answer()?;
        let allowed = answer.explicit
            || self.key.knows_who(exchange)
            || judge::credentials(exchange, head, &self.key) == Credentials::None;
        allowed.then_some(answer)
    }
}

fn fresh_enough(answer: &Answer, asked: &Asked, now_ms: i64) -> bool {
    let left = answer.fresh_until_ms - now_ms;
    let age = now_ms - answer.stored_ms + answer.age_ms;
    left > 0
        && !asked.no_cache
        && asked.max_age.is_none_or(|max| u128::try_from(age).is_ok_and(|age| age <= max.as_millis()))
        && asked.min_fresh.is_none_or(|min| u128::try_from(left).is_ok_and(|left| left >= min.as_millis()))
}

/// What does not fit together.
pub(crate) fn check(spec: &CacheSpec) -> Vec<Flaw> {
    spec.cache.as_ref().map(key::check).unwrap_or_default()
}
