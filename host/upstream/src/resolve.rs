//! Names to addresses: the system's resolver with a deadline, a bound per plugin and a small cache.
//!
//! Addresses are *not* checked here but by whoever connects to them, each time: a name may lead elsewhere on every lookup.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::Error;

/// How long a lookup may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// How long an answer is used again.
const FRESH: Duration = Duration::from_secs(5);
/// Names in the cache.
const NAMES: usize = 1024;
/// Addresses taken from one answer.
const ADDRESSES: usize = 8;
/// Lookups of one plugin at once; each holds a thread of the runtime's blocking pool, even after its caller has gone.
pub(crate) const LOOKUPS: usize = 8;

/// Addresses of a name, best first.
pub type Addresses = Arc<[IpAddr]>;

/// Asks for the addresses of a name. Tests put their own in the system's place.
pub trait Lookup: Send + Sync + 'static {
    /// All addresses of `host`, best first.
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The system's resolver: `/etc/hosts`, DNS, whatever it is set up for.
pub(crate) struct System;

impl Lookup for System {
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// A lookup with its cache, shared by all plugins.
pub(crate) struct Resolver {
    lookup: Arc<dyn Lookup>,
    cache: Mutex<HashMap<String, (Instant, Addresses)>>,
}

impl Resolver {
    pub(crate) fn new(lookup: Arc<dyn Lookup>) -> Self {
        Resolver { lookup, cache: Mutex::default() }
    }

    /// Addresses of `host`, at least one; `bound` are the lookups its plugin may have going on.
    ///
    /// # Errors
    /// [`Error::Dns`].
    pub(crate) async fn addresses(
        self: &Arc<Self>,
        host: &str,
        bound: &Arc<Semaphore>,
    ) -> Result<Addresses, Error> {
        if let Some(addresses) = self.cached(host) {
            return Ok(addresses);
        }
        let failed = |why: String| Error::Dns(format!("{host} leads to no address: {why}"));
        let found = timeout(DEADLINE, self.ask(host.to_owned(), bound.clone())).await;
        match found {
            Ok(Ok(addresses)) if addresses.is_empty() => Err(failed("the answer is empty".into())),
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(error)) => Err(failed(error.to_string())),
            Err(_) => Err(failed("the name server did not answer in time".into())),
        }
    }

    async fn ask(self: &Arc<Self>, host: String, bound: Arc<Semaphore>) -> io::Result<Addresses> {
        let permit = bound.acquire_owned().await.map_err(io::Error::other)?;
        let this = self.clone();
        // A task of its own keeps the permit as long as the lookup really lasts, though its caller may give up before.
        let asking = tokio::spawn(async move {
            let mut found = this.lookup.lookup(host.clone()).await?;
            drop(permit);
            found.truncate(ADDRESSES);
            let addresses = Addresses::from(found);
            this.keep(host, &addresses);
            Ok(addresses)
        });
        asking.await.map_err(io::Error::other)?
    }

    fn cached(&self, host: &str) -> Option<Addresses> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(host).filter(|(at, _)| at.elapsed() < FRESH).map(|(_, addresses)| addresses.clone())
    }

    fn keep(&self, host: String, addresses: &Addresses) {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= NAMES {
            cache.retain(|_, (at, _)| at.elapsed() < FRESH);
        }
        // A flood of fresh names is not worth remembering.
        if cache.len() < NAMES && !addresses.is_empty() {
            cache.insert(host, (Instant::now(), addresses.clone()));
        }
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Answers each lookup with its number as last octet; names that begin with "slow" never.
    #[derive(Default)]
    struct Counting(AtomicUsize);

    impl Lookup for Counting {
        fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
            let count = self.0.fetch_add(1, Ordering::SeqCst) as u8;
            Box::pin(async move {
                match host.as_str() {
                    "empty" => Ok(Vec::new()),
                    slow if slow.starts_with("slow") => std::future::pending().await,
                    _ => Ok(vec![IpAddr::from([1, 1, 1, count]); 20]),
                }
            })
        }
    }

    fn resolver() -> (Arc<Resolver>, Arc<Semaphore>) {
        (Arc::new(Resolver::new(Arc::new(Counting::default()))), Arc::new(Semaphore::new(1)))
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_used_again_for_a_few_seconds() {
        let (resolver, bound) = resolver();
        let first = resolver.addresses("a", &bound).await.unwrap();
        assert_eq!(first.len(), ADDRESSES);
        assert_eq!(resolver.addresses("a", &bound).await.unwrap(), first);
        tokio::time::advance(FRESH).await;
        assert_ne!(resolver.addresses("a", &bound).await.unwrap(), first);
    }

    #[tokio::test(start_paused = true)]
    async fn no_answer_is_an_error_in_time() {
        let (resolver, bound) = resolver();
        let start = Instant::now();
        let error = resolver.addresses("slow", &bound).await.unwrap_err();
        assert!(matches!(error, Error::Dns(_)) && start.elapsed() <= DEADLINE + Duration::from_millis(5));
        let (resolver, bound) = self::resolver();
        assert!(matches!(resolver.addresses("empty", &bound).await, Err(Error::Dns(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lookup_given_up_still_counts_until_it_ends() {
        let (resolver, bound) = resolver();
        resolver.addresses("slow", &bound).await.unwrap_err();
        assert_eq!(bound.available_permits(), 0);
        assert!(resolver.addresses("a", &bound).await.is_err());
    }

    #[tokio::test]
    async fn a_flood_of_names_does_not_grow_the_cache() {
        let (resolver, bound) = resolver();
        for name in 0..NAMES + 100 {
            resolver.addresses(&name.to_string(), &bound).await.unwrap();
        }
        assert!(resolver.cache.lock().unwrap().len() <= NAMES);
    }
}
