//! Takes each request from the limits that its route names: those by address before authentication, the others after.
//!
//! **Invariant:** nothing that a client leaves out gives it a counter of its own: where a part of a key is missing, its
//! address stands in for it.

mod kept;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use ostler_core::gate::{Flaw, LimitsSpec};
use ostler_core::plugin::RouteSpec;
use ostler_core::settings::nearest;
use ostler_core::unit::format_duration;
use ostler_core::{Error, Exchange, Kind};
use ostler_services::limits::{Ask, Key, Limit, Outcome, Part, Standing};
use ostler_services::{RateLimits, limits};

use crate::flags::{Switch, Switches};
use kept::Kept;

// draft-ietf-httpapi-ratelimit-headers-10
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Limits that one route may name.
const LIMITS_MAX: usize = 8;

/// When to come again if a limit cannot be kept now: about when the host next looks for its Redis.
const UNAVAILABLE: Duration = Duration::from_secs(1);

/// The limits of one route.
pub(crate) struct Limiting {
    before: Group,
    after: Group,
}

/// Limits that are asked together.
struct Group {
    all: RateLimits,
    limits: Vec<Named>,
    cost: u32,
    /// Whether one of them is shared.
    shared: bool,
    plugin: Arc<str>,
    /// `RateLimit-Policy` of all of them.
    policy: HeaderValue,
}

struct Named {
    limit: Arc<Limit>,
    switch: Option<Switch>,
    parts: Vec<Kept>,
    /// `"NAME";r=`
    item: String,
}

type Standings = [Option<Standing>; LIMITS_MAX];

/// Places of limits that hold for a request, one bit each.
#[derive(Clone, Copy)]
struct On(u8);

impl Limiting {
    /// Of `set`, which `limits` will count.
    pub(crate) fn new(
        spec: &LimitsSpec,
        limits: &RateLimits,
        set: &limits::Set,
        route: &RouteSpec,
        switches: &Switches,
    ) -> Option<Self> {
        let names = spec.limits.as_deref().unwrap_or_default();
        let found = names.iter().filter_map(|name| set.get(name.value.as_str()).cloned());
        let (after, before): (Vec<_>, Vec<_>) =
            found.partition(|limit| limit.config().by.iter().any(Part::needs_principal));
        if before.is_empty() && after.is_empty() {
            return None;
        }
        let cost = spec.cost.unwrap_or(1);
        let group = |found: Vec<Arc<Limit>>| Group::new(limits.clone(), found, cost, route, switches);
        Some(Limiting { before: group(before), after: group(after) })
    }

    /// Limits whose key is known before the client is. `fields` go on the reply.
    pub(crate) async fn before(
        &self,
        exchange: &Exchange,
        head: &Parts,
        fields: &mut HeaderMap,
    ) -> Result<(), Error> {
        self.before.take(exchange, head, fields).await
    }

    /// Limits whose key is the client.
    pub(crate) async fn after(
        &self,
        exchange: &Exchange,
        head: &Parts,
        fields: &mut HeaderMap,
    ) -> Result<(), Error> {
        self.after.take(exchange, head, fields).await
    }
}

impl Group {
    fn new(
        all: RateLimits,
        found: Vec<Arc<Limit>>,
        cost: u32,
        route: &RouteSpec,
        switches: &Switches,
    ) -> Self {
        let named = |limit: &Arc<Limit>| Named {
            switch: switches.switch(&limit.config().when),
            parts: limit.config().by.iter().filter_map(|part| Kept::new(part, limit, route)).collect(),
            item: format!("\"{}\";r=", limit.name()),
            limit: limit.clone(),
        };
        let policies: Vec<_> = found.iter().map(|limit| policy(limit)).collect();
        Group {
            all,
            limits: found.iter().take(LIMITS_MAX).map(named).collect(),
            cost,
            shared: found.iter().any(|limit| limit.is_shared()),
            plugin: route.plugin.as_str().into(),
            policy: HeaderValue::from_maybe_shared(policies.join(", "))
                .unwrap_or(HeaderValue::from_static("")),
        }
    }

    async fn take(&self, exchange: &Exchange, head: &Parts, fields: &mut HeaderMap) -> Result<(), Error> {
        let on = self.on(exchange, head);
        if on.0 == 0 {
            return Ok(());
        }
        if self.shared {
            return Box::pin(self.take_shared(on, exchange, head, fields)).await;
        }
        let mut told = Standings::default();
        let outcome = self.asks(on, exchange, head, |asks| self.all.take_local(asks, &mut told));
        self.tell(on, outcome, &told, fields)
    }

    /// Which of the limits no flag has switched off.
    fn on(&self, exchange: &Exchange, head: &Parts) -> On {
        let on = |named: &Named| {
            named.switch.as_ref().is_none_or(|switch| switch.on(exchange, &head.headers, &self.plugin))
        };
        let places = self.limits.iter().enumerate().filter(|(_, named)| on(named));
        On(places.fold(0, |all, (place, _)| all | 1 << place))
    }

    fn those(&self, on: On) -> impl Iterator<Item = &Named> {
        self.limits
            .iter()
            .enumerate()
            .filter(move |(place, _)| on.0 >> place & 1 == 1)
            .map(|(_, named)| named)
    }

    async fn take_shared(
        &self,
        on: On,
        exchange: &Exchange,
        head: &Parts,
        fields: &mut HeaderMap,
    ) -> Result<(), Error> {
        let mut told = Standings::default();
        let asks = self.asks(on, exchange, head, <[_]>::to_vec);
        let outcome = self.all.take(&asks, &mut told).await;
        self.tell(on, outcome, &told, fields)
    }

    /// Calls `ask` with what to ask for this request.
    fn asks<'a, T>(
        &'a self,
        on: On,
        exchange: &Exchange,
        head: &Parts,
        ask: impl FnOnce(&[Ask<'a>]) -> T,
    ) -> T {
        let one =
            |named: &'a Named| Ask { limit: &named.limit, key: named.key(exchange, head), cost: self.cost };
        let mut those = self.those(on);
        let Some(first) = those.next() else { return ask(&[]) };
        let (mut asks, mut count) = ([one(first); LIMITS_MAX], 1);
        for (place, named) in asks.iter_mut().skip(1).zip(those) {
            *place = one(named);
            count += 1;
        }
        ask(&asks[..count])
    }

    /// Puts how the limits stand on the reply, and refuses.
    fn tell(&self, on: On, outcome: Outcome, told: &Standings, fields: &mut HeaderMap) -> Result<(), Error> {
        let limit = |place: usize| self.those(on).nth(place).map(|named| &named.limit);
        fields.append(RATELIMIT_POLICY, self.policy(on));
        if let Some(standing) = self.standing(on, told) {
            fields.append(RATELIMIT, standing);
        }
        match outcome {
            Outcome::Admitted => Ok(()),
            Outcome::Refused(place) => limit(place).map_or(Ok(()), |limit| Err(refusal(limit, told[place]))),
            Outcome::Unavailable(place) => limit(place).map_or(Ok(()), |limit| Err(unavailable(limit))),
        }
    }

    /// `RateLimit-Policy` of those that are on.
    fn policy(&self, on: On) -> HeaderValue {
        if on.0.count_ones() as usize == self.limits.len() {
            return self.policy.clone();
        }
        let policies: Vec<_> = self.those(on).map(|named| policy(&named.limit)).collect();
        HeaderValue::from_maybe_shared(policies.join(", ")).unwrap_or(HeaderValue::from_static(""))
    }

    /// The value of `RateLimit`: what is left of each limit, and the seconds until all of it is.
    fn standing(&self, on: On, told: &Standings) -> Option<HeaderValue> {
        let mut text = BytesMut::with_capacity(self.limits.iter().map(|named| named.item.len() + 24).sum());
        for (named, told) in self.those(on).zip(told) {
            let Some(told) = told else { continue };
            if !text.is_empty() {
                text.put_slice(b", ");
            }
            text.put_slice(named.item.as_bytes());
            put_number(&mut text, u64::from(told.remaining));
            text.put_slice(b";t=");
            put_number(&mut text, told.reset.div_ceil(1_000_000_000));
        }
        if text.is_empty() { None } else { HeaderValue::from_maybe_shared(text.freeze()).ok() }
    }
}

impl Named {
    fn key(&self, exchange: &Exchange, head: &Parts) -> Key {
        let mut key = self.limit.key();
        for part in &self.parts {
            part.write(&mut key, exchange, head, self.limit.config().ipv6_prefix);
        }
        key.finish()
    }
}

/// `"per-user";q=100;w=60`
fn policy(limit: &Limit) -> String {
    let rate = limit.config().rate;
    let seconds = rate.period.as_millis().div_ceil(1000);
    format!("\"{}\";q={};w={seconds}", limit.name(), rate.count)
}

fn unavailable(limit: &Limit) -> Error {
    let name = limit.name();
    Error::new(Kind::LimitUnavailable, format!("the limit {name} cannot be kept now"))
        .retry_after(UNAVAILABLE)
        .member("limit", (**name).into())
}

fn refusal(limit: &Limit, told: Option<Standing>) -> Error {
    let (name, rate) = (limit.name(), limit.config().rate);
    let detail = format!("the limit {name} admits {} in {}", rate.count, format_duration(rate.period));
    let error = Error::new(Kind::RateLimited, detail).member("limit", (**name).into());
    match told.map(|told| told.retry).filter(|retry| *retry < u64::MAX) {
        Some(retry) => error.retry_after(Duration::from_nanos(retry)),
        None => error,
    }
}

fn put_number(text: &mut BytesMut, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    text.put_slice(&digits[at..]);
}

/// Names of limits that are not defined, too many of them, and costs that none would ever admit.
pub(crate) fn check(limits: &BTreeMap<String, limits::Config>, spec: &LimitsSpec) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    let names = spec.limits.as_deref().unwrap_or_default();
    for name in names {
        let Some(limit) = limits.get(&name.value) else {
            flaws.push(unknown(limits, &name.value, name.line));
            continue;
        };
        let (cost, most) = (spec.cost.unwrap_or(1), limit.capacity());
        if cost > most {
            let (found, allowed) = (cost.to_string(), format!("at most {most}, what {} holds", name.value));
            let repair = "lower cost, or raise the limit's rate or burst";
            flaws.push(Flaw::new(name.line, "cost", found, allowed, repair));
        }
    }
    if let Some(beyond) = names.get(LIMITS_MAX) {
        let found = format!("{} limits", names.len());
        flaws.push(Flaw::new(beyond.line, "limits", found, format!("at most {LIMITS_MAX}"), "remove some"));
    }
    flaws
}

fn unknown(limits: &BTreeMap<String, limits::Config>, name: &str, line: usize) -> Flaw {
    let known = limits.keys().map(String::as_str);
    let allowed = match known.clone().collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => "a name of [limits.NAME], of which there is none".to_owned(),
        names => names,
    };
    let repair = match nearest(name, known) {
        Some(near) => format!("write {near:?}"),
        None => format!("add [limits.{name}]"),
    };
    Flaw::new(line, "limits", format!("{name:?}"), allowed, repair)
}

#[cfg(test)]
mod tests;
