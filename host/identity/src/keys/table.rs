//! The table `api_key` (host/services/src/database/schema/3_identity.sql).

use ostler_services::DatabaseError;
use ostler_services::database::rusqlite::{self, Connection, Transaction, params};

use super::record::{Key, Record, Row};
use crate::host_key::Hash;

const ALL: &str = "SELECT id, name, authenticator, subject, tenant, roles, scopes, hash, former, former_until, created, \
    expires, rotated, revoked, used FROM api_key";

const PUT: &str = "INSERT OR REPLACE INTO api_key (id, name, authenticator, subject, tenant, roles, scopes, hash, former, \
    former_until, created, expires, rotated, revoked, used) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";

/// Every key.
pub(super) fn all(connection: &Connection) -> Result<Vec<Key>, DatabaseError> {
    let mut statement = connection.prepare(ALL)?;
    let rows = statement.query_map([], |row| Ok(Key::of(read(row)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Writes a key as it is now.
pub(super) fn put(tx: &Transaction<'_>, row: &Row) -> Result<(), DatabaseError> {
    let Row { record, hash, former } = row;
    tx.prepare_cached(PUT)?.execute(params![
        record.id,
        record.name,
        record.authenticator,
        record.subject,
        record.tenant,
        list(&record.roles),
        list(&record.scopes),
        hash,
        former,
        record.former_until_ms,
        record.created_ms,
        record.expires_ms,
        record.rotated_ms,
        record.revoked_ms,
        record.used_ms,
    ])?;
    Ok(())
}

/// Writes last uses.
pub(super) fn note_uses(tx: &Transaction<'_>, uses: &[(String, i64)]) -> Result<(), DatabaseError> {
    let mut statement = tx.prepare_cached("UPDATE api_key SET used = ?2 WHERE id = ?1")?;
    for (id, used) in uses {
        statement.execute(params![id, used])?;
    }
    Ok(())
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let record = Record {
        id: row.get(0)?,
        name: row.get(1)?,
        authenticator: row.get(2)?,
        subject: row.get(3)?,
        tenant: row.get(4)?,
        roles: unlist(row.get_ref(5)?.as_str()?),
        scopes: unlist(row.get_ref(6)?.as_str()?),
        created_ms: row.get(10)?,
        expires_ms: row.get(11)?,
        rotated_ms: row.get(12)?,
        former_until_ms: row.get(9)?,
        revoked_ms: row.get(13)?,
        used_ms: row.get(14)?,
    };
    Ok(Row { record, hash: row.get::<_, Hash>(7)?, former: row.get::<_, Option<Hash>>(8)? })
}

fn list(texts: &[String]) -> String {
    serde_json::json!(texts).to_string()
}

/// A list that cannot be read gives no role rather than a wrong one.
fn unlist(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_default()
}
