//! Sessions of browsers: an opaque id in a cookie, everything else here.
//!
//! All sessions are in memory, which decides; the database is what makes them last. What only a refresh or a logout needs, the
//! provider's tokens, is in the database alone.
//! **Invariant:** an id is kept nowhere, only its hash; a session that was ended is not found by any request that begins later.

mod session;
mod table;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

use ostler_services::{Clock, Database, DatabaseError};
use sha2::{Digest, Sha256};

pub(crate) use session::{Person, Session, Tokens};

use crate::host_key::{Hash, random_text};

/// How long a session lasts unused, unless the login says otherwise.
pub const IDLE: Duration = Duration::from_secs(1_800);

/// How long a session lasts, unless the login says otherwise.
pub const LIFE: Duration = Duration::from_secs(12 * 3_600);

/// Sessions of one host.
const SESSIONS_MAX: usize = 200_000;

/// Sessions of one person; the one that was used longest ago ends for the next.
const PER_SUBJECT_MAX: usize = 20;

/// Interval in which sessions that are over are thrown away.
const SWEEP: Duration = Duration::from_secs(60);

/// The sessions of this host; clones share them.
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

struct Inner {
    database: Database,
    clock: Clock,
    all: RwLock<HashMap<Hash, Arc<Session>, foldhash::fast::RandomState>>,
}

/// What a session is begun with.
pub(crate) struct Begin {
    pub(crate) authenticator: Arc<str>,
    pub(crate) person: Person,
    pub(crate) tokens: Tokens,
    pub(crate) idle: Duration,
    pub(crate) life: Duration,
}

/// Why a session could not be begun.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionsError {
    #[error("there are {SESSIONS_MAX} sessions, which is all that one host keeps")]
    TooMany,
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

impl Sessions {
    /// The sessions in `database`. Blocks on the disk: for start-up.
    ///
    /// # Errors
    /// If the database fails.
    pub fn open(database: Database, clock: Clock) -> Result<Self, DatabaseError> {
        let now = clock.now_ms();
        let all = database.read(table::all)?.into_iter().filter(|session| session.is_live(now));
        let all = all.map(|session| (session.hash, Arc::new(session))).collect();
        Ok(Sessions(Arc::new(Inner { database, clock, all: RwLock::new(all) })))
    }

    /// The live session with this id, which thereby is used.
    pub(crate) fn find(&self, id: &str, authenticator: &str) -> Option<Arc<Session>> {
        let all = self.0.all.read().unwrap_or_else(PoisonError::into_inner);
        let session = all.get(&hash(id)).filter(|session| &*session.authenticator == authenticator)?.clone();
        drop(all);
        let now = self.0.clock.now_ms();
        if !session.is_live(now) {
            return None;
        }
        if session.use_at(now) {
            self.note(session.clone(), now);
        }
        Some(session)
    }

    /// Begins a session and returns its id, which only the client's cookie may hold. It lasts once this returns.
    pub(crate) async fn begin(&self, begin: Begin) -> Result<(String, Arc<Session>), SessionsError> {
        let id = random_text()?;
        let (session, tokens) = Session::begin(hash(&id), begin, self.0.clock.now_ms());
        let session = Arc::new(session);
        self.make_room(&session).await?;
        let row = session.clone();
        self.0.database.write(move |tx| table::insert(tx, &row, &tokens)).await?;
        self.all().insert(session.hash, session.clone());
        Ok((id, session))
    }

    /// The same session under a new id, and with what is now known of the person; the old id is worth nothing any more.
    pub(crate) async fn renew(
        &self,
        session: &Session,
        person: Person,
    ) -> Result<(String, Arc<Session>), SessionsError> {
        let id = random_text()?;
        let next = Arc::new(session.renewed(hash(&id), person, self.0.clock.now_ms()));
        self.all().remove(&session.hash);
        let (old, row) = (session.hash, next.clone());
        let there = self.0.database.write(move |tx| table::replace(tx, &old, &row)).await?;
        // Whoever ended it meanwhile meant the new one too.
        if there {
            self.all().insert(next.hash, next.clone());
        }
        Ok((id, next))
    }

    /// Ends a session; at once for requests, for good once this returns.
    pub(crate) async fn end(&self, session: &Session) -> Result<(), DatabaseError> {
        session.end();
        self.all().remove(&session.hash);
        let hash = session.hash;
        self.0.database.write(move |tx| table::delete(tx, &[hash])).await
    }

    /// Ends all sessions of a person, with any authenticator; how many there were.
    ///
    /// # Errors
    /// If the database fails; then they have ended for this process, but may come back with the next.
    pub async fn end_all_of(&self, subject: &str) -> Result<usize, DatabaseError> {
        let ended = self.take(|session| &*session.principal().subject == subject);
        let hashes: Vec<_> = ended.iter().map(|session| session.hash).collect();
        self.0.database.write(move |tx| table::delete(tx, &hashes)).await?;
        Ok(ended.len())
    }

    /// The provider's tokens of a session.
    pub(crate) fn tokens(&self, session: &Session) -> Result<Tokens, DatabaseError> {
        self.0.database.read(|connection| table::tokens(connection, &session.hash))
    }

    /// Keeps what a refresh brought.
    pub(crate) async fn refreshed(
        &self,
        session: &Session,
        person: Option<Person>,
        tokens: Tokens,
    ) -> Result<(), DatabaseError> {
        session.refreshed(person, &tokens);
        let (hash, person) = (session.hash, session.person());
        self.0.database.write(move |tx| table::refresh(tx, &hash, &person, &tokens)).await
    }

    /// Throws away sessions that are over, every minute, for ever. Ends with its task.
    pub async fn sweep_forever(self) {
        loop {
            tokio::time::sleep(SWEEP).await;
            if let Err(error) = self.sweep().await {
                tracing::warn!(%error, "sessions that are over were not thrown away; the next minute tries again");
            }
        }
    }

    /// Throws away sessions that are over.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn sweep(&self) -> Result<(), DatabaseError> {
        let now = self.0.clock.now_ms();
        let over: Vec<_> =
            self.take(|session| !session.is_live(now)).iter().map(|session| session.hash).collect();
        if over.is_empty() {
            return Ok(());
        }
        self.0.database.write(move |tx| table::delete(tx, &over)).await
    }

    /// Ends the person's session that was used longest ago, if there are too many.
    async fn make_room(&self, next: &Session) -> Result<(), SessionsError> {
        let mut own = Vec::new();
        {
            let all = self.0.all.read().unwrap_or_else(PoisonError::into_inner);
            if all.len() >= SESSIONS_MAX {
                return Err(SessionsError::TooMany);
            }
            let subject = next.principal().subject.clone();
            let same = |one: &&Arc<Session>| {
                one.authenticator == next.authenticator && one.principal().subject == subject
            };
            own.extend(all.values().filter(same).cloned());
        }
        own.sort_by_key(|session| session.seen());
        for oldest in own.iter().rev().skip(PER_SUBJECT_MAX - 1) {
            self.end(oldest).await?;
        }
        Ok(())
    }

    /// Takes those that `wanted` accepts out of memory.
    fn take(&self, wanted: impl Fn(&Session) -> bool) -> Vec<Arc<Session>> {
        let mut all = self.all();
        let taken: Vec<_> = all.values().filter(|session| wanted(session)).cloned().collect();
        for session in &taken {
            session.end();
            all.remove(&session.hash);
        }
        taken
    }

    /// Writes down that a session was used, beside the request.
    fn note(&self, session: Arc<Session>, now_ms: i64) {
        let database = self.0.database.clone();
        let noting = async move {
            let hash = session.hash;
            if let Err(error) = database.write(move |tx| table::seen(tx, &hash, now_ms)).await {
                tracing::warn!(%error, "the use of a session was not written down");
            }
        };
        drop(tokio::spawn(noting));
    }

    fn all(&self) -> RwLockWriteGuard<'_, HashMap<Hash, Arc<Session>, foldhash::fast::RandomState>> {
        self.0.all.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An id has 256 random bits, so a plain hash cannot be turned back.
fn hash(id: &str) -> Hash {
    Sha256::digest(id.as_bytes()).into()
}
