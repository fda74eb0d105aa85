//! The states of all keys of a limit, in memory whose bound is known.
//!
//! Open addressing in shards, each behind a lock that is held for one question. A key is stored as 64 bits of its hash; with
//! the bits that choose the shard, two of a million keys fall together once in some billions of hosts, and then share a
//! counter, which admits less. A shard grows by half and forgets keys that owe nothing as it does. Once it may not grow,
//! a new key takes the place of the one of some sixteen, met at random, that owes least.
//!
//! **Invariant:** what is forgotten is what gives its client least, and is counted if it gives anything.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::key::Key;

/// States by key.
pub(super) struct Table<S> {
    shards: Box<[Mutex<Shard<S>>]>,
    slots_max: usize,
    /// Keys that were forgotten although they owed something.
    displaced: AtomicU64,
}

struct Shard<S> {
    slots: Vec<Slot<S>>,
    used: usize,
    random: fastrand::Rng,
}

#[derive(Clone, Copy, Default)]
struct Slot<S> {
    /// 0 where there is none.
    print: u64,
    state: S,
}

/// Slots looked at for one that owes little.
const SAMPLE: usize = 16;

const SLOTS_MIN: usize = 16;
const SHARDS_MAX: usize = 256;
const KEYS_PER_SHARD: usize = 2048;

impl<S: Copy + Default> Table<S> {
    /// Room for `keys` keys; takes hardly any memory until they come.
    pub(super) fn new(keys: usize) -> Self {
        let shards = (keys / KEYS_PER_SHARD).next_power_of_two().clamp(8, SHARDS_MAX);
        let mean = keys.div_ceil(shards);
        // Hashes do not fill shards evenly: six standard deviations of room beyond the mean, of which one host in millions falls short.
        let full = mean + 6 * mean.isqrt();
        let shard = || Mutex::new(Shard { slots: Vec::new(), used: 0, random: fastrand::Rng::new() });
        Table {
            shards: (0..shards).map(|_| shard()).collect(),
            slots_max: slots_for(full).max(SLOTS_MIN),
            displaced: AtomicU64::new(0),
        }
    }

    /// Calls `change` with the state of `key`, new if there was none. `owes` says what forgetting a state would give its
    /// client; what owes nothing is as good as none, so that a question that was refused leaves no trace.
    pub(super) fn change<T>(
        &self,
        key: Key,
        owes: impl Fn(&S) -> u64,
        change: impl FnOnce(&mut S) -> T,
    ) -> T {
        let print = key.print();
        let mut shard = self.shard(key);
        if let Some(at) = shard.find(print) {
            return change(&mut shard.slots[at].state);
        }
        let mut state = S::default();
        let told = change(&mut state);
        if owes(&state) == 0 {
            return told;
        }
        if slots_for(shard.used + 1) > shard.slots.len() && shard.make_room(self.slots_max, &owes) {
            self.displaced.fetch_add(1, Relaxed);
        }
        shard.put(Slot { print, state });
        told
    }

    /// Calls `change` with the state of `key` if there is one.
    pub(super) fn change_kept<T>(&self, key: Key, change: impl FnOnce(&mut S) -> T) -> Option<T> {
        let mut shard = self.shard(key);
        let at = shard.find(key.print())?;
        Some(change(&mut shard.slots[at].state))
    }

    /// Keys that are kept, those that owe nothing any more among them.
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).used).sum()
    }

    /// Keys forgotten so far although they owed something.
    pub(super) fn displaced(&self) -> u64 {
        self.displaced.load(Relaxed)
    }

    /// Bytes of all slots.
    pub(super) fn bytes(&self) -> usize {
        let slots: usize = self.shards.iter().map(|shard| lock(shard).slots.capacity()).sum();
        slots * size_of::<Slot<S>>() + self.shards.len() * size_of::<Mutex<Shard<S>>>()
    }

    fn shard(&self, key: Key) -> MutexGuard<'_, Shard<S>> {
        lock(&self.shards[key.shard() & (self.shards.len() - 1)])
    }
}

/// A panic while the lock was held has at worst left one state half changed.
fn lock<S>(shard: &Mutex<Shard<S>>) -> MutexGuard<'_, Shard<S>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Slots in which `keys` keys are found quickly: filled to 7/8 at most.
fn slots_for(keys: usize) -> usize {
    keys + keys / 7 + 1
}

impl<S: Copy + Default> Shard<S> {
    /// Where a key would be if it had no neighbours.
    fn home(&self, print: u64) -> usize {
        ((u128::from(print) * self.slots.len() as u128) >> 64) as usize
    }

    fn next(&self, at: usize) -> usize {
        if at + 1 == self.slots.len() { 0 } else { at + 1 }
    }

    fn find(&self, print: u64) -> Option<usize> {
        if self.slots.is_empty() {
            return None;
        }
        let mut at = self.home(print);
        // There is always an empty slot.
        loop {
            match self.slots[at].print {
                0 => return None,
                found if found == print => return Some(at),
                _ => at = self.next(at),
            }
        }
    }

    fn put(&mut self, slot: Slot<S>) {
        let mut at = self.home(slot.print);
        while self.slots[at].print != 0 {
            at = self.next(at);
        }
        self.slots[at] = slot;
        self.used += 1;
    }

    /// Makes room for one more; whether a key that owed something had to go for it.
    fn make_room(&mut self, slots_max: usize, owes: &impl Fn(&S) -> u64) -> bool {
        if self.slots.len() >= slots_max {
            return self.displace(owes);
        }
        let live = |slot: &&Slot<S>| slot.print != 0 && owes(&slot.state) > 0;
        let kept = self.slots.iter().filter(live).count();
        let slots = slots_for(kept + kept / 3 + 1).clamp(SLOTS_MIN, slots_max);
        let before = std::mem::replace(&mut self.slots, Vec::with_capacity(slots));
        self.slots.resize(slots, Slot::default());
        self.used = 0;
        for slot in before.iter().filter(live) {
            self.put(*slot);
        }
        slots_for(self.used + 1) > slots && self.displace(owes)
    }

    fn displace(&mut self, owes: &impl Fn(&S) -> u64) -> bool {
        // Not neighbours: keys beside a gap would be met more often, and the gap would grow.
        let mut least: Option<(u64, usize)> = None;
        for _ in 0..SAMPLE {
            let at = self.random.usize(..self.slots.len());
            let slot = &self.slots[at];
            if slot.print != 0 {
                let found = (owes(&slot.state), at);
                least = Some(least.map_or(found, |least| least.min(found)));
            }
        }
        // Filled to 7/8, sixteen slots are hardly ever all empty; then the first key goes.
        let first = || self.slots.iter().position(|slot| slot.print != 0).map(|at| (1, at));
        let Some((debt, at)) = least.or_else(first) else { return false };
        self.remove(at);
        debt > 0
    }

    /// Empties a slot and closes the gap that searches would stop at.
    fn remove(&mut self, mut gap: usize) {
        let mut at = gap;
        self.used -= 1;
        loop {
            at = self.next(at);
            let slot = self.slots[at];
            if slot.print == 0 {
                break;
            }
            // Cyclic distance from its home; it may move to the gap if that is no further back than home.
            let length = self.slots.len();
            let from_home = (at + length - self.home(slot.print)) % length;
            let from_gap = (at + length - gap) % length;
            if from_gap <= from_home {
                self.slots[gap] = slot;
                gap = at;
            }
        }
        self.slots[gap] = Slot::default();
    }
}
