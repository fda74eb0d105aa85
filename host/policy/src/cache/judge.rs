//! Whether an answer is kept, and on which terms (RFC 9111, sections 3 and 4.2).
//!
//! What forbids keeping is decided here; the rest (which statuses, which lifetime) is `http-cache-semantics`'s, of fields that were
//! brought into one form before, since that crate compares names of directives by case.
//!
//! **Invariant:** what may be one client's own is kept only under a key that holds who that is, or if the answer itself says that
//! it is for all.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::request;
use http::response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_cache_semantics::{CacheOptions, CachePolicy};
use ostler_core::Exchange;
use ostler_core::gate::CacheRules;
use ostler_services::cache::{TAG_MAX, TAGS_MAX, answer_tag};

use super::directives::{Asked, Said};
use super::key::KeySpec;

/// Names the tags of an answer.
pub(super) const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");

/// Time for which an answer that can be validated is kept beyond its freshness.
const VALIDATED: Duration = Duration::from_secs(3600);

/// Request fields by which answers may differ; of one that names more nothing is kept.
const VARY_MAX: usize = 16;

/// Longest an answer is fresh.
const FRESH_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

/// How an answer is kept.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) age: Duration,
    pub(super) fresh: Duration,
    pub(super) while_revalidate: Duration,
    pub(super) if_error: Duration,
    /// All together.
    pub(super) keep: Duration,
    pub(super) vary: Box<[HeaderName]>,
    pub(super) tags: Box<[Box<str>]>,
    pub(super) explicit: bool,
}

/// The terms for the answer `response` to `head`; none if it is not kept.
pub(super) fn judge(
    rules: &CacheRules,
    key: &KeySpec,
    exchange: &Exchange,
    head: &request::Parts,
    response: &response::Parts,
    now_ms: i64,
) -> Option<Terms> {
    let headers = &response.headers;
    let said = Said::of(headers);
    let understood = said.must_understand && understands(response.status);
    let forbidden = said.private || said.no_store && !understood;
    // Events are for whoever listens, and never all there.
    let events = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    let cookies = headers.contains_key(header::SET_COOKIE) && !rules.drop_set_cookie;
    // A part, and the word that nothing has changed, are no answers of their own.
    let partial = matches!(response.status, StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED);
    if head.method != Method::GET
        || partial
        || events
        || forbidden
        || cookies
        || Asked::of(&head.headers).no_store
    {
        return None;
    }
    let vary = vary(headers, key)?;
    let expires = !said.targeted && headers.contains_key(header::EXPIRES);
    let dated = said.max_age.is_some() || said.s_maxage.is_some() || expires;
    let open = said.public || said.s_maxage.is_some() || said.must_revalidate;
    let for_all = key.knows_who(exchange)
        || match credentials(exchange, head, key) {
            Credentials::None => true,
            Credentials::Cookie => open || dated || vary.contains(&header::COOKIE),
            Credentials::Proof => open,
        };
    if !for_all {
        return None;
    }
    let now = UNIX_EPOCH + Duration::from_millis(u64::try_from(now_ms).unwrap_or(0));
    let fresh = lifetime(rules, &said, head, response, now)?.min(FRESH_MAX);
    let stale = |own: Option<Duration>, rule: Duration| match own {
        _ if said.strict() => Duration::ZERO,
        Some(own) => own,
        None if said.s_maxage.is_some() => Duration::ZERO,
        None => rule,
    };
    let while_revalidate = stale(said.while_revalidate, rules.stale_while_revalidate);
    let if_error = stale(said.if_error, rules.stale_if_error);
    let validated = headers.contains_key(header::ETAG) || headers.contains_key(header::LAST_MODIFIED);
    let beyond = while_revalidate.max(if_error).max(if validated { VALIDATED } else { Duration::ZERO });
    let keep = fresh.saturating_add(beyond);
    let tags = tags(headers)?;
    let age = age(headers);
    let explicit = dated || open;
    (!keep.is_zero()).then_some(Terms { age, fresh, while_revalidate, if_error, keep, vary, tags, explicit })
}

/// With what a request comes that an answer may be meant for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Credentials {
    /// Nothing, or nothing that the key does not hold.
    None,
    /// Cookies, which may mean anything.
    Cookie,
    /// A principal, or a credential that the plugin may know.
    Proof,
}

/// See [`Credentials`]; of those that the key does not hold.
pub(super) fn credentials(exchange: &Exchange, head: &request::Parts, key: &KeySpec) -> Credentials {
    let proof = |name: &HeaderName| head.headers.contains_key(name) && !key.holds(name);
    if exchange.principal.is_some() || proof(&header::AUTHORIZATION) || proof(&header::PROXY_AUTHORIZATION) {
        return Credentials::Proof;
    }
    match proof(&header::COOKIE) && !key.holds_cookies() {
        true => Credentials::Cookie,
        false => Credentials::None,
    }
}

/// How long the answer is fresh; none if nothing says that it may be kept.
fn lifetime(
    rules: &CacheRules,
    said: &Said,
    head: &request::Parts,
    response: &response::Parts,
    now: SystemTime,
) -> Option<Duration> {
    let forced = rules.ttl.filter(|_| lasting(response.status) && !said.no_cache);
    if forced.is_some() {
        return forced;
    }
    let (request, answer) = normal(said, head, response)?;
    let options = CacheOptions {
        shared: true,
        cache_heuristic: 0.0,
        immutable_min_time_to_live: Duration::ZERO,
        ignore_cargo_cult: false,
    };
    let policy = CachePolicy::new_options(&request, &answer, now, options);
    policy.is_storable().then(|| policy.time_to_live(now))
}

/// Request and answer with nothing but what decides about the lifetime, in one form.
fn normal(
    said: &Said,
    head: &request::Parts,
    response: &response::Parts,
) -> Option<(Request<()>, Response<()>)> {
    let mut answer = Response::new(());
    *answer.status_mut() = response.status;
    let headers = answer.headers_mut();
    let seconds = |name: &str, age: Option<Duration>| age.map(|age| format!("{name}={}", age.as_secs()));
    let flag = |name: &str, set: bool| set.then(|| name.to_owned());
    let directives = [
        flag("public", said.public),
        flag("no-cache", said.no_cache),
        flag("must-revalidate", said.must_revalidate),
        seconds("max-age", said.max_age),
        seconds("s-maxage", said.s_maxage),
    ];
    let directives: Vec<_> = directives.into_iter().flatten().collect();
    if !directives.is_empty() {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_str(&directives.join(", ")).ok()?);
    }
    let expires = (!said.targeted).then_some(header::EXPIRES);
    for name in [Some(header::DATE), Some(header::AGE), expires].into_iter().flatten() {
        let mut values = response.headers.get_all(&name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => drop(headers.insert(name, value.clone())),
            (Some(_), Some(_)) => drop(headers.insert(name, HeaderValue::from_static("0"))),
            (None, _) => {}
        }
    }
    let mut request = Request::new(());
    *request.uri_mut() = head.uri.clone();
    Some((request, answer))
}

/// Statuses for which `ttl` counts: errors that pass should not be kept only because nothing was said.
fn lasting(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200 | 203 | 204 | 301 | 308)
}

/// Statuses whose requirements for caches are met here.
fn understands(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200 | 203 | 204 | 300 | 301 | 302 | 303 | 307 | 308 | 404 | 405 | 410 | 414 | 501
    )
}

/// Fields by which answers differ and that the key does not hold; none if nobody can tell (`*`, or too many).
fn vary(headers: &HeaderMap, key: &KeySpec) -> Option<Box<[HeaderName]>> {
    let mut names = Vec::new();
    for value in headers.get_all(header::VARY) {
        for name in value.to_str().ok()?.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            if name == "*" {
                return None;
            }
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            if !key.holds(&name) {
                names.push(name);
            }
        }
    }
    names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
    names.dedup();
    (names.len() <= VARY_MAX).then(|| names.into())
}

/// Tags of an answer; none if they are too many or too long, since it could not be purged by all of them.
fn tags(headers: &HeaderMap) -> Option<Box<[Box<str>]>> {
    let mut tags = Vec::new();
    for tag in listed(headers, &CACHE_TAG)? {
        if tag.len() > TAG_MAX || tags.len() == TAGS_MAX {
            return None;
        }
        tags.push(answer_tag(tag));
    }
    Some(tags.into())
}

/// What stands between the commas of the fields `name`; none if it is no text.
pub(super) fn listed<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Vec<&'a str>> {
    let values: Option<Vec<_>> = headers.get_all(name).iter().map(|value| value.to_str().ok()).collect();
    let parts = values?.into_iter().flat_map(|value| value.split(','));
    Some(parts.map(str::trim).filter(|part| !part.is_empty()).collect())
}

fn age(headers: &HeaderMap) -> Duration {
    let value = headers.get(header::AGE).and_then(|value| value.to_str().ok()?.trim().parse::<u32>().ok());
    Duration::from_secs(value.unwrap_or(0).into())
}
