//! What came with a release: its signature, its list of contents, its requests.

use bytes::Bytes;
use ostler_core::Digest;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Registry, release};
use crate::Error;
use crate::admission::Attachment;

impl Registry {
    /// What came with a release as `kind`, if anything did.
    ///
    /// # Errors
    /// `NoSuchRelease`; `Unavailable`.
    pub fn file(&self, plugin: &str, digest: &Digest, kind: Attachment) -> Result<Option<Bytes>, Error> {
        self.database.read(|connection| {
            let id = release::find(connection, plugin, digest)?;
            let sql = "SELECT body FROM release_file WHERE release = ?1 AND kind = ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let body = statement.query_row(params![id, kind.as_str()], |row| row.get::<_, Vec<u8>>(0));
            Ok(body.optional()?.map(Bytes::from))
        })
    }
}

/// Keeps `files` with the release `id`, and nothing else.
pub(super) fn replace(connection: &Connection, id: i64, files: &[(Attachment, Bytes)]) -> Result<(), Error> {
    connection.prepare_cached("DELETE FROM release_file WHERE release = ?1")?.execute([id])?;
    let sql = "INSERT OR REPLACE INTO release_file (release, kind, body) VALUES (?1, ?2, ?3)";
    for (kind, body) in files {
        connection.prepare_cached(sql)?.execute(params![id, kind.as_str(), &body[..]])?;
    }
    Ok(())
}
