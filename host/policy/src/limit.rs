//! Takes each request from the limits that its route names: those by address before authentication, the others after.
//!
//! **Invariant:** nothing that a client leaves out gives it a counter of its own: where a part of a key is missing, its
//! address stands in for it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use ostler_core::gate::{Flaw, LimitsSpec};
use ostler_core::plugin::RouteSpec;
use ostler_core::principal::Method;
use ostler_core::settings::nearest;
use ostler_core::unit::format_duration;
use ostler_core::{Error, Exchange, Kind, Principal};
use ostler_services::limits::{Ask, Key, KeyWriter, Limit, Outcome, Part, Standing};
use ostler_services::{RateLimits, limits};

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
    /// `RateLimit-Policy` of all of them.
    policy: HeaderValue,
}

struct Named {
    limit: Arc<Limit>,
    parts: Vec<Kept>,
    /// `"NAME";r=`
    item: String,
}

/// A part of a key, with what is known of it beforehand.
enum Kept {
    Address(u8),
    User,
    Tenant,
    ApiKey,
    Header(HeaderName),
    Method,
    /// The route or the plugin.
    Fixed(u8, String),
}

type Standings = [Option<Standing>; LIMITS_MAX];

impl Limiting {
    /// Of `set`, which `limits` will count.
    pub(crate) fn new(
        spec: &LimitsSpec,
        limits: &RateLimits,
        set: &limits::Set,
        route: &RouteSpec,
    ) -> Option<Self> {
        let names = spec.limits.as_deref().unwrap_or_default();
        let found = names.iter().filter_map(|name| set.get(name.value.as_str()).cloned());
        let (after, before): (Vec<_>, Vec<_>) =
            found.partition(|limit| limit.config().by.iter().any(Part::needs_principal));
        if before.is_empty() && after.is_empty() {
            return None;
        }
        let group = |found: Vec<Arc<Limit>>| Group::new(limits.clone(), found, spec.cost.unwrap_or(1), route);
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
    fn new(all: RateLimits, found: Vec<Arc<Limit>>, cost: u32, route: &RouteSpec) -> Self {
        let named = |limit: &Arc<Limit>| Named {
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
            policy: HeaderValue::from_maybe_shared(policies.join(", "))
                .unwrap_or(HeaderValue::from_static("")),
        }
    }

    async fn take(&self, exchange: &Exchange, head: &Parts, fields: &mut HeaderMap) -> Result<(), Error> {
        if self.limits.is_empty() {
            return Ok(());
        }
        if self.shared {
            return Box::pin(self.take_shared(exchange, head, fields)).await;
        }
        let mut told = Standings::default();
        let outcome = self.asks(exchange, head, |asks| self.all.take_local(asks, &mut told));
        self.tell(outcome, &told, fields)
    }

    async fn take_shared(
        &self,
        exchange: &Exchange,
        head: &Parts,
        fields: &mut HeaderMap,
    ) -> Result<(), Error> {
        let mut told = Standings::default();
        let asks = self.asks(exchange, head, <[_]>::to_vec);
        let outcome = self.all.take(&asks, &mut told).await;
        self.tell(outcome, &told, fields)
    }

    /// Calls `ask` with what to ask for this request.
    fn asks<'a, T>(&'a self, exchange: &Exchange, head: &Parts, ask: impl FnOnce(&[Ask<'a>]) -> T) -> T {
        let Some(first) = self.limits.first() else { return ask(&[]) };
        let one =
            |named: &'a Named| Ask { limit: &named.limit, key: named.key(exchange, head), cost: self.cost };
        let mut asks = [one(first); LIMITS_MAX];
        for (place, named) in asks.iter_mut().zip(&self.limits).skip(1) {
            *place = one(named);
        }
        ask(&asks[..self.limits.len()])
    }

    /// Puts how the limits stand on the reply, and refuses.
    fn tell(&self, outcome: Outcome, told: &Standings, fields: &mut HeaderMap) -> Result<(), Error> {
        fields.append(RATELIMIT_POLICY, self.policy.clone());
        if let Some(standing) = self.standing(told) {
            fields.append(RATELIMIT, standing);
        }
        match outcome {
            Outcome::Admitted => Ok(()),
            Outcome::Refused(place) => Err(refusal(&self.limits[place].limit, told[place])),
            Outcome::Unavailable(place) => {
                let name = self.limits[place].limit.name();
                Err(Error::new(Kind::LimitUnavailable, format!("the limit {name} cannot be kept now"))
                    .retry_after(UNAVAILABLE)
                    .member("limit", (**name).into()))
            }
        }
    }

    /// The value of `RateLimit`: what is left of each limit, and the seconds until all of it is.
    fn standing(&self, told: &Standings) -> Option<HeaderValue> {
        let mut text = BytesMut::with_capacity(self.limits.iter().map(|named| named.item.len() + 24).sum());
        for (named, told) in self.limits.iter().zip(told) {
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

/// Kinds of parts of a key; what plugins ask under is another one, so that the two never meet.
mod kind {
    pub(super) const NOBODY: u8 = 1;
    pub(super) const ADDRESS: u8 = 2;
    pub(super) const USER: u8 = 3;
    pub(super) const TENANT: u8 = 4;
    pub(super) const API_KEY: u8 = 5;
    pub(super) const HEADER: u8 = 6;
    pub(super) const METHOD: u8 = 7;
    pub(super) const ROUTE: u8 = 8;
    pub(super) const PLUGIN: u8 = 9;
    pub(super) const NAME: u8 = 10;
}

impl Kept {
    fn new(part: &Part, limit: &Limit, route: &RouteSpec) -> Option<Self> {
        Some(match part {
            Part::Address => Kept::Address(limit.config().ipv6_prefix),
            Part::User => Kept::User,
            Part::Tenant => Kept::Tenant,
            Part::ApiKey => Kept::ApiKey,
            Part::Header(name) => Kept::Header(HeaderName::from_bytes(name.as_bytes()).ok()?),
            Part::Method => Kept::Method,
            Part::Plugin => Kept::Fixed(kind::PLUGIN, route.plugin.clone()),
            Part::Route => {
                let methods =
                    route.methods.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(",");
                let host = route.host.as_deref().unwrap_or("*");
                Kept::Fixed(kind::ROUTE, format!("{host} {} {methods}", route.path))
            }
        })
    }

    fn write(&self, key: &mut KeyWriter, exchange: &Exchange, head: &Parts, prefix: u8) {
        if !self.is_written(key, exchange, head) {
            address(key, kind::NOBODY, exchange.client, prefix);
        }
    }

    /// Writes what the request has of it; whether it has any.
    fn is_written(&self, key: &mut KeyWriter, exchange: &Exchange, head: &Parts) -> bool {
        let known = exchange.principal.as_deref();
        match self {
            Kept::Address(prefix) => address(key, kind::ADDRESS, exchange.client, *prefix),
            Kept::Method => key.part(kind::METHOD, head.method.as_str().as_bytes()),
            Kept::Fixed(kind, text) => key.part(*kind, text.as_bytes()),
            Kept::User => {
                let Some(known) = known else { return false };
                subject(key, kind::USER, known);
            }
            Kept::ApiKey => {
                let Some(known) = known.filter(|known| known.method == Method::ApiKey) else { return false };
                subject(key, kind::API_KEY, known);
            }
            Kept::Tenant => {
                let Some(tenant) = known.and_then(|known| known.tenant.as_deref()) else { return false };
                key.part(kind::TENANT, tenant.as_bytes());
            }
            Kept::Header(name) => {
                // Its name tells the values of two fields apart.
                key.part(kind::NAME, name.as_str().as_bytes());
                let values = head.headers.get_all(name).iter();
                return values.map(|value| key.part(kind::HEADER, value.as_bytes())).count() > 0;
            }
        }
        true
    }
}

/// An IPv4 address whole, of an IPv6 address its first `prefix` bits.
fn address(key: &mut KeyWriter, kind: u8, address: IpAddr, prefix: u8) {
    match address {
        IpAddr::V4(address) => key.part(kind, &address.octets()),
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            key.part(kind, &(address.to_bits() & mask).to_be_bytes());
        }
    }
}

fn subject(key: &mut KeyWriter, kind: u8, known: &Principal) {
    key.part(kind, known.authenticator.as_bytes());
    key.part(kind, known.subject.as_bytes());
}

/// `"per-user";q=100;w=60`
fn policy(limit: &Limit) -> String {
    let rate = limit.config().rate;
    let seconds = rate.period.as_millis().div_ceil(1000);
    format!("\"{}\";q={};w={seconds}", limit.name(), rate.count)
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
