//! API keys of this host: made, listed, rotated and revoked by operators, checked on the request path.
//!
//! All keys are in memory, as one immutable map that each change replaces; the database is what makes a change last.
//! **Invariant:** what is kept of a key's secret is a keyed hash; the text leaves this room once, when it is made.

mod principal;
mod record;
mod table;
mod text;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use ostler_core::Principal;
use ostler_services::{Clock, Database, DatabaseError};
use tokio::sync::Mutex;

pub use record::{NewKey, Record};
pub(crate) use text::PREFIX;

use crate::host_key::{HostKey, same};
use record::Key;
use text::Text;

/// Keys of one host, revoked ones included.
pub const KEYS_MAX: usize = 100_000;

/// Interval in which last uses are written down, and how exact they are.
const USES: Duration = Duration::from_secs(60);

/// The API keys of this host; clones share them.
#[derive(Clone)]
pub struct Keys(Arc<Inner>);

struct Inner {
    database: Database,
    secret: HostKey,
    clock: Clock,
    all: ArcSwap<Map>,
    /// Held by a change from its first look at `all` until it is in force.
    change: Mutex<()>,
}

type Map = HashMap<Box<str>, Arc<Key>, foldhash::fast::RandomState>;

/// A key that was just made, with what is shown once.
#[derive(Clone)]
pub struct Shown {
    /// All but the secret.
    pub record: Record,
    /// The key itself.
    pub text: String,
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// No key has this id.
    #[error("there is no key {0:?}; `ostler keys list` shows those there are")]
    Unknown(String),
    /// It is revoked, for ever.
    #[error("key {0} is revoked, which cannot be undone; make a new one")]
    Revoked(String),
    /// There are [`KEYS_MAX`] already.
    #[error("there are {KEYS_MAX} keys, which is all that one host keeps")]
    TooMany,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The kernel gave no random bytes.
    #[error("no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

/// Why a text does not let its bearer in. For the log; clients are told nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("no API key: its form or checksum is wrong")]
    Malformed,
    #[error("no key has this id")]
    Unknown,
    #[error("the key's secret is wrong")]
    Wrong,
    #[error("the key belongs to another authenticator")]
    Elsewhere,
    #[error("the key is revoked")]
    Revoked,
    #[error("the key has expired")]
    Expired,
}

impl Keys {
    /// The keys in `database`, hashed with `secret`. Blocks on the disk: for start-up.
    ///
    /// # Errors
    /// If the database fails.
    pub fn open(database: Database, secret: &HostKey, clock: Clock) -> Result<Self, DatabaseError> {
        let all = database.read(table::all)?.into_iter();
        let all: Map = all.map(|key| (key.record.id.as_str().into(), Arc::new(key))).collect();
        let (secret, all, change) = (secret.purpose("api-key"), ArcSwap::from_pointee(all), Mutex::default());
        Ok(Keys(Arc::new(Inner { database, secret, clock, all, change })))
    }

    /// All keys, the newest first.
    pub fn list(&self) -> Vec<Record> {
        let mut all: Vec<_> = self.0.all.load().values().map(|key| key.view()).collect();
        all.sort_by(|one, other| (other.created_ms, &other.id).cmp(&(one.created_ms, &one.id)));
        all
    }

    /// One key.
    pub fn get(&self, id: &str) -> Result<Record, KeysError> {
        Ok(self.find(id)?.view())
    }

    /// Makes a key; it can be used at once and survives everything.
    ///
    /// # Errors
    /// There are too many; the database or the kernel fails.
    pub async fn create(&self, new: NewKey) -> Result<Shown, KeysError> {
        let _one = self.0.change.lock().await;
        if self.0.all.load().len() >= KEYS_MAX {
            return Err(KeysError::TooMany);
        }
        let text = Text::new()?;
        let now = self.0.clock.now_ms();
        let key = Key::new(new.record(text.id(), now), text.hash(&self.0.secret));
        self.keep(key).await.map(|record| Shown { record, text: text.reveal() })
    }

    /// Gives a key a new secret; the old one is good for `grace` more.
    ///
    /// # Errors
    /// There is no such key, or it is revoked; the database or the kernel fails.
    pub async fn rotate(&self, id: &str, grace: Duration) -> Result<Shown, KeysError> {
        let _one = self.0.change.lock().await;
        let old = self.find(id)?;
        if old.record.revoked_ms.is_some() {
            return Err(KeysError::Revoked(old.record.id.clone()));
        }
        let text = Text::of(&old.record.id)?;
        let clock = &self.0.clock;
        let key = old.rotated(text.hash(&self.0.secret), clock.now_ms(), clock.deadline_ms(grace));
        self.keep(key).await.map(|record| Shown { record, text: text.reveal() })
    }

    /// Ends a key for ever; a second time changes nothing.
    ///
    /// # Errors
    /// There is no such key; the database fails.
    pub async fn revoke(&self, id: &str) -> Result<Record, KeysError> {
        let _one = self.0.change.lock().await;
        let old = self.find(id)?;
        if old.record.revoked_ms.is_some() {
            return Ok(old.view());
        }
        self.keep(old.revoked(self.0.clock.now_ms())).await
    }

    /// Whom `text` stands for with `authenticator`. A hash and a look into a map; nothing is awaited.
    pub(crate) fn check(&self, text: &str, authenticator: &str) -> Result<Arc<Principal>, Refused> {
        let id = text::id(text).ok_or(Refused::Malformed)?;
        // Hashed whether or not there is such a key, so that the time taken does not tell.
        let hash = self.0.secret.hash(&[text.as_bytes()]);
        let all = self.0.all.load();
        let key = all.get(id).ok_or(Refused::Unknown)?;
        let now = self.0.clock.now_ms();
        let former = key.former.filter(|former| now < former.until_ms);
        let current = same(&hash, &key.hash);
        if !(current | former.is_some_and(|former| same(&hash, &former.hash))) {
            return Err(Refused::Wrong);
        }
        key.record.refusal(authenticator, now).map_or(Ok(()), Err)?;
        key.use_at(now, USES);
        Ok(key.principal.clone())
    }

    /// Writes down last uses, once a minute, for ever. Ends with its task.
    pub async fn note_uses_forever(self) {
        loop {
            tokio::time::sleep(USES).await;
            if let Err(error) = self.note_uses().await {
                tracing::warn!(%error, "last uses of API keys were not written down; the next minute tries again");
            }
        }
    }

    /// Writes down the last uses that are not yet.
    ///
    /// # Errors
    /// If the database fails; they are kept for the next time.
    pub async fn note_uses(&self) -> Result<(), DatabaseError> {
        let due: Vec<_> = self.0.all.load().values().filter(|key| key.use_is_due()).cloned().collect();
        if due.is_empty() {
            return Ok(());
        }
        let uses: Vec<_> = due.iter().map(|key| (key.record.id.clone(), key.used())).collect();
        let noted: Vec<_> = uses.iter().map(|(_, used)| *used).collect();
        self.0.database.write(move |tx| table::note_uses(tx, &uses)).await?;
        due.iter().zip(noted).for_each(|(key, used)| key.noted(used));
        Ok(())
    }

    fn find(&self, id: &str) -> Result<Arc<Key>, KeysError> {
        let unknown = || KeysError::Unknown(id.chars().take(40).collect());
        self.0.all.load().get(id).cloned().ok_or_else(unknown)
    }

    /// Writes `key` down, then lets everybody see it. The caller holds `change`.
    async fn keep(&self, key: Key) -> Result<Record, KeysError> {
        let row = key.row();
        self.0.database.write(move |tx| table::put(tx, &row)).await?;
        let record = key.view();
        let mut all = Map::clone(&self.0.all.load());
        all.insert(record.id.as_str().into(), Arc::new(key));
        self.0.all.store(Arc::new(all));
        Ok(record)
    }
}
