//! Takes expired entries off the disk, in batches small enough that other writes never wait long.

use std::time::Duration;

use rusqlite::{Transaction, params};

use super::account::cost;
use super::{Error, Kv};

/// Entries of one batch.
const BATCH: usize = 500;

/// Pause between looks; an expired entry counts against its store's quota at most about this long.
const PAUSE: Duration = Duration::from_secs(1);

impl Kv {
    /// Sweeps for ever; spawn it once, abort it to end it. A failure is logged and tried again.
    pub async fn sweep_forever(self) {
        loop {
            match self.sweep().await {
                Ok(BATCH) => continue,
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "expired entries could not be swept; trying again"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Removes a batch of expired entries; how many.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn sweep(&self) -> Result<usize, Error> {
        let now = self.clock.now_ms();
        // Most looks find nothing, and finding nothing should not cost a commit.
        if !self.database.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT 1 FROM kv_entry WHERE expires <= ?1")?;
            Ok::<_, Error>(statement.exists([now])?)
        })? {
            return Ok(0);
        }
        self.database.write(move |tx| remove_expired(tx, now)).await
    }
}

fn remove_expired(tx: &Transaction<'_>, now: i64) -> Result<usize, Error> {
    let sql = "SELECT id, store, length(key) + length(value) FROM kv_entry WHERE expires <= ?1 LIMIT ?2";
    let mut statement = tx.prepare_cached(sql)?;
    let mut rows = statement.query(params![now, BATCH as i64])?;
    let mut expired: Vec<(i64, i64, i64)> = Vec::new();
    while let Some(row) = rows.next()? {
        expired.push((row.get(0)?, row.get(1)?, cost(row.get(2)?)));
    }
    let mut delete = tx.prepare_cached("DELETE FROM kv_entry WHERE id = ?1")?;
    let mut credit = tx.prepare_cached("UPDATE kv_store SET bytes = bytes - ?2 WHERE id = ?1")?;
    for (id, store, bytes) in &expired {
        delete.execute([id])?;
        credit.execute([store, bytes])?;
    }
    Ok(expired.len())
}
