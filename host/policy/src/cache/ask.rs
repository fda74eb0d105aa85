//! What a request does that no fresh answer in memory serves: looks further, waits for another, or asks the plugin.

use std::sync::Arc;
use std::time::Instant;

use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use ostler_core::{Body, Error, Exchange, Kind};
use ostler_services::cache::{Answer, Entry, Held};
use tokio::sync::{oneshot, watch};

use super::directives::Asked;
use super::flight::{Lead, Outcome, Role};
use super::reply::{How, reply};
use super::store::Trip;
use super::{Inner, Origin, fresh_enough, key};

/// Conditions and ranges of the client, which the host answers itself out of the whole answer.
const OWN: [HeaderName; 4] =
    [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE, header::IF_RANGE, header::RANGE];

impl Inner {
    /// Answers a request that may be answered by what is kept.
    pub(super) async fn ask<O: Origin>(
        self: Arc<Self>,
        origin: O,
        key: Vec<u8>,
        exchange: Exchange,
        head: Parts,
        asked: Asked,
    ) -> Result<Response<Body>, Error> {
        let found = self.look(&key, &head).await;
        let now = self.cache.clock().now_ms();
        let usable = found.as_ref().filter(|entry| self.usable(entry, &exchange, &head).is_some());
        if let Some(entry) = usable
            && let Some(answer) = entry.answer()
            && !asked.no_cache
        {
            if fresh_enough(answer, &asked, now) {
                self.cache.stats().hits.add();
                return Ok(reply(answer, &head, now, How::Hit));
            }
            let until = answer.fresh_until_ms.saturating_add(answer.while_revalidate_ms);
            let willing = asked.max_age.is_none() && asked.min_fresh.is_none();
            if (answer.fresh_until_ms..until).contains(&now) && willing {
                self.cache.stats().hits.add();
                let response = reply(answer, &head, now, How::Hit);
                self.refresh(origin, key, exchange, head, entry.clone());
                return Ok(response);
            }
        }
        if asked.only_if_cached {
            return Err(Error::new(
                Kind::NotCached,
                "no kept answer is fresh enough, and only those were asked for",
            ));
        }
        let pass = found.as_ref().is_some_and(|entry| matches!(entry.held, Held::Pass));
        let stale = usable.cloned();
        let why = match &stale {
            _ if asked.no_cache || asked.max_age.is_some() || asked.min_fresh.is_some() => "request",
            Some(_) => "stale",
            None => "uri-miss",
        };
        let alone =
            pass || head.method != Method::GET || asked.no_store || head.headers.contains_key(header::RANGE);
        let trip = self.trip(key, exchange, head, stale, why);
        if alone {
            return self.alone(origin, trip).await;
        }
        match self.flights.join(&trip.key) {
            Role::Lead(lead) => self.lead(origin, trip, lead).await,
            Role::Wait(outcome) => self.wait(origin, trip, outcome).await,
        }
    }

    /// The entry for `head`, wherever it lies.
    async fn look(&self, key: &[u8], head: &Parts) -> Option<Arc<Entry>> {
        let entry = self.anywhere(key).await?;
        let Held::Vary(names, number) = &entry.held else { return Some(entry) };
        self.anywhere(&key::variant(key, names, *number, head)).await
    }

    async fn anywhere(&self, key: &[u8]) -> Option<Arc<Entry>> {
        match self.cache.get(key) {
            Some(entry) => Some(entry),
            None => self.cache.load(key).await,
        }
    }

    fn trip(
        &self,
        key: Vec<u8>,
        exchange: Exchange,
        head: Parts,
        stale: Option<Arc<Entry>>,
        why: &'static str,
    ) -> Trip {
        Trip { key, exchange, head, position: self.cache.position(), stale, validates: false, why }
    }

    /// Asks the plugin for this request only; a client that goes away ends it.
    async fn alone<O: Origin>(self: Arc<Self>, origin: O, mut trip: Trip) -> Result<Response<Body>, Error> {
        self.cache.stats().misses.add();
        // A range of what is not kept, and HEAD, are the plugin's to answer, with the client's own conditions.
        let whole = trip.head.method == Method::GET && !trip.head.headers.contains_key(header::RANGE);
        let result = match whole {
            true => call(&origin, &mut trip).await,
            false => {
                let request = Request::from_parts(trip.head.clone(), Body::Empty);
                origin.call(trip.exchange.clone(), request).await
            }
        };
        self.finish(trip, result, None)
    }

    /// Asks the plugin also for those who wait, to the end even if this client goes away.
    async fn lead<O: Origin>(
        self: Arc<Self>,
        origin: O,
        trip: Trip,
        lead: Lead,
    ) -> Result<Response<Body>, Error> {
        let (answer, answered) = oneshot::channel();
        self.make(origin, trip, lead, answer);
        answered.await.unwrap_or_else(|_| Err(Error::new(Kind::Internal, "the answer was not made")))
    }

    fn make<O: Origin>(
        self: Arc<Self>,
        origin: O,
        mut trip: Trip,
        lead: Lead,
        answer: oneshot::Sender<Result<Response<Body>, Error>>,
    ) {
        self.cache.stats().misses.add();
        tokio::spawn(async move {
            let result = call(&origin, &mut trip).await;
            let _ = answer.send(self.finish(trip, result, Some(lead)));
        });
    }

    /// Makes the answer anew while the stale one is given.
    fn refresh<O: Origin>(
        self: Arc<Self>,
        origin: O,
        key: Vec<u8>,
        mut exchange: Exchange,
        head: Parts,
        stale: Arc<Entry>,
    ) {
        let Role::Lead(lead) = self.flights.join(&key) else { return };
        exchange.started = Instant::now();
        exchange.deadline = exchange.started + origin.deadline();
        let mut trip = self.trip(key, exchange, head, Some(stale), "stale");
        trip.head.method = Method::GET;
        let (answer, _) = oneshot::channel();
        self.make(origin, trip, lead, answer);
    }

    /// Waits for the answer that another request has asked for.
    async fn wait<O: Origin>(
        self: Arc<Self>,
        origin: O,
        trip: Trip,
        mut outcome: watch::Receiver<Option<Outcome>>,
    ) -> Result<Response<Body>, Error> {
        let ended = outcome.wait_for(Option::is_some);
        let ended = match tokio::time::timeout_at(trip.exchange.deadline.into(), ended).await {
            Ok(Ok(ended)) => ended.clone(),
            Ok(Err(_)) => None,
            Err(_) => {
                let detail = "the answer that another request had asked for did not come within the deadline";
                return Err(Error::new(Kind::DeadlineExceeded, detail));
            }
        };
        match ended {
            Some(Outcome::Kept { entry, key, vary }) => {
                let same = vary.is_none_or(|(names, number)| {
                    key::variant(&trip.key, &names, number, &trip.head) == *key
                });
                if let Some(answer) = self.usable(&entry, &trip.exchange, &trip.head).filter(|_| same) {
                    self.cache.stats().collapsed.add();
                    return Ok(reply(answer, &trip.head, self.cache.clock().now_ms(), How::Collapsed));
                }
            }
            Some(Outcome::Failed) => {
                if let Some(response) = self.instead(&trip, None) {
                    return Ok(response);
                }
            }
            _ => {}
        }
        self.alone(origin, trip).await
    }
}

/// Asks the plugin; once more if it says that something else still holds than what is kept (RFC 9111, section 4.3.4).
async fn call<O: Origin>(origin: &O, trip: &mut Trip) -> Result<Response<Body>, Error> {
    let request = forward(trip);
    let result = origin.call(trip.exchange.clone(), request).await;
    if trip.validates
        && let Ok(response) = &result
        && response.status() == StatusCode::NOT_MODIFIED
        && !trip.stale.as_ref().and_then(|entry| entry.answer()).is_some_and(|kept| holds(kept, response))
    {
        (trip.stale, trip.validates) = (None, false);
        let request = forward(trip);
        return origin.call(trip.exchange.clone(), request).await;
    }
    result
}

/// Whether a 304 is about `kept`.
fn holds(kept: &Answer, response: &Response<Body>) -> bool {
    let tag = |value: &HeaderValue| value.as_bytes().strip_prefix(b"W/").unwrap_or(value.as_bytes()).to_vec();
    let said = response.headers().get(header::ETAG).map(tag);
    said.is_none() || said == kept.headers.get(header::ETAG).map(tag)
}

/// The request for the plugin: for the whole answer, or for word that the stale one still holds.
fn forward(trip: &mut Trip) -> Request<Body> {
    let mut head = trip.head.clone();
    for name in OWN {
        head.headers.remove(name);
    }
    if let Some(answer) = trip.stale.as_ref().and_then(|entry| entry.answer()) {
        trip.validates = validators(answer, &mut head);
    }
    Request::from_parts(head, Body::Empty)
}

/// Adds the conditions under which `answer` still holds; whether there are any.
fn validators(answer: &Answer, head: &mut Parts) -> bool {
    let mut put = |name: HeaderName, value: Option<&HeaderValue>| match value {
        Some(value) => head.headers.insert(name, value.clone()).is_none(),
        None => false,
    };
    let tag = put(header::IF_NONE_MATCH, answer.headers.get(header::ETAG));
    put(header::IF_MODIFIED_SINCE, answer.headers.get(header::LAST_MODIFIED)) || tag
}
