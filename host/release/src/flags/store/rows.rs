//! Flags of the API as the database keeps them: `flag` has the definitions in force, `flag_change` every change of each.
//!
//! **Invariant:** the version of a key only grows, also over its removal; both tables change in one transaction; what is kept of keys
//! that were removed is bounded but for one row each, which has the version.

use ostler_services::database::rusqlite::{self, Connection, OptionalExtension, Transaction, params};

use super::ChangeError;

/// Changes of each flag that are kept.
pub const HISTORY: usize = 100;

/// Removed flags of which more than the removal is kept, so that they can be gone back to.
pub(super) const REMOVED: usize = 1_000;

/// One change of a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Key of the flag.
    pub key: String,
    /// Which change it is, from 1.
    pub version: u64,
    /// The definition from then on: JSON in one line. None took it away, back to the files' one.
    pub definition: Option<String>,
    /// When, in Unix milliseconds.
    pub at: i64,
    /// Who made it.
    pub who: String,
    /// Why, as they said; may be empty.
    pub why: String,
}

/// The version that `key` is at; 0 before its first change.
pub(super) fn version(connection: &Connection, key: &str) -> Result<u64, rusqlite::Error> {
    let mut statement = connection.prepare_cached("SELECT max(version) FROM flag_change WHERE key = ?1")?;
    let version: Option<i64> = statement.query_row([key], |row| row.get(0))?;
    Ok(version.map_or(0, |version| version.unsigned_abs()))
}

/// The definitions in force, with the change that each is from.
pub(super) fn all(connection: &Connection) -> Result<Vec<Change>, rusqlite::Error> {
    let sql = "SELECT key, version, definition, changed_at, who, '' FROM flag ORDER BY key";
    connection.prepare_cached(sql)?.query_map([], read)?.collect()
}

/// The last change of every key that has ever been changed.
pub(super) fn latest(connection: &Connection) -> Result<Vec<Change>, rusqlite::Error> {
    // Beside a `max` SQLite gives the other columns of the same row.
    let sql = "SELECT key, max(version), definition, at, who, why FROM flag_change GROUP BY key";
    connection.prepare_cached(sql)?.query_map([], read)?.collect()
}

/// How many keys have ever been changed.
pub(super) fn known(connection: &Connection) -> Result<usize, rusqlite::Error> {
    let sql = "SELECT count(DISTINCT key) FROM flag_change";
    let many: i64 = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    Ok(usize::try_from(many).unwrap_or(usize::MAX))
}

/// Whether `change` is newer than what is known of its key, or another one of the same version.
pub(super) fn is_news(connection: &Connection, change: &Change) -> Result<bool, rusqlite::Error> {
    let found = version(connection, &change.key)?;
    if found != change.version {
        return Ok(found < change.version);
    }
    let own = self::change(connection, &change.key, found)?;
    Ok(own.is_none_or(|own| own.definition != change.definition))
}

/// Changes of `key`, the latest first.
pub(super) fn history(connection: &Connection, key: &str) -> Result<Vec<Change>, rusqlite::Error> {
    let sql =
        "SELECT key, version, definition, at, who, why FROM flag_change WHERE key = ?1 ORDER BY version DESC";
    connection.prepare_cached(sql)?.query_map([key], read)?.collect()
}

/// One change of `key`.
pub(super) fn change(
    connection: &Connection,
    key: &str,
    version: u64,
) -> Result<Option<Change>, rusqlite::Error> {
    let sql =
        "SELECT key, version, definition, at, who, why FROM flag_change WHERE key = ?1 AND version = ?2";
    connection.prepare_cached(sql)?.query_row(params![key, signed(version)], read).optional()
}

/// The version that the next change of `key` gets, if it may be made.
pub(super) fn next_version(
    connection: &Connection,
    key: &str,
    defines: bool,
    expected: Option<u64>,
) -> Result<u64, ChangeError> {
    let found = version(connection, key)?;
    let is_defined = connection.prepare_cached("SELECT 1 FROM flag WHERE key = ?1")?.exists([key])?;
    check_version(key, found, is_defined, expected)?;
    if !defines && !is_defined {
        return Err(ChangeError::NotOfTheApi { key: key.into() });
    }
    Ok(found + 1)
}

/// A version of 0 expects no definition over the API, whatever was there before.
pub(super) fn check_version(
    key: &str,
    found: u64,
    is_defined: bool,
    expected: Option<u64>,
) -> Result<(), ChangeError> {
    match expected {
        Some(0) if !is_defined => Ok(()),
        Some(expected) if expected != found => {
            Err(ChangeError::Conflict { key: key.into(), expected, found })
        }
        _ => Ok(()),
    }
}

/// Records `change` and puts its definition in force.
pub(super) fn write(tx: &Transaction<'_>, change: &Change) -> Result<(), rusqlite::Error> {
    let Change { key, version, definition, at, who, .. } = change;
    record(tx, change, "REPLACE")?;
    let old = version.saturating_sub(HISTORY as u64);
    tx.prepare_cached("DELETE FROM flag_change WHERE key = ?1 AND version <= ?2")?
        .execute(params![key, signed(old)])?;
    match definition {
        Some(definition) => {
            let sql = "INSERT OR REPLACE INTO flag (key, definition, version, changed_at, who) VALUES (?1, ?2, ?3, ?4, ?5)";
            tx.prepare_cached(sql)?.execute(params![key, definition, signed(*version), at, who])?;
        }
        None => {
            tx.prepare_cached("DELETE FROM flag WHERE key = ?1")?.execute([key])?;
        }
    }
    Ok(())
}

/// Records an older change that other hosts have told of, unless it is known.
pub(super) fn remember(tx: &Transaction<'_>, change: &Change) -> Result<(), rusqlite::Error> {
    let latest = version(tx, &change.key)?;
    if change.version + HISTORY as u64 <= latest {
        return Ok(());
    }
    record(tx, change, "IGNORE")
}

fn record(tx: &Transaction<'_>, change: &Change, or: &str) -> Result<(), rusqlite::Error> {
    let Change { key, version, definition, at, who, why } = change;
    let sql = format!(
        "INSERT OR {or} INTO flag_change (key, version, definition, at, who, why) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
    );
    tx.prepare_cached(&sql)?.execute(params![key, signed(*version), definition, at, who, why])?;
    Ok(())
}

/// Of keys that were removed long ago the removal alone is kept. For whoever has written a removal: it looks at all keys.
pub(super) fn forget_removed(tx: &Transaction<'_>) -> Result<(), rusqlite::Error> {
    let sql = "WITH removed AS (SELECT key, max(version) AS last, at FROM flag_change WHERE key NOT IN (SELECT key FROM flag) \
        GROUP BY key ORDER BY at DESC, key LIMIT -1 OFFSET ?1) DELETE FROM flag_change WHERE EXISTS \
        (SELECT 1 FROM removed WHERE removed.key = flag_change.key AND flag_change.version < removed.last)";
    tx.prepare_cached(sql)?.execute([REMOVED as i64])?;
    Ok(())
}

fn read(row: &rusqlite::Row<'_>) -> Result<Change, rusqlite::Error> {
    let version: i64 = row.get(1)?;
    Ok(Change {
        key: row.get(0)?,
        version: version.unsigned_abs(),
        definition: row.get(2)?,
        at: row.get(3)?,
        who: row.get(4)?,
        why: row.get(5)?,
    })
}

fn signed(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}
