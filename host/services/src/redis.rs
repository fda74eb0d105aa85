//! `[redis]`: one Redis or Valkey that several hosts share, for counters and kept answers.
//!
//! **Invariant:** a Redis that is gone costs a caller at most `deadline`, and next to nothing while it is known to be gone.

use std::sync::Arc;
use std::time::Duration;

use ostler_core::settings::Section;
pub use redis::RedisError;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use tokio::sync::OnceCell;

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

struct Inner {
    client: redis::Client,
    deadline: Duration,
    manager: OnceCell<ConnectionManager>,
}

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
        let deadline = section.duration("deadline", range).unwrap_or(Duration::from_millis(250));
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
        let client = redis::Client::open(config.url.as_str())?;
        Ok(Redis(Arc::new(Inner { client, deadline: config.deadline, manager: OnceCell::new() })))
    }

    /// The one connection that all share; it multiplexes.
    ///
    /// # Errors
    /// If there is no connection within the deadline.
    pub async fn connection(&self) -> Result<ConnectionManager, RedisError> {
        let settings = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(self.0.deadline))
            .set_response_timeout(Some(self.0.deadline))
            .set_number_of_retries(1);
        let connect = || self.0.client.get_connection_manager_with_config(settings);
        self.0.manager.get_or_try_init(connect).await.cloned()
    }

    /// For connections of one's own, such as subscriptions.
    pub fn client(&self) -> &redis::Client {
        &self.0.client
    }
}
