//! Limits that hosts share, in Redis or Valkey: all of a request's in one trip, taken together or not at all.
//!
//! A host may take more than it needs at once (`lease`), and spend it without asking. What was taken counts from when it was
//! taken, although it is spent up to a second later; so a bucket with leases holds less, by what would come back in that
//! second, and a window's lease ends with its window.
//!
//! **Invariant:** whatever hosts spend in any time, the rule admits in that time.

use redis::Script;

use super::config::{Algorithm, Config};
use super::key::Key;
use super::rule::Standing;
use super::table::Table;
use super::{Ask, RateLimits};
use crate::Redis;

/// How a limit is counted in Redis.
pub(super) struct Shared {
    /// Begins the names of its keys: names of limits differ, and a rule that changes begins anew. What stands in braces
    /// decides the slot in a cluster, the same for all, since one script asks several.
    prefix: String,
    kind: &'static str,
    a: u64,
    b: u64,
    /// What may be taken at once.
    lease: u32,
    /// Microseconds in which a lease must be spent.
    valid: u64,
    leases: Table<Lease>,
}

/// What this host may still spend of one key without asking.
#[derive(Debug, Clone, Copy, Default)]
struct Lease {
    /// Nanoseconds at which it ends.
    until: u64,
    left: u32,
    /// What the last trip took.
    last: u32,
    /// When the trip began that is to bring more than it needs; 0 if none is under way.
    under_way: u64,
}

/// Longest that a lease may be kept.
const VALID: u64 = 1_000_000;

/// What the script replies for one limit.
const REPLY: usize = 6;

impl Shared {
    pub(super) fn new(name: &str, config: &Config) -> Self {
        let micros = u64::try_from(config.rate.period.as_micros()).unwrap_or(u64::MAX);
        let count = u64::from(config.rate.count.max(1));
        let (kind, a, mut b) = match config.algorithm {
            Algorithm::TokenBucket | Algorithm::Gcra => {
                let interval = micros.div_ceil(count);
                ("b", interval, interval.saturating_mul(u64::from(config.burst)))
            }
            Algorithm::FixedWindow => ("f", micros, count),
            Algorithm::SlidingWindow => ("s", micros.div_ceil(7), count),
        };
        let mut valid = VALID;
        if kind == "b" && config.lease > 0 {
            valid = valid.min(b / 4);
            b -= valid;
        }
        let prefix = format!("ostler:{{limits}}:{name}:{kind}{a}.{b}:");
        let leases = Table::new(if config.lease > 0 { config.max_keys } else { 0 });
        Shared { prefix, kind, a, b, lease: config.lease, valid, leases }
    }

    /// Spends `cost` of what this host has taken of `key`, if it is enough.
    pub(super) fn spend(&self, key: Key, now: u64, cost: u32) -> Option<Standing> {
        if self.lease == 0 {
            return None;
        }
        let spent = self.leases.change_kept(key, |lease| {
            let enough = now < lease.until && cost <= lease.left;
            enough.then(|| {
                lease.left -= cost;
                Standing { admitted: true, remaining: lease.left, reset: lease.until - now, retry: 0 }
            })
        });
        spent.flatten()
    }

    /// Undoes [`Shared::spend`].
    pub(super) fn put_back(&self, key: Key, cost: u32) {
        self.leases.change_kept(key, |lease| lease.left = lease.left.saturating_add(cost));
    }

    /// What to take in this trip: the more, the sooner after the last one. Of trips under way at once only one takes more
    /// than it needs, or what they brought would be left over.
    fn want(&self, key: Key, now: u64, cost: u32) -> u32 {
        if self.lease == 0 {
            return cost;
        }
        let life = self.valid.saturating_mul(1000);
        let more = self.leases.change_kept(key, |lease| {
            let alone = lease.under_way == 0 || now.saturating_sub(lease.under_way) > life;
            (alone && now < lease.until).then(|| {
                lease.under_way = now;
                lease.last.saturating_mul(2)
            })
        });
        more.flatten().map_or(cost, |more| more.min(self.lease).max(cost))
    }

    /// Keeps what a trip that began at `sent` brought beyond `cost`.
    fn keep(&self, key: Key, sent: u64, cost: u32, taken: u32, valid: u64) {
        if self.lease == 0 {
            return;
        }
        let until = sent.saturating_add(valid.min(self.valid).saturating_mul(1000));
        let owes = |lease: &Lease| if sent < lease.until { u64::from(lease.left) + 1 } else { 0 };
        self.leases.change(key, owes, |lease| {
            let fresh = lease.left == 0 || lease.until <= sent;
            let brought_more = lease.under_way == sent;
            *lease = Lease {
                until: if fresh { until } else { lease.until.min(until) },
                left: taken.saturating_sub(cost).saturating_add(if fresh { 0 } else { lease.left }),
                last: if brought_more || fresh { taken.max(cost) } else { lease.last },
                under_way: if brought_more { 0 } else { lease.under_way },
            };
        });
    }
}

impl RateLimits {
    /// Asks Redis about all of `asks`; whether all were admitted, with how each stands.
    pub(super) async fn trip(
        &self,
        redis: &Redis,
        asks: &[(&Shared, &Ask<'_>)],
        sent: u64,
    ) -> Result<Vec<Standing>, crate::redis::Gone> {
        let script = &self.0.script;
        let mut call = script.prepare_invoke();
        call.arg(0);
        for (shared, ask) in asks {
            call.key(format!("{}{}", shared.prefix, ask.key.hex()));
            let want = shared.want(ask.key, sent, ask.cost);
            call.arg(shared.kind).arg(shared.a).arg(shared.b).arg(ask.cost).arg(want);
        }
        let told: Vec<i64> =
            redis.ask(async |mut connection| call.invoke_async(&mut connection).await).await?;
        let whole = |number: i64| u64::try_from(number).unwrap_or(0);
        let small = |number: i64| u32::try_from(number.max(0)).unwrap_or(u32::MAX);
        let mut standings = Vec::with_capacity(asks.len());
        for ((shared, ask), told) in asks.iter().zip(told.chunks_exact(REPLY)) {
            let &[admitted, left, reset, retry, taken, valid] = told else { continue };
            shared.keep(ask.key, sent, ask.cost, small(taken), whole(valid));
            let nanos = |micros: i64| whole(micros).saturating_mul(1000);
            let never = ask.cost > ask.limit.config().capacity();
            standings.push(Standing {
                admitted: admitted == 1,
                remaining: small(left),
                reset: nanos(reset),
                retry: if never { u64::MAX } else { nanos(retry) },
            });
        }
        Ok(standings)
    }
}

/// The script, compiled once.
pub(super) fn script() -> Script {
    Script::new(include_str!("take.lua"))
}
