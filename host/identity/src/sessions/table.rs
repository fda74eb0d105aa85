//! The table `session` (host/services/src/database/schema/3_identity.sql).

use std::sync::Arc;

use ostler_services::DatabaseError;
use ostler_services::database::rusqlite::{self, Connection, OptionalExtension, Transaction, params};

use super::session::{Person, Row, Session, Tokens};
use crate::host_key::Hash;

const ALL: &str = "SELECT hash, authenticator, created, seen, idle, expires, person, tokens FROM session";

const INSERT: &str = "INSERT INTO session (hash, authenticator, subject, created, seen, idle, expires, person, tokens) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

/// Every session; one that cannot be read is left out, and its person logs in again.
pub(super) fn all(connection: &Connection) -> Result<Vec<Session>, DatabaseError> {
    let mut statement = connection.prepare(ALL)?;
    let rows = statement.query_map([], read)?;
    Ok(rows.filter_map(Result::transpose).collect::<Result<_, _>>()?)
}

pub(super) fn insert(tx: &Transaction<'_>, session: &Session, tokens: &Tokens) -> Result<(), DatabaseError> {
    put(tx, session, &json(tokens))
}

/// Puts `next` in the place of the session `old`, with its tokens; whether it was still there.
pub(super) fn replace(tx: &Transaction<'_>, old: &Hash, next: &Session) -> Result<bool, DatabaseError> {
    let tokens = tx
        .prepare_cached("DELETE FROM session WHERE hash = ?1 RETURNING tokens")?
        .query_row([old], |row| row.get::<_, String>(0))
        .optional()?;
    let Some(tokens) = tokens else { return Ok(false) };
    put(tx, next, &tokens)?;
    Ok(true)
}

pub(super) fn delete(tx: &Transaction<'_>, hashes: &[Hash]) -> Result<(), DatabaseError> {
    let mut statement = tx.prepare_cached("DELETE FROM session WHERE hash = ?1")?;
    for hash in hashes {
        statement.execute([hash])?;
    }
    Ok(())
}

pub(super) fn seen(tx: &Transaction<'_>, hash: &Hash, seen_ms: i64) -> Result<(), DatabaseError> {
    let sql = "UPDATE session SET seen = max(seen, ?2) WHERE hash = ?1";
    tx.prepare_cached(sql)?.execute(params![hash, seen_ms])?;
    Ok(())
}

pub(super) fn refresh(
    tx: &Transaction<'_>,
    hash: &Hash,
    person: &Person,
    tokens: &Tokens,
) -> Result<(), DatabaseError> {
    let sql = "UPDATE session SET person = ?2, tokens = ?3 WHERE hash = ?1";
    tx.prepare_cached(sql)?.execute(params![hash, json(person), json(tokens)])?;
    Ok(())
}

/// The tokens of a session; none of any if it is gone.
pub(super) fn tokens(connection: &Connection, hash: &Hash) -> Result<Tokens, DatabaseError> {
    let mut statement = connection.prepare_cached("SELECT tokens FROM session WHERE hash = ?1")?;
    let text = statement.query_row([hash], |row| row.get::<_, String>(0)).optional()?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

fn put(tx: &Transaction<'_>, session: &Session, tokens: &str) -> Result<(), DatabaseError> {
    let person = session.person();
    tx.prepare_cached(INSERT)?.execute(params![
        session.hash,
        &*session.authenticator,
        person.subject,
        session.created_ms,
        session.seen(),
        session.idle_ms,
        session.expires_ms,
        json(&person),
        tokens,
    ])?;
    Ok(())
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<Session>> {
    let person = serde_json::from_str::<Person>(row.get_ref(6)?.as_str()?).ok();
    let tokens = serde_json::from_str::<Tokens>(row.get_ref(7)?.as_str()?).unwrap_or_default();
    let Some(person) = person else { return Ok(None) };
    Ok(Some(Session::of(Row {
        hash: row.get(0)?,
        authenticator: Arc::from(row.get_ref(1)?.as_str()?),
        created_ms: row.get(2)?,
        seen_ms: row.get(3)?,
        idle_ms: row.get(4)?,
        expires_ms: row.get(5)?,
        person,
        due_ms: tokens.due(),
    })))
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
