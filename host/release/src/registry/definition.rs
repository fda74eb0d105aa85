//! Plugins defined over the API: their text as it was given.

use ostler_core::plugin::is_name;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Registry;
use crate::Error;

/// Longest definition, in bytes.
pub const DEFINITION_MAX: usize = 256 << 10;

/// Definitions of one host.
pub const DEFINITIONS_MAX: usize = 10_000;

/// A plugin as it was defined over the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Name of the plugin.
    pub name: String,
    /// The JSON text as it was given.
    pub text: String,
    /// First defined, in Unix milliseconds.
    pub created_at_ms: i64,
    /// Last defined, in Unix milliseconds.
    pub updated_at_ms: i64,
}

impl Registry {
    /// Defines `name`, anew or over what was there; whether it is new.
    ///
    /// # Errors
    /// `Invalid` for a name or text outside its limits, or one definition too many; `Unavailable`.
    pub async fn define(&self, name: &str, text: &str) -> Result<bool, Error> {
        check(name, text)?;
        let now = self.clock.now_ms();
        let (name, text) = (name.to_owned(), text.to_owned());
        self.database
            .write(move |tx| {
                let new = find(tx, &name)?.is_none();
                if new && count(tx)? >= DEFINITIONS_MAX {
                    return Err(Error::Invalid(format!("a host has at most {DEFINITIONS_MAX} definitions")));
                }
                let sql = "INSERT INTO plugin_definition (name, definition, created_at, updated_at) \
                    VALUES (?1, ?2, ?3, ?3) \
                    ON CONFLICT (name) DO UPDATE SET definition = excluded.definition, updated_at = excluded.updated_at";
                tx.prepare_cached(sql)?.execute(params![name, text, now])?;
                Ok(new)
            })
            .await
    }

    /// The definition of `name`, if it has one.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn definition(&self, name: &str) -> Result<Option<Definition>, Error> {
        self.database.read(|connection| find(connection, name))
    }

    /// All definitions, by name.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn definitions(&self) -> Result<Vec<Definition>, Error> {
        self.database.read(|connection| {
            let sql = "SELECT name, definition, created_at, updated_at FROM plugin_definition ORDER BY name";
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.query_map([], read)?.collect::<Result<_, _>>()?)
        })
    }
}

/// Removes the definition of `name`.
pub(super) fn remove(connection: &Connection, name: &str) -> Result<(), Error> {
    match connection.prepare_cached("DELETE FROM plugin_definition WHERE name = ?1")?.execute([name])? {
        0 => Err(Error::NoSuchPlugin { plugin: name.to_owned() }),
        _ => Ok(()),
    }
}

fn check(name: &str, text: &str) -> Result<(), Error> {
    if !is_name(name) {
        let name: String = name.chars().take(80).collect();
        return Err(Error::Invalid(format!("{name:?} names no plugin: use 1 to 63 of a-z, 0-9, - and _")));
    }
    if text.len() > DEFINITION_MAX {
        return Err(Error::Invalid(format!("a definition has at most {DEFINITION_MAX} bytes")));
    }
    Ok(())
}

fn find(connection: &Connection, name: &str) -> Result<Option<Definition>, Error> {
    let sql = "SELECT name, definition, created_at, updated_at FROM plugin_definition WHERE name = ?1";
    Ok(connection.prepare_cached(sql)?.query_row([name], read).optional()?)
}

fn count(connection: &Connection) -> Result<usize, Error> {
    let mut statement = connection.prepare_cached("SELECT count(*) FROM plugin_definition")?;
    Ok(statement.query_row([], |row| row.get::<_, u32>(0))? as usize)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Definition> {
    Ok(Definition {
        name: row.get(0)?,
        text: row.get(1)?,
        created_at_ms: row.get(2)?,
        updated_at_ms: row.get(3)?,
    })
}
