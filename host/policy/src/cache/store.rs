//! What becomes of a plugin's answer: kept, merged with a kept one, replaced by a stale one, or only passed on.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::response;
use http::{HeaderName, Method, Response, StatusCode, header};
use http_body::Body as _;
use ostler_core::{Body, Error, Exchange};
use ostler_services::cache::{Answer, Entry, Held, answer_name};

use super::directives::Asked;
use super::flight::{Lead, Outcome};
use super::judge::{CACHE_TAG, Terms, judge};
use super::reply::{self, How, has_it, not_modified, reply};
use super::{Inner, key, tee};

/// How long nobody waits for answers under a key whose last one was not kept.
const PASS: Duration = Duration::from_secs(10);

/// How long it is known by what answers differ, beyond the life of the answers.
const VARY: Duration = Duration::from_secs(24 * 3600);

/// How long those who wait do so for the rest of a body that streams; it may be one that never ends.
const PATIENCE: Duration = Duration::from_secs(2);

/// One request on its way to the plugin.
pub(super) struct Trip {
    pub(super) key: Vec<u8>,
    pub(super) exchange: Exchange,
    /// As the client sent it.
    pub(super) head: Parts,
    /// The last purge when it began.
    pub(super) position: u64,
    /// What there is already: to be validated, or to be given if there is nothing better.
    pub(super) stale: Option<Arc<Entry>>,
    /// Whether the plugin was asked to validate that.
    pub(super) validates: bool,
    /// Why the plugin is asked (RFC 9211, section 2.2).
    pub(super) why: &'static str,
}

/// Who makes the answers of others wait for this one.
type Waited = Option<Lead>;

impl Inner {
    /// The reply, out of what the plugin said; keeps what is to be kept, and tells those who wait.
    pub(super) fn finish(
        self: &Arc<Self>,
        trip: Trip,
        result: Result<Response<Body>, Error>,
        lead: Waited,
    ) -> Result<Response<Body>, Error> {
        let response = match result {
            Err(error) if error.kind.facts().status.is_server_error() => {
                end(lead, Outcome::Failed);
                return self.instead(&trip, None).ok_or(error);
            }
            Err(error) => {
                end(lead, Outcome::Alone);
                return Err(error);
            }
            Ok(response) => response,
        };
        let status = response.status();
        if status.is_server_error()
            && let Some(stale) = self.instead(&trip, Some(status))
        {
            end(lead, Outcome::Failed);
            return Ok(stale);
        }
        if status == StatusCode::NOT_MODIFIED && trip.validates {
            return Ok(self.validated(trip, response, lead));
        }
        self.fresh(trip, response, lead)
    }

    /// The stale answer, where it may stand in for a failure.
    pub(super) fn instead(&self, trip: &Trip, status: Option<StatusCode>) -> Option<Response<Body>> {
        let answer = self.usable(trip.stale.as_ref()?, &trip.exchange, &trip.head)?;
        let now = self.cache.clock().now_ms();
        let within = now < answer.fresh_until_ms.saturating_add(answer.if_error_ms);
        within.then(|| {
            self.cache.stats().hits.add();
            reply(answer, &trip.head, now, How::HitForLack(status))
        })
    }

    /// The kept answer with what the 304 says (RFC 9111, section 4.3.4).
    fn validated(self: &Arc<Self>, trip: Trip, response: Response<Body>, lead: Waited) -> Response<Body> {
        let now = self.cache.clock().now_ms();
        let (said, _) = response.into_parts();
        let Some(stale) = trip.stale.as_ref().and_then(|entry| entry.answer()) else {
            end(lead, Outcome::Alone);
            return not_modified(&said.headers);
        };
        let mut parts = Response::new(()).into_parts().0;
        (parts.status, parts.headers) = (stale.status, stale.headers.clone());
        reply::restore(&mut parts.headers);
        for name in said.headers.keys().filter(|name| !OF_THE_BODY.contains(name)) {
            parts.headers.remove(name);
            for value in said.headers.get_all(name) {
                parts.headers.append(name, value.clone());
            }
        }
        let body = stale.body.clone();
        let terms = self.terms(&trip, &parts, now);
        let tags = trip.stale.as_ref().map(|entry| entry.tags().to_vec()).unwrap_or_default();
        let terms = terms.map(|mut terms| {
            // Tags that clients do not see were taken out of the kept fields.
            if terms.tags.is_empty() {
                terms.tags = tags.into();
            }
            terms
        });
        self.keep(&trip, parts, body, terms, lead, How::Validated, now)
    }

    fn fresh(
        self: &Arc<Self>,
        trip: Trip,
        response: Response<Body>,
        lead: Waited,
    ) -> Result<Response<Body>, Error> {
        let now = self.cache.clock().now_ms();
        let max = self.cache.entry_max();
        let (parts, body) = response.into_parts();
        let fits = body.size_hint().lower() <= max as u64;
        let Some(terms) = self.terms(&trip, &parts, now).filter(|_| fits) else {
            if trip.head.method == Method::GET && !parts.status.is_server_error() {
                if trip.stale.is_some() {
                    // What it replaces is not to be given in its place any more.
                    self.cache.forget(&trip.key);
                }
                self.mark_pass(&trip);
            }
            end(lead, Outcome::Alone);
            return Ok(self.pass_on(&trip, parts, body));
        };
        let how = How::Asked { why: trip.why, stored: true };
        match body {
            Body::Empty => Ok(self.keep(&trip, parts, Bytes::new(), Some(terms), lead, how, now)),
            Body::Full(bytes) => Ok(self.keep(&trip, parts, bytes, Some(terms), lead, how, now)),
            Body::Stream(_) => {
                let (client, gather) = tee::split(body, max);
                let mut copy = Response::new(()).into_parts().0;
                (copy.status, copy.headers) = (parts.status, parts.headers.clone());
                let reply = self.pass_on(&trip, copy, client);
                let this = self.clone();
                tokio::spawn(async move { this.gathered(trip, parts, terms, gather, (lead, now)).await });
                Ok(reply)
            }
        }
    }

    /// Keeps an answer whose body has streamed since `now`, once all of it is there.
    async fn gathered(
        self: Arc<Self>,
        trip: Trip,
        parts: response::Parts,
        terms: Terms,
        gather: impl Future<Output = Option<Bytes>>,
        (mut lead, now): (Waited, i64),
    ) {
        let mut gather = std::pin::pin!(gather);
        let whole = match tokio::time::timeout(PATIENCE, gather.as_mut()).await {
            Ok(whole) => whole,
            Err(_) => {
                self.mark_pass(&trip);
                end(lead.take(), Outcome::Alone);
                gather.await
            }
        };
        match whole {
            Some(whole) if announced(&parts).is_none_or(|length| length == whole.len() as u64) => {
                let how = How::Asked { why: trip.why, stored: true };
                self.keep(&trip, parts, whole, Some(terms), lead, how, now);
            }
            _ => {
                self.mark_pass(&trip);
                end(lead, Outcome::Alone);
            }
        }
    }

    fn terms(&self, trip: &Trip, parts: &response::Parts, now: i64) -> Option<Terms> {
        judge(&self.rules, &self.key, &trip.exchange, &trip.head, parts, now)
    }

    /// The answer as the client gets it that is not given out of what was kept.
    fn pass_on(&self, trip: &Trip, parts: response::Parts, body: Body) -> Response<Body> {
        let mut response = Response::from_parts(parts, body);
        if response.status() == StatusCode::OK && has_it(&trip.head, response.headers()) {
            response = not_modified(response.headers());
        }
        let headers = response.headers_mut();
        if !self.rules.show_tags {
            headers.remove(CACHE_TAG);
        }
        reply::tell(headers, How::Asked { why: trip.why, stored: false });
        response
    }

    /// Keeps the answer on `terms`, if there are any, and gives it.
    #[allow(clippy::too_many_arguments, reason = "the parts of one answer")]
    fn keep(
        self: &Arc<Self>,
        trip: &Trip,
        mut parts: response::Parts,
        body: Bytes,
        terms: Option<Terms>,
        lead: Waited,
        how: How,
        now: i64,
    ) -> Response<Body> {
        let Some(terms) = terms else {
            self.cache.forget(&trip.key);
            end(lead, Outcome::Alone);
            return self.pass_on(trip, parts, Body::full(body));
        };
        let own_cookies: Vec<_> = parts.headers.get_all(header::SET_COOKIE).iter().cloned().collect();
        for name in NOT_KEPT {
            parts.headers.remove(name);
        }
        if !self.rules.show_tags {
            parts.headers.remove(CACHE_TAG);
        }
        reply::prepare(&mut parts.headers);
        let whole_ms = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let answer = Answer {
            status: parts.status,
            headers: parts.headers,
            body,
            stored_ms: now,
            age_ms: whole_ms(terms.age),
            fresh_until_ms: now.saturating_add(whole_ms(terms.fresh)),
            while_revalidate_ms: whole_ms(terms.while_revalidate),
            if_error_ms: whole_ms(terms.if_error),
            explicit: terms.explicit,
        };
        let kept = self.put(trip, answer.clone(), terms);
        let how = match (how, &kept) {
            (How::Asked { why, .. }, None) => How::Asked { why, stored: false },
            (how, _) => how,
        };
        let mut response = reply(&answer, &trip.head, now, how);
        for cookie in own_cookies {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        end(lead, kept.unwrap_or(Outcome::Alone));
        response
    }

    fn put(&self, trip: &Trip, answer: Answer, terms: Terms) -> Option<Outcome> {
        let name = answer_name(&key::name(&trip.head));
        let (key, vary) = match terms.vary.is_empty() {
            true => (trip.key.clone(), None),
            false => {
                let number = self.differ(trip, &name, &terms);
                let key = key::variant(&trip.key, &terms.vary, number, &trip.head);
                (key, Some((Arc::from(&*terms.vary), number)))
            }
        };
        let held = Held::Answer(answer);
        let entry = self.cache.put(&key, name, terms.tags, terms.keep, trip.position, held)?;
        Some(Outcome::Kept { entry, key: key.into(), vary })
    }

    /// Keeps by what answers under this key differ; the number that their keys hold.
    fn differ(&self, trip: &Trip, name: &str, terms: &Terms) -> u64 {
        let known = self.cache.get(&trip.key);
        let number = known.as_ref().and_then(|entry| match &entry.held {
            Held::Vary(names, number) if *names == terms.vary => Some(*number),
            _ => None,
        });
        let lasts = known.is_some_and(|entry| entry.lasts(self.cache.clock(), terms.keep));
        if let Some(number) = number.filter(|_| lasts) {
            return number;
        }
        let number = number.unwrap_or_else(|| fastrand::u64(..));
        let (held, keep) = (Held::Vary(terms.vary.clone(), number), terms.keep.saturating_add(VARY));
        self.cache.put(&trip.key, name.into(), Box::default(), keep, trip.position, held);
        number
    }

    /// Lets requests under this key not wait for each other for a while.
    fn mark_pass(&self, trip: &Trip) {
        let headers = &trip.head.headers;
        let own = headers.contains_key(header::RANGE) || Asked::of(headers).no_store;
        if !own && self.cache.get(&trip.key).is_none() {
            let name = answer_name(&key::name(&trip.head));
            self.cache.put(&trip.key, name, Box::default(), PASS, trip.position, Held::Pass);
        }
    }
}

/// Fields that are not kept: those of one reply or connection, and cookies, which are one client's own.
const NOT_KEPT: [HeaderName; 5] =
    [header::SET_COOKIE, header::AGE, header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH];

/// Fields that a 304 cannot change, since the body stays (RFC 9111, section 3.2).
const OF_THE_BODY: [&HeaderName; 4] =
    [&header::CONTENT_LENGTH, &header::CONTENT_ENCODING, &header::CONTENT_RANGE, &header::TRANSFER_ENCODING];

fn end(lead: Waited, outcome: Outcome) {
    if let Some(lead) = lead {
        lead.end(outcome);
    }
}

fn announced(parts: &response::Parts) -> Option<u64> {
    parts.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
