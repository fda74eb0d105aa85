//! Purges of all hosts, through a stream in Redis that every host follows.
//!
//! A stream in place of publish/subscribe, since a host that was away reads on where it stopped. **Invariant:** a host that cannot
//! tell what it has missed drops everything.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisError};
use tokio::sync::Notify;

use super::marks::{Mark, Marks, position};
use super::stats::Stats;
use crate::Redis;

/// Purges that the stream keeps, roughly, for hosts that were away.
const KEPT: u64 = 20_000;

/// Longest the server waits for the next purge before it says that there is none.
const BLOCK: Duration = Duration::from_secs(2);

/// Longest it may take to say so; then the connection counts as lost.
const SILENCE: Duration = Duration::from_secs(6);

/// Longest to wait for one's own purge to come back.
const ECHO: Duration = Duration::from_secs(1);

/// Before the next attempt to connect.
const AGAIN: Duration = Duration::from_millis(200);

type Row = (String, Vec<(String, String)>);

/// See the module.
pub(super) struct Bus {
    redis: Redis,
    stream: String,
    /// Whether the purges from before this host's start are known.
    ready: AtomicBool,
    /// Whether purges are heard of now.
    connected: AtomicBool,
    heard: Notify,
}

impl Bus {
    /// Follows the stream for as long as somebody holds `marks`.
    pub(super) fn start(redis: Redis, namespace: &str, marks: &Arc<Marks>, stats: Arc<Stats>) -> Arc<Self> {
        let stream = format!("{namespace}:purges");
        let (ready, connected) = (AtomicBool::new(false), AtomicBool::new(false));
        let bus = Arc::new(Bus { redis, stream, ready, connected, heard: Notify::new() });
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(bus.clone().follow(Arc::downgrade(marks), stats));
        }
        bus
    }

    /// Whether entries that others (or this host before its start) have made can be judged.
    pub(super) fn ready(&self) -> bool {
        self.ready.load(Relaxed)
    }

    /// Tells all hosts, and waits until this one has heard of it too: purges count in one order everywhere. Returns whether
    /// that worked.
    pub(super) async fn tell(&self, told: &[Mark], marks: &Marks) -> bool {
        if !self.connected.load(Relaxed) {
            return false;
        }
        let Ok(Some(last)) = self.send(told).await else { return false };
        let heard = async {
            loop {
                let next = self.heard.notified();
                if marks.latest() >= last {
                    return;
                }
                next.await;
            }
        };
        tokio::time::timeout(ECHO, heard).await.is_ok()
    }

    async fn send(&self, marks: &[Mark]) -> Result<Option<u64>, RedisError> {
        let mut connection = self.redis.connection().await?;
        let mut pipe = redis::pipe();
        for mark in marks {
            let (kind, text) = match mark {
                Mark::Exact(text) => ("exact", &**text),
                Mark::Prefix(text) => ("prefix", &**text),
                Mark::All => ("all", ""),
            };
            let add = pipe.cmd("XADD").arg(&self.stream).arg("MAXLEN").arg("~").arg(KEPT);
            add.arg("*").arg(kind).arg(text);
        }
        let ids: Vec<String> = pipe.query_async(&mut connection).await?;
        Ok(ids.last().and_then(|id| parse(id)))
    }

    async fn follow(self: Arc<Self>, marks: Weak<Marks>, stats: Arc<Stats>) {
        let mut last: Option<String> = None;
        let mut lost = false;
        loop {
            let heard = self.connected(&marks, &stats, &mut last, &mut lost).await;
            self.connected.store(false, Relaxed);
            if let Err(error) = heard
                && !std::mem::replace(&mut lost, true)
            {
                tracing::warn!(%error, "purges of other hosts are not heard of until Redis answers again");
            }
            if marks.strong_count() == 0 {
                return;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// One connection, until it is lost.
    async fn connected(
        &self,
        marks: &Weak<Marks>,
        stats: &Stats,
        last: &mut Option<String>,
        lost: &mut bool,
    ) -> Result<(), RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(SILENCE))
            .set_response_timeout(Some(SILENCE));
        let mut connection =
            self.redis.client().get_multiplexed_async_connection_with_config(&config).await?;
        self.catch_up(&mut connection, marks, last).await?;
        self.ready.store(true, Relaxed);
        self.connected.store(true, Relaxed);
        *lost = false;
        loop {
            let from = last.as_deref().unwrap_or("0");
            let mut read = redis::cmd("XREAD");
            read.arg("COUNT").arg(1_000).arg("BLOCK").arg(BLOCK.as_millis() as u64);
            read.arg("STREAMS").arg(&self.stream).arg(from);
            let streams: Option<Vec<(String, Vec<Row>)>> = read.query_async(&mut connection).await?;
            let Some(marks) = marks.upgrade() else { return Ok(()) };
            for row in streams.into_iter().flatten().flat_map(|(_, rows)| rows) {
                take(&marks, row, last);
                stats.purges.add();
            }
            self.heard.notify_waiters();
        }
    }

    /// Learns what was purged before; everything goes if some of it is not known any more.
    async fn catch_up(
        &self,
        connection: &mut MultiplexedConnection,
        marks: &Weak<Marks>,
        last: &mut Option<String>,
    ) -> Result<(), RedisError> {
        let Some(marks) = marks.upgrade() else { return Ok(()) };
        match last {
            Some(known) => {
                let mut range = redis::cmd("XRANGE");
                let there: Vec<Row> =
                    range.arg(&self.stream).arg(&*known).arg(&*known).query_async(connection).await?;
                if there.is_empty() {
                    tracing::warn!(
                        "Redis has lost the purges that this host knew, so everything kept is dropped"
                    );
                    marks.apply(Mark::All, marks.latest().saturating_add(1));
                    *last = None;
                }
            }
            None => {
                let rows: Vec<Row> =
                    redis::cmd("XRANGE").arg(&self.stream).arg("-").arg("+").query_async(connection).await?;
                // A stream that was trimmed begins in the middle.
                if rows.len() as u64 >= KEPT
                    && let Some(first) = rows.first().and_then(|(id, _)| parse(id))
                {
                    marks.apply(Mark::All, first);
                }
                rows.into_iter().for_each(|row| take(&marks, row, last));
            }
        }
        Ok(())
    }
}

fn take(marks: &Marks, (id, fields): Row, last: &mut Option<String>) {
    if let Some(at) = parse(&id) {
        for (kind, text) in fields {
            match kind.as_str() {
                "exact" => marks.apply(Mark::Exact(text.into()), at),
                "prefix" => marks.apply(Mark::Prefix(text.into()), at),
                // What a later version says and this one does not know may mean anything.
                _ => marks.apply(Mark::All, at),
            }
        }
    }
    *last = Some(id);
}

/// The position of the purge with this identifier, `milliseconds-count`.
fn parse(id: &str) -> Option<u64> {
    let (ms, count) = id.split_once('-')?;
    Some(position(ms.parse().ok()?, count.parse().ok()?))
}
