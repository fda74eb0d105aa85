//! What was said of releases before they were let in, and of those that were not.

use std::collections::HashMap;

use ostler_core::Digest;
use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};

use super::{Registry, files};
use crate::Error;
use crate::admission::{Admitted, Finding};

/// Refusals that are kept of one plugin.
pub const REFUSALS: usize = 20;

/// A component that a gate refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Digest of its bytes.
    pub digest: Digest,
    /// What each gate said that was asked.
    pub findings: Vec<Finding>,
    /// When, in Unix milliseconds.
    pub at_ms: i64,
}

impl Registry {
    /// What the gates said of each release of `plugin`.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn findings(&self, plugin: &str) -> Result<HashMap<Digest, Vec<Finding>>, Error> {
        self.database.read(|connection| {
            let sql = "SELECT digest, admission FROM release WHERE plugin = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let rows =
                statement.query_map([plugin], |row| Ok((Digest::from_bytes(row.get(0)?), said(row, 1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Notes a component of `plugin` that was refused. Beyond [`REFUSALS`] the oldest are forgotten.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn note_refusal(
        &self,
        plugin: &str,
        digest: Digest,
        findings: &[Finding],
    ) -> Result<(), Error> {
        let (plugin, text, now) = (plugin.to_owned(), text(findings), self.clock.now_ms());
        self.database
            .write(move |tx| {
                let sql = "INSERT INTO refusal (plugin, digest, admission, at) VALUES (?1, ?2, ?3, ?4)";
                tx.prepare_cached(sql)?.execute(params![plugin, digest.bytes(), text, now])?;
                let sql = "DELETE FROM refusal WHERE plugin = ?1 AND id <= \
                    (SELECT id FROM refusal WHERE plugin = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)";
                tx.prepare_cached(sql)?.execute(params![plugin, REFUSALS as i64])?;
                Ok(())
            })
            .await
    }

    /// Components of `plugin` that were refused, the latest first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn refusals(&self, plugin: &str) -> Result<Vec<Refused>, Error> {
        self.database.read(|connection| {
            let sql = "SELECT digest, admission, at FROM refusal WHERE plugin = ?1 ORDER BY id DESC";
            let mut statement = connection.prepare_cached(sql)?;
            let refused = statement.query_map([plugin], |row| {
                let (digest, findings) = (Digest::from_bytes(row.get(0)?), said(row, 1)?);
                Ok(Refused { digest, findings, at_ms: row.get(2)? })
            })?;
            Ok(refused.collect::<Result<_, _>>()?)
        })
    }
}

/// Keeps what was said of the release `id`, in place of what was said when it came before.
pub(super) fn keep(connection: &Connection, id: i64, admitted: &Admitted) -> Result<(), Error> {
    let sql = "UPDATE release SET admission = ?2 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id, text(&admitted.findings)])?;
    files::replace(connection, id, &admitted.files)
}

/// Forgets the refusals of a plugin that is gone.
pub(super) fn forget(connection: &Connection, plugin: &str) -> Result<(), Error> {
    connection.prepare_cached("DELETE FROM refusal WHERE plugin = ?1")?.execute([plugin])?;
    Ok(())
}

fn text(findings: &[Finding]) -> String {
    serde_json::to_string(findings).unwrap_or_else(|_| "[]".into())
}

fn said(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<Finding>> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ostler_services::{Clock, Database};

    use super::*;
    use crate::NewRelease;
    use crate::admission::{Attachment, Gate};

    fn finding(detail: &str) -> Finding {
        Finding { gate: Gate::Artifact, passed: true, detail: detail.into(), took_ms: 1 }
    }

    fn new(detail: &str, files: &[(Attachment, &'static str)]) -> NewRelease {
        let files = files.iter().map(|(kind, body)| (*kind, (*body).into())).collect();
        NewRelease { admitted: Admitted { findings: vec![finding(detail)], files }, ..NewRelease::default() }
    }

    fn registry() -> (tempfile::TempDir, Registry) {
        let home = tempfile::tempdir().unwrap();
        let registry = Registry::open(Database::open(home.path()).unwrap()).unwrap();
        (home, registry.with_clock(Clock::manual(7)))
    }

    #[tokio::test]
    async fn findings_and_files_stay_with_a_release_until_it_comes_anew() {
        let (_home, registry) = registry();
        let first = new("one", &[(Attachment::Sbom, "{}"), (Attachment::Signature, "s")]);
        registry.record("p", first, "x".into()).await.unwrap();
        let digest = Digest::of(b"x");
        assert_eq!(registry.findings("p").unwrap()[&digest], [finding("one")]);
        assert_eq!(registry.file("p", &digest, Attachment::Sbom).unwrap().unwrap(), "{}");
        registry.record("p", new("two", &[(Attachment::Sbom, "[]")]), "x".into()).await.unwrap();
        assert_eq!(registry.findings("p").unwrap()[&digest], [finding("two")]);
        assert_eq!(registry.file("p", &digest, Attachment::Sbom).unwrap().unwrap(), "[]");
        assert_eq!(registry.file("p", &digest, Attachment::Signature).unwrap(), None);
        let told = registry.file("q", &digest, Attachment::Sbom).unwrap_err();
        assert!(matches!(told, Error::NoSuchRelease { .. }), "{told}");
    }

    #[tokio::test]
    async fn the_latest_refusals_are_kept_and_go_with_their_plugin() {
        let (_home, registry) = registry();
        registry.define("p", "{}").await.unwrap();
        for number in 0..REFUSALS + 3 {
            registry.clock.advance(Duration::from_millis(1));
            registry.note_refusal("p", Digest::of(&[number as u8]), &[finding("no")]).await.unwrap();
        }
        registry.note_refusal("q", Digest::of(b"q"), &[finding("no")]).await.unwrap();
        let refused = registry.refusals("p").unwrap();
        assert_eq!(refused.len(), REFUSALS);
        assert_eq!((refused[0].digest, refused[0].at_ms), (Digest::of(&[REFUSALS as u8 + 2]), 30));
        registry.undefine("p").await.unwrap();
        assert_eq!((registry.refusals("p").unwrap().len(), registry.refusals("q").unwrap().len()), (0, 1));
    }
}
