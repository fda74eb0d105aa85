//! The tier that hosts share: Redis or Memcached.
//!
//! **Invariant:** a store that is gone costs a caller one deadline, and nothing while it is known to be gone.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::memcached::Memcached;
use super::stats::Stats;
use crate::Redis;

/// Writes at once; further ones are left out.
const WRITES: usize = 64;

/// How long nobody asks after the first failure; doubles with each further one.
const PAUSE: Duration = Duration::from_millis(250);

/// Longest such pause.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// A handle on the store. Cheap to clone.
#[derive(Clone)]
pub(super) struct Shared(Arc<Inner>);

struct Inner {
    store: Store,
    namespace: String,
    deadline: Duration,
    circuit: Circuit,
    writes: Arc<Semaphore>,
    stats: Arc<Stats>,
}

pub(super) enum Store {
    Redis(Redis),
    Memcached(Box<Memcached>),
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl Shared {
    pub(super) fn new(store: Store, namespace: &str, deadline: Duration, stats: Arc<Stats>) -> Self {
        let (circuit, writes) = (Circuit::new(), Arc::new(Semaphore::new(WRITES)));
        Shared(Arc::new(Inner { store, namespace: namespace.into(), deadline, circuit, writes, stats }))
    }

    pub(super) async fn get(&self, key: &[u8]) -> Option<Bytes> {
        let name = self.name(key);
        self.ask(async {
            match &self.0.store {
                Store::Redis(redis) => {
                    let mut connection = redis.connection().await?;
                    let found: Option<Vec<u8>> =
                        redis::cmd("GET").arg(&name).query_async(&mut connection).await?;
                    Ok(found.map(Bytes::from))
                }
                Store::Memcached(memcached) => Ok(memcached.get(&name).await?),
            }
        })
        .await
        .flatten()
    }

    /// Stores `value` in the background.
    pub(super) fn put(&self, key: &[u8], value: Vec<u8>, ttl: Duration) {
        let (this, name) = (self.clone(), self.name(key));
        self.begin(async move {
            let seconds = ttl.as_secs().max(1);
            this.ask(async {
                match &this.0.store {
                    Store::Redis(redis) => {
                        let mut connection = redis.connection().await?;
                        let mut set = redis::cmd("SET");
                        set.arg(&name).arg(value).arg("EX").arg(seconds);
                        Ok(set.query_async::<()>(&mut connection).await?)
                    }
                    Store::Memcached(memcached) => Ok(memcached.set(&name, &value, seconds).await?),
                }
            })
            .await;
        });
    }

    /// Removes one entry in the background; marks see to it that it is not used meanwhile.
    pub(super) fn delete(&self, key: &[u8]) {
        let (this, name) = (self.clone(), self.name(key));
        self.begin(async move {
            this.ask(async {
                match &this.0.store {
                    Store::Redis(redis) => {
                        let mut connection = redis.connection().await?;
                        Ok(redis::cmd("DEL").arg(&name).query_async::<()>(&mut connection).await?)
                    }
                    Store::Memcached(memcached) => Ok(memcached.delete(&name).await?),
                }
            })
            .await;
        });
    }

    /// Where hosts hear of nothing, drops all entries. Returns whether that worked.
    pub(super) async fn drop_unheard(&self) -> bool {
        match &self.0.store {
            Store::Redis(_) => true,
            Store::Memcached(memcached) => {
                self.ask(async { Ok(memcached.drop_all().await?) }).await.is_some()
            }
        }
    }

    fn begin(&self, write: impl Future<Output = ()> + Send + 'static) {
        let Ok(permit) = self.0.writes.clone().try_acquire_owned() else { return };
        tokio::spawn(async move {
            write.await;
            drop(permit);
        });
    }

    async fn ask<T>(&self, question: impl Future<Output = Result<T, Failure>>) -> Option<T> {
        let inner = &self.0;
        if !inner.circuit.closed() {
            return None;
        }
        let failure = match tokio::time::timeout(inner.deadline, question).await {
            Ok(Ok(answer)) => {
                inner.circuit.good();
                return Some(answer);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer within shared_deadline".into(),
        };
        inner.stats.shared_errors.add();
        if inner.circuit.bad() {
            tracing::warn!(error = failure, "the cache's shared store fails; this host goes on without it");
        }
        None
    }

    /// What the entry of `key` is called in the store: keys may be long, and hold anything.
    fn name(&self, key: &[u8]) -> String {
        let digest = Sha256::digest(key);
        let mut name = String::with_capacity(self.0.namespace.len() + 67);
        name.push_str(&self.0.namespace);
        name.push_str(":e:");
        for byte in digest {
            name.push(char::from_digit((byte >> 4).into(), 16).unwrap_or('0'));
            name.push(char::from_digit((byte & 15).into(), 16).unwrap_or('0'));
        }
        name
    }
}

/// Who was not answered does not ask again at once.
struct Circuit {
    began: Instant,
    /// Milliseconds since `began` until which nobody asks.
    open_until: AtomicU64,
    failures: AtomicU32,
}

impl Circuit {
    fn new() -> Self {
        Circuit { began: Instant::now(), open_until: AtomicU64::new(0), failures: AtomicU32::new(0) }
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    /// Whether to ask; of those who come at the end of a pause, one.
    fn closed(&self) -> bool {
        let (until, failures) = (self.open_until.load(Relaxed), self.failures.load(Relaxed));
        if failures == 0 {
            return true;
        }
        let now = self.now();
        let next = now + pause(failures).as_millis() as u64;
        now >= until && self.open_until.compare_exchange(until, next, Relaxed, Relaxed).is_ok()
    }

    fn good(&self) {
        if self.failures.load(Relaxed) != 0 && self.failures.swap(0, Relaxed) != 0 {
            tracing::info!("the cache's shared store answers again");
        }
    }

    /// Whether this is the first failure of a row.
    fn bad(&self) -> bool {
        let failures = self.failures.fetch_add(1, Relaxed).saturating_add(1);
        self.open_until.store(self.now() + pause(failures).as_millis() as u64, Relaxed);
        failures == 1
    }
}

fn pause(failures: u32) -> Duration {
    PAUSE.saturating_mul(1 << failures.min(10).saturating_sub(1)).min(PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_store_that_is_gone_costs_nothing_while_that_is_known() {
        // A port that takes connections and never says a word.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let store =
            Store::Memcached(Box::new(Memcached::new(&silent.local_addr().unwrap().to_string(), "t")));
        let stats = Arc::new(Stats::default());
        let shared = Shared::new(store, "t", Duration::from_millis(40), stats.clone());
        assert!(shared.get(b"a").await.is_none());
        assert_eq!(stats.shared_errors.get(), 1);
        let since = Instant::now();
        for _ in 0..1_000 {
            assert!(shared.get(b"a").await.is_none());
        }
        assert!(since.elapsed().is_zero(), "nobody waited");
        assert_eq!(stats.shared_errors.get(), 1);
        tokio::time::advance(PAUSE).await;
        assert!(shared.get(b"a").await.is_none());
        assert_eq!(stats.shared_errors.get(), 2, "it is asked again after a while");
    }
}
