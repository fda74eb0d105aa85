//! Changes of all hosts that share a Redis: a hash has the last change of each flag, a stream tells of each.
//!
//! Who changes a flag is decided in Redis, by one script, so that two hosts cannot both win; every host then keeps the change in
//! its own database. **Invariant:** the higher version of a flag wins everywhere, also over a Redis that has forgotten it; without
//! Redis a host serves its own copy and refuses changes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Weak};
use std::time::Duration;

use ostler_services::Redis;
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
        if old then
            local known = cjson.decode(old)
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

/// Brings back a change that Redis does not know or has forgotten. `ARGV`: key, version, change, kept.
static RESTORE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local old = redis.call('HGET', KEYS[1], ARGV[1])
        if old and cjson.decode(old).version >= tonumber(ARGV[2]) then return 0 end
        redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
        redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'change', ARGV[3])
        return 1",
    )
});

type Row = (String, Vec<(String, String)>);

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
        let mut told = false;
        while store.strong_count() > 0 {
            let heard = match self.connection().await {
                Ok(connection) => self.listen(connection, &store, &mut told).await,
                Err(error) => Err(error),
            };
            self.connected.store(false, Relaxed);
            if let Err(error) = heard
                && !std::mem::replace(&mut told, true)
            {
                tracing::warn!(%error, "changes of flags are not shared until Redis answers again; this host's own copy is served");
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

    /// One connection, until it is lost or nobody else holds the store.
    async fn listen(
        &self,
        mut connection: MultiplexedConnection,
        held: &Weak<Inner>,
        told: &mut bool,
    ) -> Result<(), RedisError> {
        let Some(store) = held.upgrade().map(Store) else { return Ok(()) };
        // What is told of after this position may be in the hash already, which does no harm.
        let mut last = self.position(&mut connection).await?;
        self.compare(&mut connection, &store).await?;
        self.connected.store(true, Relaxed);
        if std::mem::replace(told, false) {
            tracing::info!("changes of flags are shared again");
        }
        drop(store);
        loop {
            let mut read = redis::cmd("XREAD");
            read.arg("COUNT").arg(1_000).arg("BLOCK").arg(BLOCK.as_millis() as u64);
            read.arg("STREAMS").arg(&self.stream).arg(&last);
            let streams: Option<Vec<(String, Vec<Row>)>> = read.query_async(&mut connection).await?;
            let Some(store) = held.upgrade().map(Store) else { return Ok(()) };
            let rows: Vec<Row> = streams.into_iter().flatten().flat_map(|(_, rows)| rows).collect();
            match rows.last() {
                Some((id, _)) => last = id.clone(),
                None => self.look_for_losses(&mut connection, &store).await?,
            }
            let fields = rows.into_iter().flat_map(|(_, fields)| fields);
            store.take(fields.filter_map(|(_, text)| parse(&text)).collect()).await;
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
    ) -> Result<(), RedisError> {
        let there: usize = redis::cmd("HLEN").arg(&self.hash).query_async(connection).await?;
        match store.latest().len() > there {
            true => self.compare(connection, store).await,
            false => Ok(()),
        }
    }

    /// Brings both sides to the higher version of each flag.
    async fn compare(&self, connection: &mut MultiplexedConnection, store: &Store) -> Result<(), RedisError> {
        let there: HashMap<String, String> =
            redis::cmd("HGETALL").arg(&self.hash).query_async(connection).await?;
        let there: HashMap<String, Change> = there
            .values()
            .filter_map(|text| parse(text))
            .map(|change| (change.key.clone(), change))
            .collect();
        for own in store.latest() {
            if there.get(&own.key).is_none_or(|change| change.version < own.version) {
                self.restore(connection, own).await?;
            }
        }
        store.take(there.into_values().collect()).await;
        Ok(())
    }

    async fn restore(&self, connection: &mut MultiplexedConnection, own: Change) -> Result<(), RedisError> {
        let Change { key, version, definition, at, who, why } = own;
        let told = Told { key, version, definition, at, who, why };
        let Ok(text) = serde_json::to_string(&told) else { return Ok(()) };
        let mut call = RESTORE.prepare_invoke();
        call.key(&self.hash).key(&self.stream).arg(told.key).arg(version).arg(text).arg(KEPT);
        call.invoke_async(connection).await
    }
}

impl Store {
    /// The last change of every flag that was ever changed over the API.
    fn latest(&self) -> Vec<Change> {
        self.0.database.read(|connection| Ok::<_, ChangeError>(rows::latest(connection)?)).unwrap_or_default()
    }

    /// Keeps those changes that this host does not know yet, and puts them in force.
    async fn take(&self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let mut layers = self.0.layers.lock().await;
        let written = self.0.database.write(move |tx| {
            let mut new = Vec::new();
            for change in changes {
                if rows::version(tx, &change.key)? < change.version {
                    rows::write(tx, &change)?;
                    new.push(change);
                }
            }
            Ok::<_, ChangeError>(new)
        });
        match written.await {
            Ok(new) if new.is_empty() => {}
            Ok(new) => {
                for change in &new {
                    layers.take(change);
                    self.0.stats.took();
                }
                self.0.flags.put(layers.set());
            }
            Err(error) => tracing::error!(%error, "changes of flags by other hosts could not be kept"),
        }
    }
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
