//! Idle instances of one release, for reuse.
//!
//! **Invariant:** an instance in here has ended its last exchange well; one that trapped or overran is never put back.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crossbeam_queue::ArrayQueue;
use wasmtime::Store;

use crate::guest::Guest;
use crate::plugin::Exports;

/// One sandbox: a store and the handler instantiated in it.
pub(crate) struct Instance {
    pub(crate) store: Store<Guest>,
    pub(crate) exports: Exports,
    /// Exchanges it has answered.
    pub(crate) served: u64,
    /// Bytes of its linear memory after the last of them.
    pub(crate) memory: u64,
    /// Sweep during which it became idle.
    idle_since: u32,
}

/// Idle instances, oldest first.
pub(crate) struct Pool {
    idle: ArrayQueue<Box<Instance>>,
    sweep: AtomicU32,
    /// How many stay, however long they are idle.
    ready: AtomicUsize,
}

/// The pools of all releases, since they share the engines' slots: what one only keeps, another may need.
#[derive(Default)]
pub(crate) struct Pools(Mutex<Vec<Weak<Pool>>>);

impl Pools {
    /// A pool of at most `size` idle instances, among the others.
    pub(crate) fn pool(&self, size: usize) -> Arc<Pool> {
        let pool = Arc::new(Pool::new(size));
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|pool| pool.strong_count() > 0);
        all.push(Arc::downgrade(&pool));
        pool
    }

    /// Ends all idle instances, of every release; whether there were any.
    pub(crate) fn evict(&self) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let evicted = all.iter().filter_map(Weak::upgrade).map(|pool| pool.clear()).sum::<usize>();
        evicted > 0
    }
}

impl Instance {
    pub(crate) fn new(store: Store<Guest>, exports: Exports) -> Box<Self> {
        let memory = store.data().limits.memory();
        Box::new(Instance { store, exports, served: 0, memory, idle_since: 0 })
    }
}

impl Pool {
    fn new(size: usize) -> Self {
        Pool { idle: ArrayQueue::new(size.max(1)), sweep: AtomicU32::new(0), ready: AtomicUsize::new(0) }
    }

    pub(crate) fn take(&self) -> Option<Box<Instance>> {
        self.idle.pop()
    }

    /// Puts one back; a full pool drops it.
    pub(crate) fn put(&self, mut instance: Box<Instance>) {
        instance.idle_since = self.sweep.load(Relaxed);
        let _ = self.idle.push(instance);
    }

    pub(crate) fn len(&self) -> usize {
        self.idle.len()
    }

    /// Keeps this many from being swept.
    pub(crate) fn keep_ready(&self, instances: usize) {
        self.ready.store(instances, Relaxed);
    }

    fn clear(&self) -> usize {
        std::iter::from_fn(|| self.idle.pop()).count()
    }

    /// Drops instances that have been idle since before the previous sweep, but for those to be kept ready; returns how many. Call it at intervals of
    /// the idle time wanted.
    pub(crate) fn sweep(&self) -> usize {
        let now = self.sweep.fetch_add(1, Relaxed);
        let (ready, mut dropped) = (self.ready.load(Relaxed), 0);
        for _ in 0..self.idle.len() {
            match self.idle.pop() {
                Some(instance) if instance.idle_since == now || self.idle.len() < ready => {
                    let _ = self.idle.push(instance);
                }
                Some(_) => dropped += 1,
                None => break,
            }
        }
        dropped
    }
}
