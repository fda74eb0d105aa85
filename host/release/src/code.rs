//! Machine code compiled from components: `code/<compatibility>/<hex>.cwasm` in the state folder.
//!
//! **Invariant:** bytes are handed out only if they hash to what the database recorded when they were stored, because
//! loading them trusts them with the whole process. What fails that is removed, and costs one compilation.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ostler_core::Digest;
use ostler_services::{Database, folder};
use rusqlite::{OptionalExtension, Params, Statement, Transaction, params};

use crate::{Error, files};

/// Bytes of machine code kept: 4 GiB. Beyond, what was stored longest ago goes.
pub const CODE_BYTES: u64 = 4 << 30;

/// The machine code of this host; clones share it. Every function blocks on the disk: call it on a thread that compiles.
#[derive(Debug, Clone)]
pub struct Code {
    database: Database,
    folder: Arc<Path>,
    /// Held while a file and its row are changed, so that they belong together.
    change: Arc<Mutex<()>>,
    limit: u64,
}

impl Code {
    /// Opens the folder, makes it where it is missing.
    pub(crate) fn open(database: Database) -> Result<Self, Error> {
        let folder = database.state_dir().join("code");
        folder::private(&folder, None).map_err(Error::file(&folder))?;
        Ok(Code { database, folder: folder.into(), change: Arc::default(), limit: CODE_BYTES })
    }

    /// Keeps the machine code of `digest` for engines of one compatibility (any text that tells them apart).
    ///
    /// # Errors
    /// `Unavailable`; nothing is lost by it but time.
    pub fn store(&self, compat: &str, digest: &Digest, code: &[u8]) -> Result<(), Error> {
        let _one = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = self.compat_folder(compat);
        folder::private(&folder, None).map_err(Error::file(&folder))?;
        files::write(&folder, &file_name(digest), code).map_err(Error::file(&folder))?;
        let (sum, size, limit) = (Digest::of(code).bytes(), code.len() as i64, self.limit);
        let (compat, digest) = (compat.to_owned(), digest.bytes());
        let evicted = self.database.write_blocking(move |tx| {
            let sql =
                "INSERT OR REPLACE INTO machine_code (compat, digest, sha256, size) VALUES (?1, ?2, ?3, ?4)";
            tx.prepare_cached(sql)?.execute(params![compat, digest, sum, size])?;
            evict(tx, limit)
        })?;
        self.remove_files(&evicted)
    }

    /// The machine code of `digest`, if it is there and provably what was stored.
    pub fn load(&self, compat: &str, digest: &Digest) -> Option<Vec<u8>> {
        let recorded = self.recorded(compat, digest).unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot look up machine code; compiling instead");
            None
        })?;
        let path = self.path(compat, digest);
        let code = fs::read(&path).ok();
        if code.as_deref().is_some_and(|code| Digest::of(code).bytes() == recorded) {
            return code;
        }
        tracing::warn!(file = %path.display(), "machine code is missing or was changed; compiling again");
        if let Err(error) = self.forget(compat, digest, recorded) {
            tracing::warn!(%error, "cannot remove changed machine code; it stays unused");
        }
        None
    }

    /// Removes all code of other compatibilities: for start-up, once the engine is known.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn prune(&self, compat: &str) -> Result<(), Error> {
        let _one = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = self.compat_folder(compat);
        let compat = compat.to_owned();
        self.database.write_blocking(move |tx| {
            tx.execute("DELETE FROM machine_code WHERE compat <> ?1", [compat])?;
            Ok::<_, Error>(())
        })?;
        for entry in self.folder.read_dir().map_err(Error::file(&self.folder))? {
            let path = entry.map_err(Error::file(&self.folder))?.path();
            if path != ours && path.is_dir() {
                fs::remove_dir_all(&path).map_err(Error::file(&path))?;
            }
        }
        if ours.is_dir() {
            files::clear(&ours, |_| true).map_err(Error::file(&ours))?;
        }
        Ok(())
    }

    /// Removes the code of `digest` for every compatibility.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn remove(&self, digest: &Digest) -> Result<(), Error> {
        let _one = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = digest.bytes();
        let removed = self.database.write_blocking(move |tx| {
            let sql = "DELETE FROM machine_code WHERE digest = ?1 RETURNING compat, digest";
            deleted(&mut *tx.prepare_cached(sql)?, [bytes])
        })?;
        self.remove_files(&removed)
    }

    fn remove_files(&self, removed: &[(String, Digest)]) -> Result<(), Error> {
        removed.iter().try_for_each(|(compat, digest)| {
            let path = self.path(compat, digest);
            files::remove(&path).map_err(Error::file(&path))
        })
    }

    fn recorded(&self, compat: &str, digest: &Digest) -> Result<Option<[u8; 32]>, Error> {
        self.database.read(|connection| {
            let sql = "SELECT sha256 FROM machine_code WHERE compat = ?1 AND digest = ?2";
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.query_row(params![compat, digest.bytes()], |row| row.get(0)).optional()?)
        })
    }

    /// Removes row and file, unless somebody has stored anew since `recorded` was read.
    fn forget(&self, compat: &str, digest: &Digest, recorded: [u8; 32]) -> Result<(), Error> {
        let _one = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        let (path, compat, digest) = (self.path(compat, digest), compat.to_owned(), digest.bytes());
        let gone = self.database.write_blocking(move |tx| {
            let sql = "DELETE FROM machine_code WHERE compat = ?1 AND digest = ?2 AND sha256 = ?3";
            Ok::<_, Error>(tx.prepare_cached(sql)?.execute(params![compat, digest, recorded])?)
        })?;
        if gone == 0 {
            return Ok(());
        }
        files::remove(&path).map_err(Error::file(&path))
    }

    fn path(&self, compat: &str, digest: &Digest) -> PathBuf {
        self.compat_folder(compat).join(file_name(digest))
    }

    /// Hashed, so that no text of an engine can name a path.
    fn compat_folder(&self, compat: &str) -> PathBuf {
        self.folder.join(Digest::of(compat.as_bytes()).short())
    }
}

/// Deletes the rows that are too much, oldest first; which files go with them.
fn evict(tx: &Transaction<'_>, limit: u64) -> Result<Vec<(String, Digest)>, Error> {
    let sql = "DELETE FROM machine_code WHERE id IN (SELECT id FROM \
        (SELECT id, sum(size) OVER (ORDER BY id DESC) AS total FROM machine_code) WHERE total > ?1) \
        RETURNING compat, digest";
    deleted(&mut *tx.prepare_cached(sql)?, [i64::try_from(limit).unwrap_or(i64::MAX)])
}

/// Runs a `DELETE ... RETURNING compat, digest`.
fn deleted(statement: &mut Statement<'_>, params: impl Params) -> Result<Vec<(String, Digest)>, Error> {
    let rows = statement.query_map(params, |row| Ok((row.get(0)?, Digest::from_bytes(row.get(1)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn file_name(digest: &Digest) -> String {
    format!("{}.cwasm", digest.hex())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> (tempfile::TempDir, Code) {
        let home = tempfile::tempdir().unwrap();
        let code = Code::open(Database::open(home.path()).unwrap()).unwrap();
        (home, code)
    }

    #[test]
    fn code_comes_back_only_as_it_was_stored() {
        let (_home, code) = fresh();
        let digest = Digest::of(b"component");
        assert_eq!(code.load("48", &digest), None);
        code.store("48", &digest, b"machine code").unwrap();
        assert_eq!(code.load("48", &digest).unwrap(), b"machine code");
        assert_eq!(code.load("49", &digest), None);
        fs::write(code.path("48", &digest), b"machine c0de").unwrap();
        assert_eq!(code.load("48", &digest), None);
        assert!(!code.path("48", &digest).exists(), "what was changed is removed");
        code.store("48", &digest, b"new").unwrap();
        assert_eq!(code.load("48", &digest).unwrap(), b"new");
    }

    #[test]
    fn a_file_that_the_database_does_not_know_is_never_loaded() {
        let (_home, code) = fresh();
        let digest = Digest::of(b"component");
        code.store("48", &Digest::of(b"other"), b"x").unwrap();
        fs::write(code.path("48", &digest), b"planted").unwrap();
        assert_eq!(code.load("48", &digest), None);
    }

    #[test]
    fn pruning_leaves_one_compatibility_and_hostile_names_stay_inside() {
        let (home, code) = fresh();
        let digest = Digest::of(b"component");
        for compat in ["48", "47", "../../escape", "", "/etc", "a\0b"] {
            code.store(compat, &digest, compat.as_bytes()).unwrap();
            assert_eq!(code.load(compat, &digest).unwrap(), compat.as_bytes());
        }
        code.prune("48").unwrap();
        assert_eq!(home.path().join("code").read_dir().unwrap().count(), 1);
        assert_eq!(code.load("47", &digest), None);
        assert_eq!(code.load("48", &digest).unwrap(), b"48");
    }

    #[test]
    fn what_was_stored_longest_ago_goes_when_there_is_too_much() {
        let (_home, mut code) = fresh();
        code.limit = 10;
        let [a, b, c] = [b"a", b"b", b"c"].map(|name| Digest::of(name));
        code.store("48", &a, b"12345").unwrap();
        code.store("48", &b, b"12345").unwrap();
        code.store("48", &a, b"54321").unwrap();
        code.store("48", &c, b"12345").unwrap();
        assert_eq!(code.load("48", &b), None);
        assert!(!code.path("48", &b).exists());
        assert_eq!(code.load("48", &a).unwrap(), b"54321");
        assert_eq!(code.load("48", &c).unwrap(), b"12345");
    }

    #[test]
    fn a_removed_component_takes_its_code_along() {
        let (_home, code) = fresh();
        let digest = Digest::of(b"component");
        code.store("47", &digest, b"old").unwrap();
        code.store("48", &digest, b"new").unwrap();
        code.remove(&digest).unwrap();
        assert_eq!((code.load("47", &digest), code.load("48", &digest)), (None, None));
        assert!(!code.path("47", &digest).exists() && !code.path("48", &digest).exists());
    }
}
