//! Changes to releases: recorded, activated, rolled back, deleted; and the files that follow.

use std::future::Future;

use bytes::Bytes;
use ostler_core::Digest;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use tokio::task::spawn_blocking;

use super::{NewRelease, Recorded, Registry, Release, admission, definition, history, release, rollout};
use crate::Error;
use crate::rollout::{Event, Rollout};

impl Registry {
    /// Keeps `component` on disk and records it as a release of `plugin`; [`Registry::begin_rollout`] makes it live.
    ///
    /// A release the plugin has already stays what it was. Beyond the number a plugin keeps, those that were never live and
    /// those activated longest ago are dropped, never the live one.
    ///
    /// # Errors
    /// `Unavailable`; then nothing was changed.
    pub async fn record(&self, plugin: &str, new: NewRelease, component: Bytes) -> Result<Recorded, Error> {
        let (registry, plugin) = (self.clone(), plugin.to_owned());
        to_its_end(async move {
            let _files = registry.files.lock().await;
            let size = component.len();
            let digest = registry.artifacts.store(component).await?;
            let (now, keep) = (registry.clock.now_ms(), registry.keep);
            let write = registry.database.write(move |tx| {
                let (id, new) = insert(tx, &plugin, &digest, size, &new, now)?;
                let orphans = drop_oldest(tx, &plugin, keep, id)?;
                Ok::<_, Error>((Recorded { release: release::load(tx, &plugin, id)?, new }, orphans))
            });
            let (recorded, orphans) = match write.await {
                Ok(done) => done,
                Err(error) => {
                    registry.discard_unnamed(digest).await;
                    return Err(error);
                }
            };
            registry.discard(orphans).await;
            Ok(recorded)
        })
        .await
    }

    /// Goes back to a release of `plugin`, noted with who did it and why among the events of the plugin's last rollout; the one
    /// under way, if there is one, ends with it by `superseded`. If the release is live already, nothing changes.
    ///
    /// # Errors
    /// `NoSuchRelease`; `NoRollout` if the rollout has ended; `Unavailable`. Then nothing was changed.
    pub async fn roll_back(
        &self,
        plugin: &str,
        to: &Digest,
        (who, why): (&str, &str),
        superseded: Option<(Rollout, Event)>,
    ) -> Result<Release, Error> {
        let (plugin, to, now) = (plugin.to_owned(), *to, self.clock.now_ms());
        let (who, why) = (who.to_owned(), why.to_owned());
        self.database
            .write(move |tx| {
                if let Some((rollout, event)) = superseded {
                    rollout::save(tx, &rollout, &[event])?;
                }
                let id = release::find(tx, &plugin, &to)?;
                if history::live(tx, &plugin)? != Some(id) {
                    history::pop_to(tx, &plugin, id, now)?;
                    rollout::note_rollback(tx, &plugin, &to, (now, &who, &why))?;
                }
                release::load(tx, &plugin, id)
            })
            .await
    }

    /// What a rollback leads to: the release that was live before, or the named one.
    ///
    /// # Errors
    /// `NothingToRollBackTo` if no other release was live before; `NoSuchRelease` for a name; `Unavailable`.
    pub fn rollback_target(&self, plugin: &str, to: Option<&Digest>) -> Result<Digest, Error> {
        self.database.read(|connection| {
            let id = match to {
                None => history::before_live(connection, plugin)?.ok_or_else(|| nothing(plugin))?,
                Some(digest) => release::find(connection, plugin, digest)?,
            };
            Ok(release::load(connection, plugin, id)?.digest)
        })
    }

    /// Deletes a release, and its component if no other plugin has it.
    ///
    /// # Errors
    /// `NoSuchRelease`; `IsLive`; `OnTrial`; `Unavailable`.
    pub async fn delete(&self, plugin: &str, digest: &Digest) -> Result<(), Error> {
        let (plugin, digest) = (plugin.to_owned(), *digest);
        self.drop_releases(move |tx| {
            let id = release::find(tx, &plugin, &digest)?;
            if history::live(tx, &plugin)? == Some(id) {
                return Err(Error::IsLive { plugin, digest });
            }
            if on_trial(tx, &plugin, &digest)? {
                return Err(Error::OnTrial { plugin, digest });
            }
            drop_where(tx, "id = ?1", [id])
        })
        .await
    }

    /// Removes the definition of `plugin` with all its releases.
    ///
    /// # Errors
    /// `NoSuchPlugin` if it was not defined over the API; `Unavailable`.
    pub async fn undefine(&self, plugin: &str) -> Result<(), Error> {
        let plugin = plugin.to_owned();
        self.drop_releases(move |tx| {
            definition::remove(tx, &plugin)?;
            rollout::forget(tx, &plugin)?;
            admission::forget(tx, &plugin)?;
            drop_where(tx, "plugin = ?1", [plugin])
        })
        .await
    }

    /// Runs `job`, which drops releases, and removes the components it says nobody names any more.
    async fn drop_releases(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<Vec<Digest>, Error> + Send + 'static,
    ) -> Result<(), Error> {
        let registry = self.clone();
        to_its_end(async move {
            let _files = registry.files.lock().await;
            let orphans = registry.database.write(job).await?;
            registry.discard(orphans).await;
            Ok(())
        })
        .await
    }

    /// Removes a component whose row could not be written, unless an earlier release names it.
    async fn discard_unnamed(&self, digest: Digest) {
        if let Ok(false) = self.database.read(|connection| is_named(connection, &digest)) {
            self.discard(vec![digest]).await;
        }
    }

    /// Removes files of components. What fails is told and left for the next start.
    async fn discard(&self, orphans: Vec<Digest>) {
        for digest in orphans {
            let code = self.code.clone();
            let removed = match spawn_blocking(move || code.remove(&digest)).await {
                Ok(Ok(())) => self.artifacts.delete(digest).await,
                Ok(failed) => failed,
                Err(error) => Err(error.into()),
            };
            if let Err(error) = removed {
                tracing::warn!(%error, %digest, "cannot remove the files of a deleted release; the next start will");
            }
        }
    }
}

fn nothing(plugin: &str) -> Error {
    Error::NothingToRollBackTo { plugin: plugin.to_owned() }
}

/// Runs `change` whether or not the caller stays to hear of it: half of it would part rows from files.
async fn to_its_end<T: Send + 'static>(
    change: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    tokio::spawn(change).await?
}

/// The id of the release, and whether it is new.
fn insert(
    tx: &Transaction<'_>,
    plugin: &str,
    digest: &Digest,
    size: usize,
    new: &NewRelease,
    now: i64,
) -> Result<(i64, bool), Error> {
    let sql = "INSERT INTO release (plugin, digest, size, handler, compile_ms, warnings, created_at, activated_at) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0) ON CONFLICT (plugin, digest) DO NOTHING RETURNING id";
    let warnings = serde_json::Value::from(new.warnings.clone()).to_string();
    let compile_ms = i64::try_from(new.compile_ms).unwrap_or(i64::MAX);
    let row = params![plugin, digest.bytes(), size as i64, new.handler, compile_ms, warnings, now];
    let inserted = tx.prepare_cached(sql)?.query_row(row, |row| row.get(0)).optional()?;
    let (id, is_new) = match inserted {
        Some(id) => (id, true),
        None => (release::find(tx, plugin, digest)?, false),
    };
    admission::keep(tx, id, &new.admitted)?;
    Ok((id, is_new))
}

/// Drops what a plugin has beyond `keep`, first what was never live, then what was longest ago; neither the live release nor
/// `newest` nor one on trial, and the one to roll back to last. Which components nobody names any more.
fn drop_oldest(tx: &Transaction<'_>, plugin: &str, keep: usize, newest: i64) -> Result<Vec<Digest>, Error> {
    let (live, before) = (history::live(tx, plugin)?, history::before_live(tx, plugin)?);
    let kept = "plugin = ?1 AND id IS NOT ?2 AND id <> ?4 \
        AND digest NOT IN (SELECT candidate FROM rollout WHERE plugin = ?1 AND ended_at IS NULL) \
        AND id NOT IN (SELECT id FROM release WHERE plugin = ?1 \
        ORDER BY id IS ?2 DESC, id IS ?5 DESC, id = ?4 DESC, activated_at DESC, id DESC LIMIT ?3)";
    let keep = i64::try_from(keep).unwrap_or(i64::MAX);
    drop_where(tx, kept, params![plugin, live, keep, newest, before])
}

/// Whether a rollout under way is about to make the release live.
fn on_trial(connection: &Connection, plugin: &str, digest: &Digest) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM rollout WHERE plugin = ?1 AND candidate = ?2 AND ended_at IS NULL";
    Ok(connection.prepare_cached(sql)?.exists(params![plugin, digest.bytes()])?)
}

/// Drops releases, their activations with them; which components nobody names any more.
fn drop_where(
    tx: &Transaction<'_>,
    condition: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<Digest>, Error> {
    let sql = format!("DELETE FROM release WHERE {condition} RETURNING digest");
    let mut statement = tx.prepare_cached(&sql)?;
    let dropped = statement.query_map(params, |row| Ok(Digest::from_bytes(row.get(0)?)))?;
    let mut orphans = Vec::new();
    for digest in dropped.collect::<Result<Vec<_>, _>>()? {
        if !is_named(tx, &digest)? {
            orphans.push(digest);
        }
    }
    Ok(orphans)
}

fn is_named(connection: &Connection, digest: &Digest) -> Result<bool, Error> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM release WHERE digest = ?1")?;
    Ok(statement.exists([digest.bytes()])?)
}
