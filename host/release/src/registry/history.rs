//! What was live when, as a stack per plugin: the last activation is what is live, and rolling back takes off the top.
//!
//! So rolling back twice goes two releases back, and what was rolled back is not what a later rollback returns to.

use rusqlite::{Connection, OptionalExtension, params};

use crate::Error;

/// Activations a plugin's history keeps.
pub const HISTORY: usize = 100;

/// Id of the live release of `plugin`.
pub(super) fn live(connection: &Connection, plugin: &str) -> Result<Option<i64>, Error> {
    let sql = "SELECT release FROM activation WHERE plugin = ?1 ORDER BY id DESC LIMIT 1";
    Ok(connection.prepare_cached(sql)?.query_row([plugin], |row| row.get(0)).optional()?)
}

/// Makes `release` live, on top of the history; nothing if it is live already.
pub(super) fn push(connection: &Connection, plugin: &str, release: i64, now: i64) -> Result<(), Error> {
    if live(connection, plugin)? == Some(release) {
        return Ok(());
    }
    let sql = "INSERT INTO activation (plugin, release) VALUES (?1, ?2)";
    connection.prepare_cached(sql)?.execute(params![plugin, release])?;
    let sql = "DELETE FROM activation WHERE plugin = ?1 AND id <= \
        (SELECT id FROM activation WHERE plugin = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)";
    connection.prepare_cached(sql)?.execute(params![plugin, HISTORY as i64])?;
    touch(connection, release, now)
}

/// The release that was live before the one that is, if there was one: what a rollback leads to.
pub(super) fn before_live(connection: &Connection, plugin: &str) -> Result<Option<i64>, Error> {
    let live = live(connection, plugin)?;
    let sql =
        "SELECT release FROM activation WHERE plugin = ?1 AND release IS NOT ?2 ORDER BY id DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(params![plugin, live], |row| row.get(0)).optional()?)
}

/// Goes back to `release`, or makes it live anew if the history does not hold it.
pub(super) fn pop_to(connection: &Connection, plugin: &str, release: i64, now: i64) -> Result<(), Error> {
    let sql = "SELECT max(id) FROM activation WHERE plugin = ?1 AND release = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    match statement.query_row(params![plugin, release], |row| row.get(0))? {
        Some(id) => {
            cut(connection, plugin, id)?;
            touch(connection, release, now)
        }
        None => push(connection, plugin, release, now),
    }
}

/// Takes off everything above the activation `id`.
fn cut(connection: &Connection, plugin: &str, id: i64) -> Result<(), Error> {
    let mut statement = connection.prepare_cached("DELETE FROM activation WHERE plugin = ?1 AND id > ?2")?;
    statement.execute(params![plugin, id])?;
    Ok(())
}

fn touch(connection: &Connection, release: i64, now: i64) -> Result<(), Error> {
    let mut statement = connection.prepare_cached("UPDATE release SET activated_at = ?2 WHERE id = ?1")?;
    statement.execute(params![release, now])?;
    Ok(())
}
