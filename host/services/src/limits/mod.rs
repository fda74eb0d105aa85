//! `[limits.NAME]`: how often something may happen, counted on this host or in Redis for all.
//!
//! [`config`](Config) is what is written, `rule` the arithmetic, `table` the memory, `shared` what goes through Redis, and this
//! file asks several limits as one question.
//!
//! **Invariant:** a question takes from all its limits or from none, and no limit ever admits more than its rule.

mod config;
mod key;
mod limit;
mod rule;
mod shared;
mod table;
mod ticks;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use arc_swap::ArcSwap;

pub use config::{Algorithm, Config, MAX_KEYS, Part, Rate, WhenUnavailable};
pub use key::{Key, KeyWriter};
pub use limit::{Figures, Limit};
pub use rule::Standing;
pub use ticks::Ticks;

use limit::Counts;
use rule::Question;

use crate::Redis;

/// All limits of this host. Cheap to clone; counters outlive a reload.
#[derive(Clone)]
pub struct RateLimits(Arc<Inner>);

struct Inner {
    redis: Option<Redis>,
    script: redis::Script,
    ticks: Ticks,
    limits: ArcSwap<BTreeMap<Arc<str>, Arc<Limit>>>,
}

/// Kind of the only part of a key that a plugin asks under; routes' keys have no such part, so the two never meet.
pub const PLUGIN_KEY: u8 = 255;

/// Counters of one limit that is asked apart from the others.
const KEYS_APART: usize = 10_000;

/// Limits by name.
pub type Set = Arc<BTreeMap<Arc<str>, Arc<Limit>>>;

/// What is asked of one limit.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// The limit.
    pub limit: &'a Limit,
    /// Which of its counters.
    pub key: Key,
    /// What to take.
    pub cost: u32,
}

/// What came of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All limits admit it, and it was taken from each.
    Admitted,
    /// This one (by its place) refuses it, and it was taken from none.
    Refused(usize),
    /// This one is shared, fails closed, and Redis is gone; it was taken from none.
    Unavailable(usize),
}

/// Where one of several questions was answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// In this host's counters.
    Local,
    /// From what was taken of Redis before.
    Leased,
    /// In Redis.
    Remote,
    /// Nowhere: Redis is gone, and the limit fails open.
    Open,
}

impl Default for RateLimits {
    fn default() -> Self {
        RateLimits::new(None)
    }
}

impl RateLimits {
    /// None yet; `redis` is for limits that are shared.
    pub fn new(redis: Option<Redis>) -> Self {
        RateLimits::with(redis, Ticks::default())
    }

    /// The same by another clock.
    pub fn with(redis: Option<Redis>, ticks: Ticks) -> Self {
        RateLimits(Arc::new(Inner { redis, script: shared::script(), ticks, limits: ArcSwap::default() }))
    }

    /// Puts these in force; a limit that is as it was keeps its counters.
    pub fn apply(&self, limits: &BTreeMap<String, Config>) {
        self.enforce(self.next(limits));
    }

    /// What these would be; a limit that is as it was is the one in force, with its counters.
    pub fn next(&self, limits: &BTreeMap<String, Config>) -> Set {
        let before = self.0.limits.load();
        let next = limits.iter().map(|(name, config)| {
            let (name, known) = (Arc::<str>::from(name.as_str()), before.get(name.as_str()));
            let limit = known.filter(|known| known.config() == config).cloned().unwrap_or_else(|| {
                let counts = known.map_or_else(Arc::<Counts>::default, |known| known.counts.clone());
                Arc::new(Limit::new(name.clone(), config.clone(), counts))
            });
            (name, limit)
        });
        Arc::new(next.collect())
    }

    /// Puts a set in force for whoever asks by name.
    pub fn enforce(&self, limits: Set) {
        self.0.limits.store(limits);
    }

    /// The same limits with counters of their own, on this host alone: what is taken of these is missing nowhere else.
    pub fn apart(&self) -> RateLimits {
        let own = |(name, limit): (&Arc<str>, &Arc<Limit>)| {
            let config = Config {
                shared: false,
                max_keys: limit.config().max_keys.min(KEYS_APART),
                ..limit.config().clone()
            };
            (name.to_string(), config)
        };
        let apart = RateLimits::with(None, self.0.ticks.clone());
        apart.apply(&self.0.limits.load().iter().map(own).collect());
        apart
    }

    /// The limit of this name.
    pub fn get(&self, name: &str) -> Option<Arc<Limit>> {
        self.0.limits.load().get(name).cloned()
    }

    /// Figures of all limits, for operators.
    pub fn figures(&self) -> Vec<Figures> {
        self.0.limits.load().values().map(|limit| limit.figures()).collect()
    }

    /// Asks limits of which none is shared. `told` becomes how each stands, by place.
    pub fn take_local(&self, asks: &[Ask<'_>], told: &mut [Option<Standing>]) -> Outcome {
        let outcome = match self.take_some(asks, |_| true, self.0.ticks.now(), told) {
            Ok(()) => Outcome::Admitted,
            Err(place) => Outcome::Refused(place),
        };
        count(asks, outcome);
        outcome
    }

    /// Asks limits. `told` becomes how each stands, by place, where that is known.
    pub async fn take(&self, asks: &[Ask<'_>], told: &mut [Option<Standing>]) -> Outcome {
        let now = self.0.ticks.now();
        let mut ways = self.spend(asks, now, told);
        let outcome = match self.take_some(asks, |place| ways[place] == Way::Local, now, told) {
            Ok(()) => self.take_remote(asks, &mut ways, now, told).await,
            Err(place) => Outcome::Refused(place),
        };
        if outcome != Outcome::Admitted {
            give_back_leases(asks, &ways);
        }
        count(asks, outcome);
        outcome
    }

    /// Where each is answered: what was taken of Redis before is spent first.
    fn spend(&self, asks: &[Ask<'_>], now: u64, told: &mut [Option<Standing>]) -> Vec<Way> {
        let way = |(place, ask): (usize, &Ask<'_>)| {
            let Some(shared) = &ask.limit.shared else { return Way::Local };
            let Some(spent) = shared.spend(ask.key, now, ask.cost) else { return Way::Remote };
            tell(told, place, spent);
            Way::Leased
        };
        asks.iter().enumerate().map(way).collect()
    }

    /// Takes from this host's counters where `chosen` says so, from all or from none. An error is the place of the limit
    /// that has to be waited for longest.
    fn take_some(
        &self,
        asks: &[Ask<'_>],
        chosen: impl Fn(usize) -> bool,
        now: u64,
        told: &mut [Option<Standing>],
    ) -> Result<(), usize> {
        for (place, ask) in asks.iter().enumerate().filter(|(place, _)| chosen(*place)) {
            let standing = ask.limit.ask(ask.key, Question { now, cost: ask.cost, take: true });
            tell(told, place, standing);
            if !standing.admitted {
                undo(&asks[..place], &chosen, now);
                return Err(look(asks, &chosen, now, told).unwrap_or_else(|| {
                    // Somebody else gave back meanwhile; what refused is told as it did.
                    tell(told, place, standing);
                    place
                }));
            }
        }
        Ok(())
    }

    /// Asks Redis where that is left, or does what the limits say of its absence.
    async fn take_remote(
        &self,
        asks: &[Ask<'_>],
        ways: &mut [Way],
        now: u64,
        told: &mut [Option<Standing>],
    ) -> Outcome {
        let remote: Vec<usize> = (0..asks.len()).filter(|place| ways[*place] == Way::Remote).collect();
        if remote.is_empty() {
            return Outcome::Admitted;
        }
        let trip: Vec<_> = remote
            .iter()
            .filter_map(|place| Some((asks[*place].limit.shared.as_ref()?, &asks[*place])))
            .collect();
        let answered = match &self.0.redis {
            Some(redis) => self.trip(redis, &trip, now).await.ok(),
            None => None,
        };
        let Some(standings) = answered.filter(|standings| standings.len() == remote.len()) else {
            return self.take_alone(asks, ways, now, told);
        };
        for (place, standing) in remote.iter().zip(&standings) {
            tell(told, *place, *standing);
        }
        let refused = remote.iter().zip(&standings).filter(|(_, standing)| !standing.admitted);
        let Some((place, _)) = refused.max_by_key(|(_, standing)| standing.retry) else {
            return Outcome::Admitted;
        };
        let local = |place: usize| ways[place] == Way::Local;
        undo(asks, &local, now);
        look(asks, &local, now, told);
        Outcome::Refused(*place)
    }

    /// Redis is gone.
    fn take_alone(
        &self,
        asks: &[Ask<'_>],
        ways: &mut [Way],
        now: u64,
        told: &mut [Option<Standing>],
    ) -> Outcome {
        let was_local: Vec<bool> = ways.iter().map(|way| *way == Way::Local).collect();
        let mut closed = None;
        for (place, ask) in
            asks.iter().enumerate().filter(|(place, _)| ways[*place] == Way::Remote).collect::<Vec<_>>()
        {
            ask.limit.counts.alone.fetch_add(1, Relaxed);
            ways[place] = match ask.limit.config().when_unavailable {
                WhenUnavailable::Local => Way::Local,
                WhenUnavailable::Open => Way::Open,
                WhenUnavailable::Closed => {
                    closed = closed.or(Some(place));
                    Way::Open
                }
            };
        }
        let now_local = |place: usize| ways[place] == Way::Local && !was_local[place];
        let outcome = match closed {
            Some(place) => Outcome::Unavailable(place),
            None => match self.take_some(asks, now_local, now, told) {
                Ok(()) => return Outcome::Admitted,
                Err(place) => Outcome::Refused(place),
            },
        };
        let local = |place: usize| was_local[place];
        undo(asks, &local, now);
        look(asks, &local, now, told);
        outcome
    }
}

fn tell(told: &mut [Option<Standing>], place: usize, standing: Standing) {
    if let Some(told) = told.get_mut(place) {
        *told = Some(standing);
    }
}

/// Gives back what was taken from this host's counters.
fn undo(asks: &[Ask<'_>], chosen: &impl Fn(usize) -> bool, at: u64) {
    for (_, ask) in asks.iter().enumerate().filter(|(place, _)| chosen(*place)) {
        ask.limit.give_back(ask.key, at, ask.cost);
    }
}

/// How all stand without taking; the place of the one to wait for longest, if any refuses.
fn look(
    asks: &[Ask<'_>],
    chosen: &impl Fn(usize) -> bool,
    now: u64,
    told: &mut [Option<Standing>],
) -> Option<usize> {
    let mut longest = None;
    for (place, ask) in asks.iter().enumerate().filter(|(place, _)| chosen(*place)) {
        let standing = ask.limit.ask(ask.key, Question { now, cost: ask.cost, take: false });
        tell(told, place, standing);
        if !standing.admitted {
            longest = longest.max(Some((standing.retry, place)));
        }
    }
    longest.map(|(_, place)| place)
}

fn give_back_leases(asks: &[Ask<'_>], ways: &[Way]) {
    for (ask, _) in asks.iter().zip(ways).filter(|(_, way)| **way == Way::Leased) {
        if let Some(shared) = &ask.limit.shared {
            shared.put_back(ask.key, ask.cost);
        }
    }
}

fn count(asks: &[Ask<'_>], outcome: Outcome) {
    match outcome {
        Outcome::Admitted => asks.iter().for_each(|ask| {
            ask.limit.counts.admitted.fetch_add(1, Relaxed);
        }),
        Outcome::Refused(place) | Outcome::Unavailable(place) => {
            if let Some(ask) = asks.get(place) {
                ask.limit.counts.refused.fetch_add(1, Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests;
