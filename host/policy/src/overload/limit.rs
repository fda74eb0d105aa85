//! One adaptive limit: counts who is under way, and learns from how long they take how many that may be.
//!
//! A request costs one atomic operation to enter and one to leave; one that is learned from costs three more. Windows are
//! closed by the request that finds one at its end. **Invariant:** no lock, and nothing but atomics, on the path of a request.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64};

use ostler_core::gate::Priority;
use ostler_observe::metrics::Text;

use super::gradient::{State, Window};

/// Least length of a window, in nanoseconds.
const WINDOW: u64 = 250_000_000;
/// Samples that a window needs.
const SAMPLES: u32 = 10;
/// How long a limit binds before it is probed whether calls have become slow for good, in nanoseconds.
const PROBE_AFTER: u64 = 5_000_000_000;
/// Time between two probes, in nanoseconds.
const PROBE_EVERY: u64 = 30_000_000_000;
/// After which a probe ends that gets no samples, in nanoseconds.
const PROBE_MAX: u64 = 2_000_000_000;
/// After which a limit that gets no samples, but sheds, stands where it began, in nanoseconds.
const STALE: u64 = 10_000_000_000;
/// Requests under way from which on each is a sample; below, one in eight is.
const CROWD: u32 = 16;
/// No probe is under way.
const NO_PROBE: u8 = 0;
/// A probe has begun, and those that came before it are still there.
const DRAIN: u8 = 1;
/// A probe measures.
const MEASURE: u8 = 2;
/// A ratio of 1 (see [`Limit::of_ratios`]).
pub(super) const NORMAL: u64 = 1_000;

/// Shares of the limit by priority, in percent; high priority has a reserve beyond it.
const SHARES: [u64; 3] = [70, 90, 110];
/// The reserve of high priority, at least.
const RESERVE: u64 = 8;

/// Between what a limit moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    min: u32,
    first: u32,
    max: u32,
    adaptive: bool,
}

/// How many requests may be under way at once, as learned.
#[derive(Debug)]
pub(crate) struct Limit {
    under_way: AtomicU32,
    limit: AtomicU32,
    /// What calls take without a crowd; 0 if that is not known yet.
    usual: AtomicU64,
    /// [`NO_PROBE`], [`DRAIN`] or [`MEASURE`]: whether few are let in to learn what is usual.
    probe: AtomicU8,
    shed: [AtomicU64; 3],
    window: Current,
    bounds: Packed,
    /// Whether samples are ratios to what is usual, which is known then.
    ratios: bool,
}

/// The window under way.
#[derive(Debug, Default)]
struct Current {
    sum: AtomicU64,
    count: AtomicU32,
    peak: AtomicU32,
    /// Shed before it.
    shed: AtomicU64,
    /// When it is over; who moves this closes it.
    ends: AtomicU64,
    /// When to probe if the limit goes on binding; 0 if it does not bind.
    probe_at: AtomicU64,
}

/// [`Bounds`], each by itself.
#[derive(Debug, Default)]
struct Packed {
    min: AtomicU32,
    first: AtomicU32,
    max: AtomicU32,
    adaptive: AtomicBool,
}

impl Bounds {
    /// From `min` to `max`, beginning at `first`, brought into order.
    pub(super) fn new(min: u32, first: u32, max: u32, adaptive: bool) -> Self {
        let min = min.min(max);
        let first = if adaptive { first.clamp(min, max) } else { max };
        Bounds { min, first, max, adaptive }
    }
}

impl Limit {
    /// One that learns from what calls take, in nanoseconds.
    pub(super) fn of_times(bounds: Bounds) -> Self {
        Limit::new(bounds, false)
    }

    /// One that learns from how much longer than usual calls take, in thousandths ([`NORMAL`]: as usual), whoever's they are.
    pub(super) fn of_ratios(bounds: Bounds) -> Self {
        Limit::new(bounds, true)
    }

    fn new(bounds: Bounds, ratios: bool) -> Self {
        let limit = Limit {
            under_way: AtomicU32::new(0),
            limit: AtomicU32::new(bounds.first),
            usual: AtomicU64::new(if ratios { NORMAL } else { 0 }),
            probe: AtomicU8::new(NO_PROBE),
            shed: Default::default(),
            window: Current::default(),
            bounds: Packed::default(),
            ratios,
        };
        limit.bound(bounds);
        limit
    }

    /// Moves between these from now on.
    pub(super) fn bound(&self, bounds: Bounds) {
        let before = self.bounds.get();
        if before == bounds {
            return;
        }
        self.bounds.set(bounds);
        if !bounds.adaptive {
            self.probe.store(NO_PROBE, Relaxed);
        }
        let limit = self.limit.load(Relaxed);
        let kept = if bounds.adaptive { limit.clamp(bounds.min, bounds.max) } else { bounds.max };
        // One that was never needed follows where it begins.
        self.limit.store(if limit == before.first { bounds.first } else { kept }, Relaxed);
    }

    /// Lets one in, and tells how many are under way then; none if it is shed.
    #[inline]
    pub(super) fn enter(&self, priority: Priority) -> Option<u32> {
        let before = self.under_way.fetch_add(1, Relaxed);
        if u64::from(before) < self.share(priority) {
            return Some(before + 1);
        }
        self.under_way.fetch_sub(1, Relaxed);
        self.shed[priority as usize].fetch_add(1, Relaxed);
        None
    }

    /// What was learned too long ago is forgotten: called for who is shed, since nobody else may come by while samples are lacking.
    #[cold]
    pub(super) fn doubt(&self, now: u64) {
        let ends = self.window.ends.load(Relaxed);
        if now >= ends.saturating_add(PROBE_MAX) {
            self.probe.store(NO_PROBE, Relaxed);
        }
        if now >= ends.saturating_add(STALE) {
            self.limit.fetch_max(self.bounds.first.load(Relaxed), Relaxed);
        }
    }

    /// One that was let in has gone.
    #[inline]
    pub(super) fn leave(&self) {
        self.under_way.fetch_sub(1, Relaxed);
    }

    #[inline]
    fn probing(&self) -> bool {
        self.probe.load(Relaxed) != NO_PROBE
    }

    /// How many may be under way for one of this priority to come in.
    #[inline]
    fn share(&self, priority: Priority) -> u64 {
        let limit = u64::from(self.limit.load(Relaxed));
        match (priority, self.probing()) {
            (Priority::High, false) => high(limit),
            (Priority::High, true) => self.most(limit),
            (_, true) => self.few(),
            (other, false) => (limit * SHARES[other as usize] / 100).max(1),
        }
    }

    /// How many of high priority a probe lets in: always the same at the lowest limit, so that no probe takes a crowd of its
    /// own for what is usual, and the next one a larger.
    fn most(&self, limit: u64) -> u64 {
        (limit / 2).max(high(self.bounds.min.load(Relaxed).into()))
    }

    /// How many of other priorities a probe lets in.
    fn few(&self) -> u64 {
        u64::from(self.bounds.min.load(Relaxed) / 8).clamp(1, 8)
    }

    /// Whether a request that came in as the `crowd`-th is one to learn from.
    #[inline]
    pub(super) fn learns(&self, crowd: u32) -> bool {
        if self.probing() {
            return u64::from(crowd) <= self.most(self.limit.load(Relaxed).into());
        }
        self.bounds.adaptive.load(Relaxed) && (crowd >= CROWD || fastrand::u8(..) < 32)
    }

    /// `took` compared with what is usual, in thousandths; none if that is not known.
    pub(super) fn ratio(&self, took: u64) -> Option<u64> {
        match self.usual.load(Relaxed) {
            0 => None,
            usual => Some(took.saturating_mul(NORMAL) / usual),
        }
    }

    /// Takes over a sample that ended `now`.
    pub(super) fn learn(&self, sample: u64, now: u64) {
        let window = &self.window;
        window.sum.fetch_add(sample, Relaxed);
        window.peak.fetch_max(self.under_way.load(Relaxed), Relaxed);
        let count = window.count.fetch_add(1, Relaxed) + 1;
        let ends = window.ends.load(Relaxed);
        if now < ends {
            return;
        }
        let probe_is_over = self.probing() && now >= ends.saturating_add(PROBE_MAX);
        if count < SAMPLES && !probe_is_over {
            return;
        }
        // The first one that comes here after the end closes the window; the others leave it to that one.
        if window.ends.compare_exchange(ends, now + WINDOW, Relaxed, Relaxed).is_ok() {
            self.close(now);
        }
    }

    fn close(&self, now: u64) {
        let (sum, count) = (self.window.sum.swap(0, Relaxed), self.window.count.swap(0, Relaxed));
        let shed = self.shed.iter().map(|shed| shed.load(Relaxed)).sum();
        let peak = self.window.peak.swap(0, Relaxed);
        let seen = Window {
            mean: sum / u64::from(count.max(1)),
            peak,
            shed: self.window.shed.swap(shed, Relaxed) < shed,
        };
        match self.probe.load(Relaxed) {
            NO_PROBE => {}
            DRAIN => return self.probe.store(MEASURE, Relaxed),
            _ => {
                self.window.probe_at.store(now + PROBE_EVERY, Relaxed);
                self.probe.store(NO_PROBE, Relaxed);
                if count >= SAMPLES {
                    self.usual.store(seen.mean, Relaxed);
                }
                return;
            }
        }
        let bounds = self.bounds.get();
        let before = State { limit: self.limit.load(Relaxed), usual: self.usual.load(Relaxed) };
        let after = before.after(seen, bounds.first);
        self.limit.store(after.limit.clamp(bounds.min, bounds.max), Relaxed);
        if !self.ratios {
            self.usual.store(after.usual, Relaxed);
            self.consider_probe(seen.binds(before.limit), seen.mean, now);
        }
    }

    /// Begins a probe if the limit has been binding for long: the crowd has time to go, then a window is measured.
    fn consider_probe(&self, binds: bool, mean: u64, now: u64) {
        let at = &self.window.probe_at;
        match (binds, at.load(Relaxed)) {
            (false, _) => at.store(0, Relaxed),
            (true, 0) => at.store(now + PROBE_AFTER, Relaxed),
            (true, due) if now >= due => {
                self.window.ends.store(now + WINDOW.max(2 * mean).min(PROBE_MAX), Relaxed);
                self.probe.store(DRAIN, Relaxed);
            }
            (true, _) => {}
        }
    }

    /// Writes what is known of it; `plugin` is empty for the host's, `release` for all but releases that take over.
    pub(super) fn collect(&self, text: &mut Text, plugin: &str, release: &str) {
        let own = [("plugin", plugin), ("release", release)];
        let own = if release.is_empty() { &own[..1] } else { &own[..] };
        let gauge = |text: &mut Text, name, help, value: u32| text.gauge(name, help, own, value.into());
        let limit = "Requests that may be under way at once, as learned; plugin is empty for the host.";
        gauge(text, "ostler_overload_limit", limit, self.limit.load(Relaxed));
        let under_way = "Requests under way; plugin is empty for the host.";
        gauge(text, "ostler_overload_in_flight", under_way, self.under_way.load(Relaxed));
        for (priority, shed) in ["low", "normal", "high"].into_iter().zip(&self.shed) {
            let labels = [own, &[("priority", priority)]].concat();
            let help = "Requests shed by priority; plugin is empty for the host's limit.";
            text.counter("ostler_overload_shed_total", help, &labels, shed.load(Relaxed));
        }
    }

    #[cfg(test)]
    pub(super) fn now(&self) -> u32 {
        self.limit.load(Relaxed)
    }

    #[cfg(test)]
    pub(super) fn under_way(&self) -> u32 {
        self.under_way.load(Relaxed)
    }
}

/// What high priority may use of `limit`.
fn high(limit: u64) -> u64 {
    (limit * SHARES[2] / 100).max(limit + RESERVE)
}

impl Packed {
    fn get(&self) -> Bounds {
        Bounds {
            min: self.min.load(Relaxed),
            first: self.first.load(Relaxed),
            max: self.max.load(Relaxed),
            adaptive: self.adaptive.load(Relaxed),
        }
    }

    fn set(&self, bounds: Bounds) {
        self.min.store(bounds.min, Relaxed);
        self.first.store(bounds.first, Relaxed);
        self.max.store(bounds.max, Relaxed);
        self.adaptive.store(bounds.adaptive, Relaxed);
    }
}
