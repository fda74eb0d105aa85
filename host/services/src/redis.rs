//! `[redis]`: one Redis or Valkey that several hosts share, for counters and kept answers.
//!
//! **Invariant:** a Redis that is gone costs a caller at most `deadline`, and next to nothing while it is known to be gone.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use ostler_core::settings::Section;
pub use redis::RedisError;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// Settings of `[redis]`.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// `url`: `redis://[user:password@]host:port[/db]`, or `rediss://` with TLS. Needed.
    pub url: String,
    /// `deadline`: time for one answer, connecting included. Default: 250 ms.
    pub deadline: Duration,
}

/// A shared Redis. Cheap to clone; connects at first use and again after a loss.
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

/// Redis does not answer, or answers that it cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Redis does not answer")]
pub struct Gone;

struct Inner {
    client: redis::Client,
    deadline: Duration,
    manager: OnceCell<ConnectionManager>,
    /// Known to be gone; somebody looks whether it is back.
    gone: AtomicBool,
    outages: AtomicU64,
    /// When it last came back, and how long to wait before looking if it goes again at once.
    back: Mutex<Option<(Instant, Duration)>>,
}

/// Time for one answer where the configuration says nothing.
pub const DEADLINE: Duration = Duration::from_millis(250);

/// First wait before looking whether it is back.
const WAIT_MIN: Duration = Duration::from_millis(100);

/// Longest wait.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// A Redis that goes again so soon after it came back is the same outage, not logged again.
const SAME_OUTAGE: Duration = Duration::from_secs(10);

/// What tells that it takes writes, too.
const PROBE: &str = "ostler:probe";

impl Config {
    /// Reads `[redis]`.
    pub fn read(mut section: Section<'_>) -> Self {
        section.missing("url", "a URL such as \"redis://127.0.0.1:6379\"");
        let url = section.string("url").map(|url| url.value).unwrap_or_default();
        if !url.is_empty() && redis::Client::open(url.as_str()).is_err() {
            // The URL may hold a password.
            let allowed = "redis://[user:password@]host:port[/db] or rediss://...";
            section.problem("url", "something else", allowed, "write \"redis://127.0.0.1:6379\"");
        }
        let range = Duration::from_millis(1)..=Duration::from_secs(60);
        let deadline = section.duration("deadline", range).unwrap_or(DEADLINE);
        section.finish();
        Config { url, deadline }
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

impl Redis {
    /// Does not connect yet.
    ///
    /// # Errors
    /// If the URL is none; its text holds no password.
    pub fn new(config: &Config) -> Result<Self, RedisError> {
        Ok(Redis(Arc::new(Inner {
            client: redis::Client::open(config.url.as_str())?,
            deadline: config.deadline,
            manager: OnceCell::new(),
            gone: AtomicBool::new(false),
            outages: AtomicU64::new(0),
            back: Mutex::new(None),
        })))
    }

    /// Puts a question, within the deadline; at once an error while Redis is known to be gone.
    ///
    /// # Errors
    /// If no answer comes, or an error; from then on it counts as gone until it takes a write again.
    pub async fn ask<T>(
        &self,
        question: impl AsyncFnOnce(ConnectionManager) -> Result<T, RedisError>,
    ) -> Result<T, Gone> {
        if self.is_gone() {
            return Err(Gone);
        }
        let asked = async { question(self.0.connection().await?).await };
        match tokio::time::timeout(self.0.deadline, asked).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                self.lost(&error);
                Err(Gone)
            }
            Err(_) => {
                self.lost(&format_args!("no answer within {:?}", self.0.deadline));
                Err(Gone)
            }
        }
    }

    /// Whether it is known to be gone.
    pub fn is_gone(&self) -> bool {
        self.0.gone.load(Ordering::Relaxed)
    }

    /// How often it went.
    pub fn outages(&self) -> u64 {
        self.0.outages.load(Ordering::Relaxed)
    }

    /// The one connection that all share; it multiplexes.
    ///
    /// # Errors
    /// If there is no connection within the deadline.
    pub async fn connection(&self) -> Result<ConnectionManager, RedisError> {
        self.0.connection().await
    }

    /// For connections of one's own, such as subscriptions.
    pub fn client(&self) -> &redis::Client {
        &self.0.client
    }

    /// Remembers that it is gone, tells so once, and looks for it from time to time.
    fn lost(&self, cause: &dyn std::fmt::Display) {
        if self.0.gone.swap(true, Ordering::Relaxed) {
            return;
        }
        let (again, wait) = self.0.next_wait();
        if !again {
            self.0.outages.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(%cause, "Redis is gone: shared limits do what their when_unavailable says");
        }
        tokio::spawn(until_back(Arc::downgrade(&self.0), wait, again));
    }
}

impl Inner {
    async fn connection(&self) -> Result<ConnectionManager, RedisError> {
        let settings = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(self.deadline))
            .set_response_timeout(Some(self.deadline))
            .set_number_of_retries(1);
        let connect = || self.client.get_connection_manager_with_config(settings);
        self.manager.get_or_try_init(connect).await.cloned()
    }

    /// Whether it takes a write.
    async fn answers(&self) -> bool {
        let asked = async {
            let mut connection = self.connection().await?;
            redis::cmd("SET").arg(PROBE).arg(1).arg("PX").arg(1000).exec_async(&mut connection).await
        };
        matches!(tokio::time::timeout(self.deadline, asked).await, Ok(Ok(())))
    }

    /// Whether this is an outage that was told already, and how long to wait before looking.
    fn next_wait(&self) -> (bool, Duration) {
        let back = self.back.lock().unwrap_or_else(PoisonError::into_inner);
        match *back {
            Some((when, wait)) if when.elapsed() < SAME_OUTAGE => (true, (wait * 2).min(WAIT_MAX)),
            _ => (false, WAIT_MIN),
        }
    }
}

async fn until_back(inner: Weak<Inner>, first: Duration, quiet: bool) {
    let mut wait = first;
    loop {
        tokio::time::sleep(wait).await;
        let Some(inner) = inner.upgrade() else { return };
        if inner.answers().await {
            *inner.back.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), first));
            inner.gone.store(false, Ordering::Relaxed);
            if !quiet {
                tracing::info!("Redis is back: shared limits count together again");
            }
            return;
        }
        wait = (wait * 2).min(WAIT_MAX);
    }
}
