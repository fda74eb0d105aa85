//! `[cache]`: values that need not be made twice, in memory, on disk and in a store that hosts share.
//!
//! An entry is looked for in that order and kept in all of them. What is purged leaves a mark that every entry is compared with
//! wherever it lies, so that a purge is as quick with a million entries as with one.
//!
//! **Invariant:** no tier's failure is an error to a caller; the entry is not found, and is made again.

mod bus;
mod codec;
mod config;
mod disk;
mod entry;
mod held;
mod locks;
mod marks;
mod memcached;
mod shared;
mod stats;
mod values;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use codec::decode;
pub use config::{Config, SharedStore};
pub use entry::{Answer, Entry, Held};
pub use held::HeldCache;
pub use locks::Guard;
pub use stats::{Counter, Stats};
pub use values::{Error, Found, KEY_MAX, TAG_MAX, TAGS_MAX, TTL_MAX, VALUE_MAX};

use crate::{Clock, Redis};
use bus::Bus;
use disk::Disk;
use locks::Locks;
use marks::{Mark, Marks};
use shared::{Shared, Store};

/// Folder of the disk tier in the state folder.
const FOLDER: &str = "cache";

/// Shortest life for which an entry goes beyond memory.
const WORTH: Duration = Duration::from_secs(1);

/// The tiers. Cheap to clone.
#[derive(Clone)]
pub struct Cache(Arc<Inner>);

struct Inner {
    memory: Memory,
    disk: Option<Disk>,
    shared: Option<Shared>,
    bus: Option<Arc<Bus>>,
    marks: Arc<Marks>,
    locks: Arc<Locks>,
    entry_max: usize,
    clock: Clock,
    stats: Arc<Stats>,
}

type Memory = moka::sync::Cache<Box<[u8]>, Arc<Entry>, foldhash::fast::RandomState>;

/// What to drop of the kept answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purge {
    /// Those with this tag.
    Tag(String),
    /// All variants of the one at `host/path?query`.
    Key(String),
    /// Those whose `host/path?query` begins so.
    Prefix(String),
    /// All, and plugins' values as well.
    All,
}

impl Default for Cache {
    fn default() -> Self {
        Cache::build(&Config::default(), None, None, Clock::default())
    }
}

impl Cache {
    /// Opens the tiers; one that cannot be opened is left out and told.
    pub fn new(config: &Config, state_dir: &Path, redis: Option<Redis>) -> Self {
        Cache::build(config, Some(state_dir), redis, Clock::default())
    }

    /// In memory only, shared with nobody.
    pub fn in_memory(config: &Config) -> Self {
        Cache::build(config, None, None, Clock::default())
    }

    /// In memory only, by a clock that is moved by hand.
    pub fn manual(clock: Clock) -> Self {
        Cache::build(&Config::default(), None, None, clock)
    }

    fn build(config: &Config, state_dir: Option<&Path>, redis: Option<Redis>, clock: Clock) -> Self {
        let (stats, marks) = (Arc::new(Stats::default()), Arc::new(Marks::default()));
        let disk = state_dir.filter(|_| config.disk > 0);
        let disk =
            disk.and_then(|dir| Disk::new(dir.join(FOLDER), config.disk, stats.clone(), marks.clone()));
        let bus = redis.clone().map(|redis| Bus::start(redis, &config.namespace, &marks, stats.clone()));
        let store = match (&config.shared, redis) {
            (SharedStore::Redis, Some(redis)) => Some(Store::Redis(redis)),
            (SharedStore::Memcached(address), _) => {
                Some(Store::Memcached(Box::new(memcached::Memcached::new(address, &config.namespace))))
            }
            _ => None,
        };
        let shared =
            store.map(|store| Shared::new(store, &config.namespace, config.shared_deadline, stats.clone()));
        Cache(Arc::new(Inner {
            memory: memory(config.memory, stats.clone()),
            disk,
            shared,
            bus,
            marks,
            locks: Arc::default(),
            entry_max: usize::try_from(config.entry).unwrap_or(usize::MAX),
            clock,
            stats,
        }))
    }

    /// What has happened so far.
    pub fn stats(&self) -> &Arc<Stats> {
        &self.0.stats
    }

    /// Bytes and entries in memory, roughly.
    pub fn held(&self) -> (u64, u64) {
        // Else it tells of some time ago.
        self.0.memory.run_pending_tasks();
        (self.0.memory.weighted_size(), self.0.memory.entry_count())
    }

    /// The clock that entries expire by.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The largest answer or value that is kept, in bytes.
    pub fn entry_max(&self) -> usize {
        self.0.entry_max
    }

    /// The last purge: what begins to be made now has survived it.
    pub fn position(&self) -> u64 {
        self.0.marks.latest()
    }

    /// The entry of `key` in memory. Never waits.
    pub fn get(&self, key: &[u8]) -> Option<Arc<Entry>> {
        let entry = self.0.memory.get(key)?;
        if self.lives(&entry) {
            return Some(entry);
        }
        self.0.memory.invalidate(key);
        None
    }

    /// The entry of `key` on disk or in the shared store, which is in memory then too.
    pub async fn load(&self, key: &[u8]) -> Option<Arc<Entry>> {
        let inner = &self.0;
        if inner.disk.is_none() && inner.shared.is_none() || !self.judges() {
            return None;
        }
        if let Some(disk) = &inner.disk
            && let Some(entry) = disk.get(key).await.and_then(|bytes| self.take(key, &bytes))
        {
            inner.stats.disk_hits.add();
            return Some(entry);
        }
        let bytes = inner.shared.as_ref()?.get(key).await?;
        let entry = self.take(key, &bytes)?;
        inner.stats.shared_hits.add();
        if let Some(disk) = &inner.disk
            && let Some(bytes) = codec::encode(key, &entry)
        {
            disk.put(key, bytes);
        }
        Some(entry)
    }

    /// Keeps `held` for `ttl`, in all tiers, unless it was purged since `position`.
    pub fn put(
        &self,
        key: &[u8],
        name: Box<str>,
        tags: Box<[Box<str>]>,
        ttl: Duration,
        position: u64,
        held: Held,
    ) -> Option<Arc<Entry>> {
        let inner = &self.0;
        let entry = Arc::new(Entry::new(name, tags, inner.clock.deadline_ms(ttl), position, held));
        if !inner.marks.spare(&entry) || entry.weight() > inner.entry_max.saturating_add(16 << 10) {
            return None;
        }
        inner.memory.insert(key.into(), entry.clone());
        let lower = (inner.disk.is_some() || inner.shared.is_some()) && ttl >= WORTH && self.judges();
        if lower && let Some(bytes) = codec::encode(key, &entry) {
            match (&inner.disk, &inner.shared) {
                (Some(disk), Some(shared)) => {
                    disk.put(key, bytes.clone());
                    shared.put(key, bytes, ttl);
                }
                (Some(disk), None) => disk.put(key, bytes),
                (None, Some(shared)) => shared.put(key, bytes, ttl),
                (None, None) => {}
            }
        }
        if !matches!(entry.held, Held::Pass) {
            inner.stats.stored.add();
        }
        Some(entry)
    }

    /// Removes the entry of `key` from all tiers, without telling other hosts.
    pub fn forget(&self, key: &[u8]) {
        self.0.memory.invalidate(key);
        if let Some(disk) = &self.0.disk {
            disk.delete(key);
        }
        if let Some(shared) = &self.0.shared {
            shared.delete(key);
        }
    }

    /// Drops kept answers, here and on all hosts that share a Redis. Returns whether all could be told.
    pub async fn purge(&self, purges: &[Purge]) -> bool {
        let mark = |purge: &Purge| match purge {
            Purge::Tag(tag) => Mark::Exact(answer_tag(tag)),
            Purge::Key(name) => Mark::Exact(answer_name(name)),
            Purge::Prefix(name) => Mark::Prefix(answer_name(name)),
            Purge::All => Mark::All,
        };
        self.drop_marked(purges.iter().map(mark).collect(), true).await
    }

    /// Drops the answers at these names, as [`Cache::purge`] does, after a request that has changed what is there. The caller
    /// forgets the entries whose keys it knows.
    pub async fn invalidate(&self, names: &[String]) {
        let marks = names.iter().map(|name| Mark::Exact(answer_name(name))).collect();
        self.drop_marked(marks, false).await;
    }

    /// `searched`: whether there may be entries whose keys nobody knows, in tiers that remember no marks.
    async fn drop_marked(&self, marks: Vec<Mark>, searched: bool) -> bool {
        let inner = &self.0;
        if let Some(bus) = &inner.bus
            && bus.tell(&marks, &inner.marks).await
        {
            return true;
        }
        for mark in marks {
            inner.stats.purges.add();
            let at = inner.marks.next(inner.clock.now_ms());
            inner.marks.apply(mark.clone(), at);
            if let Some(disk) = &inner.disk {
                disk.mark(at, mark);
            }
        }
        let unheard = match &inner.shared {
            Some(shared) if searched => shared.drop_unheard().await,
            _ => true,
        };
        inner.bus.is_none() && unheard
    }

    /// Whether entries of the lower tiers can be told from purged ones.
    fn judges(&self) -> bool {
        let inner = &self.0;
        inner.bus.as_ref().is_none_or(|bus| bus.ready()) && inner.disk.as_ref().is_none_or(Disk::loaded)
    }

    fn take(&self, key: &[u8], bytes: &bytes::Bytes) -> Option<Arc<Entry>> {
        let entry = Arc::new(codec::decode(key, bytes)?);
        if !self.lives(&entry) {
            return None;
        }
        self.0.memory.insert(key.into(), entry.clone());
        Some(entry)
    }

    fn lives(&self, entry: &Entry) -> bool {
        self.0.marks.spare(entry) && entry.expires_ms > self.0.clock.now_ms()
    }
}

fn memory(bytes: u64, stats: Arc<Stats>) -> Memory {
    moka::sync::Cache::builder()
        .max_capacity(bytes)
        .weigher(weigh)
        .eviction_listener(move |_, _, cause| {
            if cause == moka::notification::RemovalCause::Size {
                stats.evicted.add();
            }
        })
        .build_with_hasher(foldhash::fast::RandomState::default())
}

#[allow(clippy::borrowed_box, reason = "the shape that moka asks for")]
fn weigh(key: &Box<[u8]>, entry: &Arc<Entry>) -> u32 {
    u32::try_from(key.len().saturating_add(entry.weight())).unwrap_or(u32::MAX)
}

/// What an answer at `host/path?query` is called in purges.
pub fn answer_name(name: &str) -> Box<str> {
    format!("na{name}").into()
}

/// What a tag of answers is called in purges.
pub fn answer_tag(tag: &str) -> Box<str> {
    format!("ta{tag}").into()
}

fn exact_name(cache: &str, key: &str) -> Box<str> {
    format!("nv{cache}\0{key}").into()
}

fn exact_tag(cache: &str, tag: &str) -> Box<str> {
    format!("tv{cache}\0{tag}").into()
}

#[cfg(test)]
impl Cache {
    fn for_tests() -> (Cache, Clock) {
        let clock = Clock::manual(1_700_000_000_000);
        (Cache::manual(clock.clone()), clock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(size: usize) -> Held {
        Held::Bytes(vec![7; size].into())
    }

    #[test]
    fn memory_stays_within_its_bytes() {
        let config = Config { memory: 1 << 20, ..Config::default() };
        let cache = Cache::build(&config, None, None, Clock::default());
        for number in 0..2_000u32 {
            let key = number.to_be_bytes();
            cache.put(&key, "n".into(), Box::default(), Duration::from_secs(60), 0, answer(10_000));
            cache.get(&key);
        }
        let (bytes, entries) = cache.held();
        assert!(bytes <= 1 << 20 && entries > 50, "{bytes} bytes in {entries} entries");
        assert!(cache.stats().evicted.get() > 1_500, "{}", cache.stats().evicted.get());
    }

    #[test]
    fn what_is_too_large_is_not_kept() {
        let cache = Cache::default();
        let put =
            |size| cache.put(b"k", "n".into(), Box::default(), Duration::from_secs(60), 0, answer(size));
        assert!(put(cache.entry_max()).is_some());
        assert!(put(cache.entry_max() + (32 << 10)).is_none());
    }

    #[tokio::test]
    async fn a_purge_is_remembered_beside_the_disk() {
        let home = tempfile::tempdir().unwrap();
        let config = Config { disk: 64 << 20, ..Config::default() };
        let keep = Duration::from_secs(600);
        let loaded = |cache: Cache| async move {
            for _ in 0..200 {
                if cache.judges() {
                    return cache;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            panic!("the disk tier does not start")
        };
        let first = loaded(Cache::new(&config, home.path(), None)).await;
        for (key, tag) in [(b"a", "x"), (b"b", "y")] {
            first.put(key, answer_name("n"), Box::new([answer_tag(tag)]), keep, first.position(), answer(10));
        }
        assert!(first.purge(&[Purge::Tag("y".into())]).await);
        first.0.disk.as_ref().unwrap().flush().await;
        drop(first);
        tokio::time::sleep(Duration::from_millis(500)).await;
        let second = loaded(Cache::new(&config, home.path(), None)).await;
        assert!(second.get(b"a").is_none(), "not in memory");
        assert!(second.load(b"a").await.is_some());
        assert!(second.load(b"b").await.is_none());
    }
}
