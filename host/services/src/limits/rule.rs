//! What a limit says, as arithmetic on the few bytes that one key has: no clock, no locks, no allocation.
//!
//! **Invariant:** however calls and times are mixed, no more is admitted than the rule says. Rounding, and a clock that
//! goes back, admit less.

use super::config::Config;

/// A rule in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// A bucket, kept as the time at which it is full again (the "theoretical arrival time" of the Generic Cell Rate
    /// Algorithm, ITU-T I.371): one number, and nothing to fill.
    Bucket {
        /// Time in which one token comes back, rounded up.
        interval: u64,
        /// Time in which all of them do.
        depth: u64,
    },
    /// Windows that the clock cuts.
    Fixed {
        /// Length of one.
        period: u64,
        /// What it admits.
        quota: u32,
    },
    /// Windows that begin anywhere, seen through [`STEPS`] steps.
    Sliding {
        /// Length of a step, rounded up.
        step: u64,
        /// What any window admits.
        quota: u32,
    },
}

/// Steps of a sliding window. The step that a window has half left counts whole, so that a window never admits more
/// than its rule, and a steady stream is admitted at 7/8 of the rate at worst.
const STEPS: u64 = 7;

/// How a key stands with its limit after a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Whether it is admitted.
    pub admitted: bool,
    /// What is left.
    pub remaining: u32,
    /// Nanoseconds until all of it is there again.
    pub reset: u64,
    /// Nanoseconds until the same question may be admitted; 0 if it was, [`u64::MAX`] if it never is.
    pub retry: u64,
}

/// What is asked of a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    /// Nanoseconds on a clock that all questions of a key share.
    pub(super) now: u64,
    /// What it takes.
    pub(super) cost: u32,
    /// Whether to take it; else only how it would go is told.
    pub(super) take: bool,
}

/// What is kept of one key.
pub(super) trait State: Copy + Default + Send {
    /// Answers, and takes if it may.
    fn ask(&mut self, rule: &Rule, question: Question) -> Standing;

    /// Undoes a question that took `cost` at `at`, unless it no longer matters.
    fn give_back(&mut self, rule: &Rule, at: u64, cost: u32);

    /// What would be forgiven if it were forgotten now: 0 if nothing would.
    fn debt(&self, rule: &Rule, now: u64) -> u64;
}

/// State of a key under [`Rule::Bucket`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Bucket {
    full_at: u64,
}

/// State of a key under [`Rule::Fixed`]; periods are a second or more, so that this numbers them until 2106.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Fixed {
    window: u32,
    count: u32,
}

/// State of a key under [`Rule::Sliding`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sliding {
    /// The newest step.
    step: u64,
    /// What each of the last steps admitted, the step `n` at `n % 8`.
    counts: [u32; STEPS as usize + 1],
}

impl Rule {
    /// The rule of `config`.
    pub(super) fn new(config: &Config) -> Self {
        let period = u64::try_from(config.rate.period.as_nanos()).unwrap_or(u64::MAX);
        let quota = config.rate.count;
        use super::Algorithm as A;
        match config.algorithm {
            A::TokenBucket | A::Gcra => {
                let interval = period.div_ceil(u64::from(quota.max(1)));
                Rule::Bucket { interval, depth: interval.saturating_mul(u64::from(config.burst)) }
            }
            A::FixedWindow => Rule::Fixed { period, quota },
            A::SlidingWindow => Rule::Sliding { step: period.div_ceil(STEPS), quota },
        }
    }
}

/// How it stands where `room` is left before `cost`.
fn standing(question: Question, room: u32, capacity: u32, retry: u64) -> Standing {
    let Question { cost, take, .. } = question;
    let admitted = cost <= room;
    let retry = match (admitted, cost > capacity) {
        (true, _) => 0,
        (false, true) => u64::MAX,
        (false, false) => retry.max(1),
    };
    Standing { admitted, remaining: if admitted && take { room - cost } else { room }, reset: 0, retry }
}

impl State for Bucket {
    fn ask(&mut self, rule: &Rule, question: Question) -> Standing {
        let Rule::Bucket { interval, depth } = *rule else { return Standing::default() };
        let Question { now, cost, take } = question;
        let full_at = self.full_at.max(now);
        let owed = full_at - now;
        let room = u32::try_from(depth.saturating_sub(owed) / interval).unwrap_or(u32::MAX);
        let price = interval.saturating_mul(u64::from(cost));
        let capacity = u32::try_from(depth / interval).unwrap_or(u32::MAX);
        let retry = owed.saturating_add(price).saturating_sub(depth);
        let mut told = standing(question, room, capacity, retry);
        if told.admitted && take {
            self.full_at = full_at.saturating_add(price);
        }
        told.reset = self.full_at.saturating_sub(now);
        told
    }

    fn give_back(&mut self, rule: &Rule, _at: u64, cost: u32) {
        let Rule::Bucket { interval, .. } = *rule else { return };
        self.full_at = self.full_at.saturating_sub(interval.saturating_mul(u64::from(cost)));
    }

    fn debt(&self, _rule: &Rule, now: u64) -> u64 {
        self.full_at.saturating_sub(now)
    }
}

impl State for Fixed {
    fn ask(&mut self, rule: &Rule, question: Question) -> Standing {
        let Rule::Fixed { period, quota } = *rule else { return Standing::default() };
        let window = u32::try_from(question.now / period).unwrap_or(u32::MAX).max(self.window);
        let count = if window == self.window { self.count } else { 0 };
        let left = (u64::from(window) + 1).saturating_mul(period).saturating_sub(question.now);
        let mut told = standing(question, quota.saturating_sub(count), quota, left);
        if told.admitted && question.take {
            *self = Fixed { window, count: count + question.cost };
        }
        told.reset = if told.remaining == quota { 0 } else { left };
        told
    }

    fn give_back(&mut self, rule: &Rule, at: u64, cost: u32) {
        let Rule::Fixed { period, .. } = *rule else { return };
        if u64::from(self.window) == at / period {
            self.count = self.count.saturating_sub(cost);
        }
    }

    fn debt(&self, rule: &Rule, now: u64) -> u64 {
        let Rule::Fixed { period, .. } = *rule else { return 0 };
        if u64::from(self.window) >= now / period { u64::from(self.count) } else { 0 }
    }
}

impl Sliding {
    /// This, with all steps up to `step` in it.
    fn at(self, step: u64) -> Self {
        if step <= self.step {
            return self;
        }
        let mut next = self;
        let passed = (step - self.step).min(STEPS + 1);
        for gone in 1..=passed {
            next.counts[((self.step + gone) % (STEPS + 1)) as usize] = 0;
        }
        next.step = step;
        if passed == STEPS + 1 { Sliding { step, ..Sliding::default() } } else { next }
    }

    fn total(&self) -> u32 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The steps from oldest to newest, as (number, count).
    fn steps(&self) -> impl Iterator<Item = (u64, u32)> {
        let newest = self.step;
        (0..=STEPS).rev().filter_map(move |back| {
            let step = newest.checked_sub(back)?;
            Some((step, self.counts[(step % (STEPS + 1)) as usize]))
        })
    }

    /// The newest step that admitted something.
    fn newest(&self) -> Option<u64> {
        if self.counts[(self.step % (STEPS + 1)) as usize] > 0 {
            return Some(self.step);
        }
        self.steps().filter(|(_, count)| *count > 0).last().map(|(number, _)| number)
    }

    /// The step whose leaving makes room for `need`.
    fn frees(&self, need: u32) -> u64 {
        let mut freed = 0_u32;
        let mut enough = self.steps().filter(|(_, count)| {
            freed = freed.saturating_add(*count);
            *count > 0 && freed >= need
        });
        enough.next().map_or(self.step, |(step, _)| step)
    }
}

impl State for Sliding {
    fn ask(&mut self, rule: &Rule, question: Question) -> Standing {
        let Rule::Sliding { step, quota } = *rule else { return Standing::default() };
        let mut next = self.at(question.now / step);
        let leaves = |number: u64| (number + STEPS + 1).saturating_mul(step).saturating_sub(question.now);
        let total = next.total();
        let room = quota.saturating_sub(total);
        let need = question.cost.saturating_sub(room);
        let retry = if need > 0 && question.cost <= quota { leaves(next.frees(need)) } else { 0 };
        let mut told = standing(question, room, quota, retry);
        if told.admitted && question.take && question.cost > 0 {
            next.counts[(next.step % (STEPS + 1)) as usize] += question.cost;
            *self = next;
        }
        told.reset = next.newest().map_or(0, leaves);
        told
    }

    fn give_back(&mut self, rule: &Rule, at: u64, cost: u32) {
        let Rule::Sliding { step, .. } = *rule else { return };
        let number = at / step;
        if number <= self.step && self.step - number <= STEPS {
            let count = &mut self.counts[(number % (STEPS + 1)) as usize];
            *count = count.saturating_sub(cost);
        }
    }

    fn debt(&self, rule: &Rule, now: u64) -> u64 {
        let Rule::Sliding { step, .. } = *rule else { return 0 };
        u64::from(self.at(now / step).total())
    }
}
