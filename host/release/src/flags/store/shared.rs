//! Changes of all hosts that share a Redis: a hash has the last change of each flag, a stream tells of each.
//!
//! Who changes a flag is decided in Redis, by one script, so that two hosts cannot both win; every host then keeps the change in
//! its own database. **Invariant:** the higher version of a flag wins everywhere, also over a Redis that has forgotten it, and of two
//! of one version the one that Redis has; a change that a host could not keep is looked for again; without Redis a host serves its
//! own copy and refuses changes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Weak};
use std::time::Duration;

use ostler_services::database::rusqlite::{self, Connection};
use ostler_services::{DatabaseError, Redis};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisError, Script};
use serde::{Deserialize, Serialize};

use super::{Change, ChangeError, Inner, Store, rows};
use crate::flags::DEFINITION_MAX;

/// Changes that the stream keeps, roughly; whoever missed more reads the hash.
const KEPT: u64 = 10_000;

/// Longest the server waits for the next change before it says that there is none.
const BLOCK: Duration = Duration::from_secs(2);

/// Longest it may take to say so; then the connection counts as lost.
const SILENCE: Duration = Duration::from_secs(6);

/// Before the next attempt to connect.
const AGAIN: Duration = Duration::from_millis(200);

/// Makes a change if the version allows it: `{1, version}`, or `{0, version}` for a conflict, or `{2, version}` for a removal of
/// what is not there. `ARGV`: key, expected version or empty, version of this host, definition or empty, at, who, why, kept.
static CHANGE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local version, defined = tonumber(ARGV[3]), false
        local old = redis.call('HGET', KEYS[1], ARGV[1])
        local ours, known = pcall(cjson.decode, old or '')
        if ours and type(known) == 'table' and type(known.version) == 'number' then
            version = math.max(version, known.version)
            defined = known.definition ~= cjson.null
        end
        if ARGV[2] ~= '' and tonumber(ARGV[2]) ~= version and not (ARGV[2] == '0' and not defined) then
            return {0, version}
        end
        local definition = ARGV[4]
        if definition == '' then
            if not defined then return {2, version} end
            definition = cjson.null
        end
        local change = cjson.encode({key = ARGV[1], version = version + 1, definition = definition,
            at = tonumber(ARGV[5]), who = ARGV[6], why = ARGV[7]})
        redis.call('HSET', KEYS[1], ARGV[1], change)
        redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[8], '*', 'change', change)
        return {1, version + 1}",
    )
});

/// Brings back a change that Redis does not know or has forgotten, or gives the one that it has instead. `ARGV`: key, version,
/// change, kept.
static RESTORE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local old = redis.call('HGET', KEYS[1], ARGV[1])
        local ours, known = pcall(cjson.decode, old or '')
        if ours and type(known) == 'table' and (tonumber(known.version) or 0) >= tonumber(ARGV[2]) then return old end
        redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
        redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'change', ARGV[3])
        return false",
    )
});

type Row = (String, Vec<(String, String)>);

/// Why changes of others are not heard of.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// They cannot be kept; they are looked for again.
    #[error("changes of other hosts could not be kept: {0}")]
    Kept(#[from] ChangeError),
}

/// The Redis that hosts share, and the names in it.
pub(super) struct Shared {
    redis: Redis,
    hash: String,
    stream: String,
    connected: AtomicBool,
}

/// A change as Redis has it.
#[derive(Serialize, Deserialize)]
struct Told {
    key: String,
    version: u64,
    definition: Option<String>,
    at: i64,
    who: String,
    why: String,
}

impl Shared {
    pub(super) fn new(redis: Redis, namespace: &str) -> Self {
        let (hash, stream) = (format!("{namespace}:flags"), format!("{namespace}:flags:changes"));
        Shared { redis, hash, stream, connected: AtomicBool::new(false) }
    }

    /// Whether changes of others are heard of now.
    pub(super) fn is_connected(&self) -> bool {
        self.connected.load(Relaxed)
    }

    /// Decides a change among all hosts; with the version that it got.
    pub(super) async fn decide(
        &self,
        change: &Change,
        expected: Option<u64>,
        own: u64,
    ) -> Result<u64, ChangeError> {
        let expected_text = expected.map(|version| version.to_string()).unwrap_or_default();
        let mut call = CHANGE.prepare_invoke();
        call.key(&self.hash).key(&self.stream).arg(&change.key).arg(expected_text).arg(own);
        call.arg(change.definition.as_deref().unwrap_or_default());
        call.arg(change.at).arg(&change.who).arg(&change.why).arg(KEPT);
        let asked = self.redis.ask(async |mut connection| call.invoke_async(&mut connection).await).await;
        let key = || change.key.clone();
        match asked.map_err(|_| ChangeError::SharedStoreGone)? {
            (1, version) => Ok(version),
            (2, _) => Err(ChangeError::NotOfTheApi { key: key() }),
            (_, found) => {
                Err(ChangeError::Conflict { key: key(), expected: expected.unwrap_or(found), found })
            }
        }
    }

    /// Follows the stream for as long as somebody holds the store.
    pub(super) async fn follow(self: Arc<Self>, store: Weak<Inner>) {
        let (mut told, mut last) = (false, "0-0".to_owned());
        while store.strong_count() > 0 {
            let heard = match self.connection().await {
                Ok(connection) => self.listen(connection, &store, &mut told, &mut last).await,
                Err(error) => Err(error.into()),
            };
            self.connected.store(false, Relaxed);
            if let Err(error) = heard
                && !std::mem::replace(&mut told, true)
            {
                tracing::warn!(%error, "changes of flags are not shared for now; this host's own copy is served");
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn connection(&self) -> Result<MultiplexedConnection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(SILENCE))
            .set_response_timeout(Some(SILENCE));
        self.redis.client().get_multiplexed_async_connection_with_config(&config).await
    }

    /// One connection, until it is lost or nobody else holds the store. `last` is what was read up to.
    async fn listen(
        &self,
        mut connection: MultiplexedConnection,
        held: &Weak<Inner>,
        told: &mut bool,
        last: &mut String,
    ) -> Result<(), Lost> {
        let Some(store) = held.upgrade().map(Store) else { return Ok(()) };
        if place(last) > place(&self.position(&mut connection).await?) {
            // Of a stream that is gone.
            *last = "0-0".to_owned();
        }
        // What is in force is in the hash; the stream tells as well what came before, which is history.
        self.compare(&mut connection, &store).await?;
        self.connected.store(true, Relaxed);
        if std::mem::replace(told, false) {
            tracing::info!("changes of flags are shared again");
        }
        drop(store);
        loop {
            let mut read = redis::cmd("XREAD");
            read.arg("COUNT").arg(1_000).arg("BLOCK").arg(BLOCK.as_millis() as u64);
            read.arg("STREAMS").arg(&self.stream).arg(&*last);
            let streams: Option<Vec<(String, Vec<Row>)>> = read.query_async(&mut connection).await?;
            let Some(store) = held.upgrade().map(Store) else { return Ok(()) };
            let rows: Vec<Row> = streams.into_iter().flatten().flat_map(|(_, rows)| rows).collect();
            let Some(read) = rows.last().map(|(id, _)| id.clone()) else {
                self.look_for_losses(&mut connection, &store).await?;
                continue;
            };
            let fields = rows.into_iter().flat_map(|(_, fields)| fields);
            store.take(fields.filter_map(|(_, text)| parse(&text)).collect()).await?;
            *last = read;
        }
    }

    /// Id of the latest change that was told of.
    async fn position(&self, connection: &mut MultiplexedConnection) -> Result<String, RedisError> {
        let mut range = redis::cmd("XREVRANGE");
        range.arg(&self.stream).arg("+").arg("-").arg("COUNT").arg(1);
        let rows: Vec<Row> = range.query_async(connection).await?;
        Ok(rows.into_iter().next().map_or_else(|| "0-0".to_owned(), |(id, _)| id))
    }

    /// A Redis that was emptied is told again what this host knows.
    async fn look_for_losses(
        &self,
        connection: &mut MultiplexedConnection,
        store: &Store,
    ) -> Result<(), Lost> {
        let there: usize = redis::cmd("HLEN").arg(&self.hash).query_async(connection).await?;
        match store.of_database(rows::known).await? > there {
            true => self.compare(connection, store).await,
            false => Ok(()),
        }
    }

    /// Brings both sides to the higher version of each flag, and this one to what Redis has of the same.
    async fn compare(&self, connection: &mut MultiplexedConnection, store: &Store) -> Result<(), Lost> {
        let there: HashMap<String, String> =
            redis::cmd("HGETALL").arg(&self.hash).query_async(connection).await?;
        let mut there: HashMap<String, Change> = there
            .values()
            .filter_map(|text| parse(text))
            .map(|change| (change.key.clone(), change))
            .collect();
        for own in store.of_database(rows::latest).await? {
            if there.get(&own.key).is_none_or(|change| change.version < own.version)
                && let Some(other) = self.restore(connection, own).await?
            {
                there.insert(other.key.clone(), other);
            }
        }
        Ok(store.take(there.into_values().collect()).await?)
    }

    /// Tells Redis of a change; with the one that it has been told of meanwhile, which counts.
    async fn restore(
        &self,
        connection: &mut MultiplexedConnection,
        own: Change,
    ) -> Result<Option<Change>, RedisError> {
        let Change { key, version, definition, at, who, why } = own;
        let told = Told { key, version, definition, at, who, why };
        let Ok(text) = serde_json::to_string(&told) else { return Ok(None) };
        let mut call = RESTORE.prepare_invoke();
        call.key(&self.hash).key(&self.stream).arg(told.key).arg(version).arg(text).arg(KEPT);
        let other: Option<String> = call.invoke_async(connection).await?;
        Ok(other.as_deref().and_then(parse))
    }
}

impl Store {
    /// What `read` finds in the database, off the threads that serve.
    async fn of_database<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, ChangeError> {
        let database = self.0.database.clone();
        let read = move || database.read(|connection| Ok::<_, ChangeError>(read(connection)?));
        match tokio::task::spawn_blocking(read).await {
            Ok(read) => read,
            Err(_) => Err(DatabaseError::Closed.into()),
        }
    }

    /// Keeps those changes that this host does not know yet, and puts the latest in force.
    ///
    /// # Errors
    /// If they cannot be kept; then none is in force, and whoever told of them has to tell again.
    pub(super) async fn take(&self, changes: Vec<Change>) -> Result<(), ChangeError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut layers = self.0.layers.lock().await;
        let written = self.0.database.write(move |tx| {
            let mut new = Vec::new();
            for change in changes {
                if rows::is_news(tx, &change)? {
                    rows::write(tx, &change)?;
                    new.push(change);
                } else {
                    rows::remember(tx, &change)?;
                }
            }
            if new.iter().any(|change| change.definition.is_none()) {
                rows::forget_removed(tx)?;
            }
            Ok::<_, ChangeError>(new)
        });
        let new = written.await?;
        for change in &new {
            layers.take(change, &self.0.stats);
            self.0.stats.took();
        }
        if !new.is_empty() {
            self.0.flags.put(layers.set());
        }
        Ok(())
    }
}

/// An id of a stream as the two numbers that it is.
fn place(id: &str) -> (u64, u64) {
    let (at, number) = id.split_once('-').unwrap_or((id, "0"));
    (at.parse().unwrap_or(0), number.parse().unwrap_or(0))
}

/// A change, if it is one of ours: others may write to this Redis, and a later version may tell more.
fn parse(text: &str) -> Option<Change> {
    if text.len() > 8 * DEFINITION_MAX {
        return None;
    }
    let Told { key, version, definition, at, who, why } = serde_json::from_str(text).ok()?;
    (ostler_core::when::is_flag_key(&key) && version > 0).then_some(Change {
        key,
        version,
        definition,
        at,
        who,
        why,
    })
}
