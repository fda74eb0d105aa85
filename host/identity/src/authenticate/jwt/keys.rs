//! The keys of an issuer as they are now: fixed ones, or a set that is fetched, kept and renewed.
//!
//! A set is used while it is fresh; once it is not, it is fetched again beside requests, which go on with the old one. A key id
//! that nobody knows is a reason to fetch at once, but not more often than every [`AT_ONCE`], so that made-up ids cost nothing.
//! **Invariant:** one fetch at a time; an issuer that is down changes nothing until the keys are [`STALE`] old.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use jsonwebtoken::Algorithm;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::key::KeySet;
use crate::authenticate::fetch::{Fetch, Fetched, Target};
use crate::authenticate::{Reason, strict};

/// Shortest time between two fetches that went well.
const AT_ONCE: Duration = Duration::from_secs(10);
/// How long a set is fresh of which its server does not say, and the bounds for what it says.
const FRESH: Duration = Duration::from_secs(600);
const FRESH_LEAST: Duration = Duration::from_secs(60);
const FRESH_MOST: Duration = Duration::from_secs(3600);
/// How long keys are used whose issuer cannot be asked.
const STALE: Duration = Duration::from_secs(86_400);
/// Waits after fetches that failed: doubled each time.
const BACK_OFF: Duration = Duration::from_secs(1);
const BACK_OFF_MOST: Duration = Duration::from_secs(60);

/// Where keys are fetched from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// `jwks`: the set itself.
    Set(String),
    /// The issuer, whose description names the set (OpenID Connect Discovery section 4).
    Discovery(String),
}

/// The keys of one issuer. Cheap to clone.
#[derive(Clone)]
pub(super) struct Keys(Arc<Inner>);

/// The keys at one time.
pub(super) struct Current {
    pub(super) set: KeySet,
    /// Another number for other keys.
    pub(super) generation: u64,
    /// What the set was read from.
    source: Bytes,
    fresh_until: Instant,
    stale_after: Instant,
}

struct Inner {
    name: Arc<str>,
    current: ArcSwap<Current>,
    remote: Option<Remote>,
}

struct Remote {
    place: Place,
    insecure: bool,
    fetch: Arc<dyn Fetch>,
    flight: Mutex<Flight>,
}

struct Flight {
    under_way: Option<Shared<BoxFuture<'static, ()>>>,
    not_before: Instant,
    failures: u32,
}

impl Keys {
    /// Keys that do not change.
    pub(super) fn fixed(name: &Arc<str>, set: KeySet) -> Self {
        let forever = Instant::now() + Duration::from_secs(100 * 365 * 24 * 3600);
        let current =
            Current { set, generation: 1, source: Bytes::new(), fresh_until: forever, stale_after: forever };
        Keys(Arc::new(Inner { name: name.clone(), current: ArcSwap::from_pointee(current), remote: None }))
    }

    /// Keys that are fetched at first use.
    pub(super) fn remote(name: &Arc<str>, place: Place, insecure: bool, fetch: Arc<dyn Fetch>) -> Self {
        let now = Instant::now();
        let current = Current {
            set: KeySet::default(),
            generation: 0,
            source: Bytes::new(),
            fresh_until: now,
            stale_after: now,
        };
        let flight = Mutex::new(Flight { under_way: None, not_before: now, failures: 0 });
        let remote = Some(Remote { place, insecure, fetch, flight });
        Keys(Arc::new(Inner { name: name.clone(), current: ArcSwap::from_pointee(current), remote }))
    }

    /// The generation of the keys in use, none if there are none; has them renewed if it is time.
    pub(super) fn generation(&self) -> Option<u64> {
        let current = self.0.current.load();
        if self.0.remote.is_some() {
            let now = Instant::now();
            if now >= current.fresh_until {
                self.refresh(now);
            }
            if now >= current.stale_after {
                return None;
            }
        }
        Some(current.generation)
    }

    /// Keys among which is one for a token with `kid` and `algorithm`.
    pub(super) async fn find(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        deadline: std::time::Instant,
    ) -> Result<Arc<Current>, Reason> {
        if self.generation().is_some() {
            let current = self.0.current.load_full();
            if !current.set.candidates(kid, algorithm).is_empty() {
                return Ok(current);
            }
        }
        if let Some(flight) = self.refresh(Instant::now()) {
            let _ = timeout_at(Instant::from_std(deadline), flight).await;
        }
        let current = self.0.current.load_full();
        if Instant::now() >= current.stale_after {
            return Err(Reason::Unavailable);
        }
        if !current.set.candidates(kid, algorithm).is_empty() {
            return Ok(current);
        }
        Err(if current.set.knows(algorithm) { Reason::UnknownKey } else { Reason::Algorithm })
    }

    /// The fetch that is under way, or a new one unless it is too soon for that.
    fn refresh(&self, now: Instant) -> Option<Shared<BoxFuture<'static, ()>>> {
        let remote = self.0.remote.as_ref()?;
        let mut flight = remote.flight.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is over without having said so has panicked.
        if let Some(under_way) = flight.under_way.as_ref().filter(|flight| flight.peek().is_none()) {
            return Some(under_way.clone());
        }
        if now < flight.not_before {
            return None;
        }
        // On a task of its own, so that it ends well although the request that began it may not.
        let (keys, (told, done)) = (self.clone(), tokio::sync::oneshot::channel::<()>());
        tokio::spawn(async move {
            keys.renew().await;
            drop(told);
        });
        let shared = async move { done.await.unwrap_or_default() }.boxed().shared();
        flight.under_way = Some(shared.clone());
        Some(shared)
    }

    async fn renew(&self) {
        let Some(remote) = &self.0.remote else { return };
        let fetched = remote.fetch().await;
        let now = Instant::now();
        let read = fetched.and_then(|fetched| Ok((KeySet::from_jwks(&fetched.body)?, fetched)));
        let wait = match read {
            Ok((set, fetched)) => {
                self.take(set, fetched, now);
                None
            }
            Err(error) => Some(error),
        };
        let mut flight = remote.flight.lock().unwrap_or_else(PoisonError::into_inner);
        flight.under_way = None;
        match wait {
            None => {
                flight.failures = 0;
                flight.not_before = now + AT_ONCE;
            }
            Some(error) => {
                let back_off = BACK_OFF * 2u32.saturating_pow(flight.failures);
                flight.failures = (flight.failures + 1).min(10);
                flight.not_before = now + back_off.min(BACK_OFF_MOST);
                let kept = now < self.0.current.load().stale_after;
                tracing::warn!(
                    authenticator = &*self.0.name,
                    error,
                    kept,
                    "the issuer's keys cannot be fetched"
                );
            }
        }
    }

    fn take(&self, set: KeySet, fetched: Fetched, now: Instant) {
        let before = self.0.current.load();
        let same = before.source == fetched.body;
        let fresh = fetched.max_age.map_or(FRESH, |age| age.clamp(FRESH_LEAST, FRESH_MOST));
        let generation = before.generation + u64::from(!same);
        let (fresh_until, stale_after) = (now + fresh, now + STALE);
        self.0.current.store(Arc::new(Current {
            set,
            generation,
            source: fetched.body,
            fresh_until,
            stale_after,
        }));
        if !same {
            tracing::info!(authenticator = &*self.0.name, generation, "the issuer's keys are new");
        }
    }
}

impl Remote {
    async fn fetch(&self) -> Result<Fetched, String> {
        let issuer = match &self.place {
            Place::Set(url) => return self.fetch.get(url).await,
            Place::Discovery(issuer) => issuer,
        };
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        let description = self.fetch.get(&format!("{base}/.well-known/openid-configuration")).await?;
        let description = strict::object(&description.body).ok_or("the issuer's description is no JSON")?;
        let text = |name: &str| description.get(name).and_then(Value::as_str);
        // Discovery section 4.3: else one issuer could speak for another.
        if text("issuer") != Some(issuer) {
            return Err(format!("the description is of issuer {:?}", text("issuer").unwrap_or_default()));
        }
        let url = text("jwks_uri").ok_or("the issuer's description has no jwks_uri")?;
        Target::parse(url, self.insecure)?;
        self.fetch.get(url).await
    }
}

#[cfg(test)]
mod tests;
