//! One release of a plugin, as it is recorded and looked up.

use std::collections::HashSet;

use ostler_core::Digest;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Registry, history};
use crate::Error;
use crate::admission::Admitted;

/// A recorded release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Digest of its component.
    pub digest: Digest,
    /// Size of its component in bytes.
    pub size: u64,
    /// Which handler it exports.
    pub handler: String,
    /// Time it took to compile, in milliseconds.
    pub compile_ms: u64,
    /// What the operator was told when it came.
    pub warnings: Vec<String>,
    /// First recorded, in Unix milliseconds.
    pub created_at_ms: i64,
    /// Last activated, in Unix milliseconds; 0 if it was never live.
    pub activated_at_ms: i64,
    /// Whether it is the one that serves.
    pub live: bool,
}

/// What is known about a release beside its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewRelease {
    /// Which handler it exports.
    pub handler: String,
    /// Time it took to compile, in milliseconds.
    pub compile_ms: u64,
    /// What the operator is told.
    pub warnings: Vec<String>,
    /// What it passed, and what came with it.
    pub admitted: Admitted,
}

/// What came of recording a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The release.
    pub release: Release,
    /// Whether the plugin did not have it before.
    pub new: bool,
}

const COLUMNS: &str = "id, digest, size, handler, compile_ms, warnings, created_at, activated_at";

impl Registry {
    /// Releases of `plugin`: the live one, then by when they were last activated or, those that never were, recorded.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn list(&self, plugin: &str) -> Result<Vec<Release>, Error> {
        self.database.read(|connection| {
            let one_moment = connection.unchecked_transaction()?;
            let live = history::live(&one_moment, plugin)?;
            let sql = format!(
                "SELECT {COLUMNS} FROM release WHERE plugin = ?1 ORDER BY id IS ?2 DESC, max(activated_at, created_at) DESC, id DESC"
            );
            let mut statement = one_moment.prepare_cached(&sql)?;
            let releases = statement.query_map(params![plugin, live], |row| read(row, live))?;
            Ok(releases.collect::<Result<_, _>>()?)
        })
    }

    /// The release of `plugin` with this digest.
    ///
    /// # Errors
    /// `NoSuchRelease`; `Unavailable`.
    pub fn release(&self, plugin: &str, digest: &Digest) -> Result<Release, Error> {
        self.database.read(|connection| {
            let one_moment = connection.unchecked_transaction()?;
            load(&one_moment, plugin, find(&one_moment, plugin, digest)?)
        })
    }

    /// The live release of `plugin`, if it has one.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn live(&self, plugin: &str) -> Result<Option<Release>, Error> {
        self.database.read(|connection| {
            let one_moment = connection.unchecked_transaction()?;
            let live = history::live(&one_moment, plugin)?;
            live.map(|id| load(&one_moment, plugin, id)).transpose()
        })
    }
}

/// The id of a release.
pub(super) fn find(connection: &Connection, plugin: &str, digest: &Digest) -> Result<i64, Error> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM release WHERE plugin = ?1 AND digest = ?2")?;
    let id = statement.query_row(params![plugin, digest.bytes()], |row| row.get(0)).optional()?;
    id.ok_or_else(|| Error::NoSuchRelease { plugin: plugin.to_owned(), digest: *digest })
}

/// The release with this id.
pub(super) fn load(connection: &Connection, plugin: &str, id: i64) -> Result<Release, Error> {
    let live = history::live(connection, plugin)?;
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM release WHERE id = ?1"))?;
    Ok(statement.query_row([id], |row| read(row, live))?)
}

/// Every digest that a release names.
pub(super) fn all_digests(connection: &Connection) -> Result<HashSet<Digest>, Error> {
    let mut statement = connection.prepare("SELECT DISTINCT digest FROM release")?;
    let digests = statement.query_map([], |row| Ok(Digest::from_bytes(row.get(0)?)))?;
    Ok(digests.collect::<Result<_, _>>()?)
}

fn read(row: &Row<'_>, live: Option<i64>) -> rusqlite::Result<Release> {
    let warnings: String = row.get(5)?;
    let unreadable = |error| rusqlite::Error::FromSqlConversionFailure(5, Type::Text, Box::new(error));
    Ok(Release {
        live: live == Some(row.get(0)?),
        digest: Digest::from_bytes(row.get(1)?),
        size: row.get::<_, i64>(2)?.unsigned_abs(),
        handler: row.get(3)?,
        compile_ms: row.get::<_, i64>(4)?.unsigned_abs(),
        warnings: serde_json::from_str(&warnings).map_err(unreadable)?,
        created_at_ms: row.get(6)?,
        activated_at_ms: row.get(7)?,
    })
}
