//! Failed attempts: counted, and slowed per address so that guessing takes for ever.
//!
//! Each failure fills a bucket of its address, which leaks one failure per [`LEAK`]. Above [`FREE`] an attempt waits before it
//! is looked at; above [`FULL`] it is answered 429. What was proved before and is remembered never waits.
//! **Invariant:** memory is bounded, and a waiting attempt never outlives its deadline.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ostler_core::Error;
use ostler_core::principal::Method;
use ostler_observe::metrics::{Metrics, Text};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::reason::Reason;

/// How long it takes until one failure is forgotten.
pub(crate) const LEAK: Duration = Duration::from_secs(6);
/// Failures of one address that cost nothing.
pub(crate) const FREE: u32 = 10;
/// Failures of one address beyond which it has to come back later.
pub(crate) const FULL: u32 = 20;
/// What each failure above [`FREE`] adds to the wait.
pub(crate) const STEP: Duration = Duration::from_millis(250);
/// Attempts that wait at once, over all addresses; one more is answered 429.
pub(crate) const WAITING: usize = 256;
/// Addresses that are remembered.
pub(crate) const ADDRESSES: usize = 65_536;

/// Failures and successes of all authenticators of this host.
pub struct Failures {
    tallies: Mutex<BTreeMap<Arc<str>, Arc<Tally>>>,
    /// When the bucket of an address will be empty.
    buckets: Mutex<HashMap<IpAddr, Instant, foldhash::fast::RandomState>>,
    /// How many there are, so that nobody takes the lock while there is none.
    known: AtomicUsize,
    waiting: Semaphore,
}

/// Counts of one authenticator.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    refused: [AtomicU64; Reason::ALL.len()],
    accepted: [AtomicU64; METHODS.len()],
}

const METHODS: [Method; 6] =
    [Method::Jwt, Method::Introspection, Method::Session, Method::ApiKey, Method::Mtls, Method::Basic];

impl Tally {
    pub(crate) fn refuse(&self, reason: Reason) {
        self.refused[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn accept(&self, method: Method) {
        self.accepted[method as usize].fetch_add(1, Ordering::Relaxed);
    }
}

impl Failures {
    /// None yet.
    pub fn new(metrics: &Metrics) -> Arc<Self> {
        let failures = Arc::new(Failures {
            tallies: Mutex::default(),
            buckets: Mutex::default(),
            known: AtomicUsize::new(0),
            waiting: Semaphore::new(WAITING),
        });
        let told = failures.clone();
        metrics.register(move |text| told.collect(text));
        failures
    }

    /// The counts of the authenticator `name`, which survive reloads.
    pub(crate) fn tally(&self, name: &str) -> Arc<Tally> {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.entry(name.into()).or_default().clone()
    }

    /// Lets an attempt from `address` pass, now or after a wait.
    ///
    /// # Errors
    /// 429 if too many failures came from there, or too many attempts wait.
    pub(crate) async fn admit(&self, address: IpAddr, deadline: std::time::Instant) -> Result<(), Error> {
        let Some(level) = self.level(address) else { return Ok(()) };
        if level <= LEAK * FREE {
            return Ok(());
        }
        let over = level - LEAK * FREE;
        let room = self.waiting.try_acquire();
        let (Ok(_waiting), true) = (room, level <= LEAK * FULL) else {
            let wait = level.saturating_sub(LEAK * FULL).max(LEAK);
            return Err(Reason::Slowed.refuse().retry_after(wait));
        };
        let steps = u32::try_from(over.as_millis().div_ceil(LEAK.as_millis())).unwrap_or(FULL);
        let until = Instant::now() + STEP * steps;
        tokio::time::sleep_until(until.min(Instant::from_std(deadline))).await;
        Ok(())
    }

    /// Notes that an attempt from `address` failed.
    pub(crate) fn failed(&self, address: IpAddr) {
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= ADDRESSES {
            make_room(&mut buckets, now);
        }
        let empty_at = buckets.entry(network(address)).or_insert(now);
        // One beyond `FULL`, so that a flood does not lock an address out for hours.
        let most = now + LEAK * (FULL + 1);
        *empty_at = ((*empty_at).max(now) + LEAK).min(most);
        self.known.store(buckets.len(), Ordering::Relaxed);
    }

    /// Notes that one succeeded: half of the failures are forgiven; not all, or whoever has one account could guess others'
    /// passwords in between.
    pub(crate) fn succeeded(&self, address: IpAddr) {
        if self.known.load(Ordering::Relaxed) == 0 {
            return;
        }
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let key = network(address);
        if let Some(empty_at) = buckets.get_mut(&key) {
            let left = empty_at.saturating_duration_since(now) / 2;
            *empty_at = now + left;
            if left < LEAK / 2 {
                buckets.remove(&key);
            }
        }
        self.known.store(buckets.len(), Ordering::Relaxed);
    }

    fn level(&self, address: IpAddr) -> Option<Duration> {
        if self.known.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        Some(buckets.get(&network(address))?.saturating_duration_since(Instant::now()))
    }

    fn collect(&self, text: &mut Text) {
        let tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, tally) in &*tallies {
            for reason in Reason::ALL {
                let count = tally.refused[reason as usize].load(Ordering::Relaxed);
                if count > 0 {
                    let labels = [("authenticator", &**name), ("reason", reason.code())];
                    text.counter(
                        "ostler_auth_failures_total",
                        "Credentials that were not accepted.",
                        &labels,
                        count,
                    );
                }
            }
            for method in METHODS {
                let count = tally.accepted[method as usize].load(Ordering::Relaxed);
                if count > 0 {
                    let labels = [("authenticator", &**name), ("method", method.as_str())];
                    text.counter(
                        "ostler_auth_successes_total",
                        "Requests whose sender was proved.",
                        &labels,
                        count,
                    );
                }
            }
        }
        let slowed = self.known.load(Ordering::Relaxed) as f64;
        text.gauge("ostler_auth_failing_addresses", "Addresses with failed attempts.", &[], slowed);
    }
}

/// Drops the buckets that are empty; if there are none, those that will be soonest.
fn make_room(buckets: &mut HashMap<IpAddr, Instant, foldhash::fast::RandomState>, now: Instant) {
    buckets.retain(|_, empty_at| *empty_at > now);
    if buckets.len() >= ADDRESSES {
        let middle = now + LEAK * FREE;
        buckets.retain(|_, empty_at| *empty_at > middle);
    }
    if buckets.len() >= ADDRESSES {
        buckets.clear();
    }
}

/// An IPv4 address, or the /64 that one IPv6 customer gets at least.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures() -> Arc<Failures> {
        Failures::new(&Metrics::default())
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn soon() -> std::time::Instant {
        Instant::now().into_std() + Duration::from_secs(10)
    }

    #[tokio::test(start_paused = true)]
    async fn guessing_is_slowed_then_refused_and_then_forgotten() {
        let (failures, from) = (failures(), address("192.0.2.1"));
        let mut waited = Vec::new();
        for _ in 0..FULL {
            let before = Instant::now();
            failures.admit(from, soon()).await.unwrap();
            waited.push(before.elapsed());
            failures.failed(from);
        }
        assert!(waited[..10].iter().all(Duration::is_zero), "{waited:?}");
        assert!(waited[12] >= STEP && waited[19] > waited[12], "{waited:?}");
        failures.failed(from);
        failures.failed(from);
        let refused = failures.admit(from, soon()).await.unwrap_err();
        assert_eq!((refused.kind.facts().status.as_u16(), Reason::of(&refused)), (429, Reason::Slowed));
        tokio::time::advance(refused.retry_after.unwrap() + LEAK).await;
        failures.admit(from, soon()).await.unwrap();
        tokio::time::advance(LEAK * FULL).await;
        let before = Instant::now();
        failures.admit(from, soon()).await.unwrap();
        assert!(before.elapsed().is_zero());
    }

    #[tokio::test(start_paused = true)]
    async fn others_are_not_slowed_but_the_same_ipv6_network_is() {
        let failures = failures();
        for _ in 0..FULL + 5 {
            failures.failed(address("2001:db8::1"));
            failures.failed(address("192.0.2.1"));
        }
        assert!(failures.admit(address("2001:db8::ffff:1"), soon()).await.is_err());
        assert!(failures.admit(address("::ffff:192.0.2.1"), soon()).await.is_err());
        assert!(failures.admit(address("2001:db8:0:1::1"), soon()).await.is_ok());
        assert!(failures.admit(address("192.0.2.2"), soon()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_forgives_half_and_never_all_at_once() {
        let (failures, from) = (failures(), address("192.0.2.1"));
        (0..16).for_each(|_| failures.failed(from));
        failures.succeeded(from);
        assert_eq!(failures.level(from), Some(LEAK * 8));
        (0..5).for_each(|_| failures.succeeded(from));
        assert_eq!(failures.level(from), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_with_the_deadline_and_only_so_many_wait() {
        let (failures, from) = (failures(), address("192.0.2.1"));
        (0..FULL).for_each(|_| failures.failed(from));
        let deadline = Instant::now() + Duration::from_millis(10);
        failures.admit(from, deadline.into_std()).await.unwrap();
        assert!(Instant::now() < deadline + Duration::from_millis(5));
        let all = failures.waiting.acquire_many(WAITING as u32).await.unwrap();
        assert!(failures.admit(from, soon()).await.is_err());
        drop(all);
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_from_many_addresses_does_not_grow_without_bound() {
        let failures = failures();
        for index in 0..ADDRESSES as u32 + 1_000 {
            failures.failed(IpAddr::V4(index.into()));
        }
        assert!(failures.buckets.lock().unwrap().len() <= ADDRESSES);
    }

    #[test]
    fn counts_are_told_by_authenticator_and_reason() {
        let metrics = Metrics::default();
        let failures = Failures::new(&metrics);
        failures.tally("main").refuse(Reason::Expired);
        failures.tally("main").refuse(Reason::Expired);
        failures.tally("main").accept(Method::Jwt);
        let text = metrics.render();
        assert!(
            text.contains("ostler_auth_failures_total{authenticator=\"main\",reason=\"expired\"} 2"),
            "{text}"
        );
        assert!(
            text.contains("ostler_auth_successes_total{authenticator=\"main\",method=\"jwt\"} 1"),
            "{text}"
        );
    }
}
