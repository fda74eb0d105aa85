//! Rollouts as they are recorded: where each stands, and every transition with who, when, why and on what evidence.
//!
//! **Invariant:** a transition, its event and, where it ends in it, the activation of the new release are one transaction; so
//! after a crash a rollout goes on where its last acknowledged transition left it.

use ostler_core::Digest;
use ostler_core::rollout::RolloutSpec;
use ostler_core::settings::Problem;
use rusqlite::{Connection, ErrorCode, Row, Transaction, params};

use super::{Registry, history, release};
use crate::Error;
use crate::rollout::{Event, Rollout, State};

/// Ended rollouts that are kept of a plugin.
pub const ROLLOUTS: usize = 100;

/// Events that are kept of a rollout: its first, and so many of the last.
pub const EVENTS: usize = 1_000;

const COLUMNS: &str =
    "id, plugin, stable, candidate, spec, state, step, step_since, failures, started_at, ended_at";

impl Registry {
    /// Records a rollout that begins; one that is promoted already makes its release live. Returns it with its number.
    ///
    /// # Errors
    /// `RolloutUnderWay` if the plugin has one; `NoSuchRelease` if the candidate was not recorded; `Unavailable`.
    pub async fn begin_rollout(&self, rollout: Rollout, event: Event) -> Result<Rollout, Error> {
        self.database
            .write(move |tx| {
                let id = insert(tx, &rollout)?;
                let rollout = Rollout { id, ..rollout };
                put_in_force(tx, &rollout, &[event])?;
                forget_oldest(tx, &rollout.plugin)?;
                Ok(rollout)
            })
            .await
    }

    /// Records what has become of a rollout that was under way, by these events; one that was promoted makes its release live.
    ///
    /// # Errors
    /// `NoRollout` if it has ended; `NoSuchRelease` if the candidate is gone; `Unavailable`. Then nothing was changed.
    pub async fn save_rollout(&self, rollout: Rollout, events: Vec<Event>) -> Result<(), Error> {
        self.database.write(move |tx| save(tx, &rollout, &events)).await
    }

    /// The rollouts under way, by plugin: what a start has to go on with.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn rollouts_under_way(&self) -> Result<Vec<Rollout>, Error> {
        self.database.read(|connection| select(connection, "ended_at IS NULL ORDER BY plugin", []))
    }

    /// The plugin's rollout under way, if there is one.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn rollout_under_way(&self, plugin: &str) -> Result<Option<Rollout>, Error> {
        Ok(self.latest_rollout(plugin)?.filter(|rollout| rollout.ended_at_ms.is_none()))
    }

    /// The plugin's rollout under way, else the one that ended last.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn latest_rollout(&self, plugin: &str) -> Result<Option<Rollout>, Error> {
        Ok(self.rollouts(plugin, 1)?.pop())
    }

    /// The plugin's rollouts, at most `limit` of them: the one under way, then the latest ended first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn rollouts(&self, plugin: &str, limit: usize) -> Result<Vec<Rollout>, Error> {
        let condition = "plugin = ?1 ORDER BY ended_at IS NULL DESC, id DESC LIMIT ?2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.database.read(|connection| select(connection, condition, params![plugin, limit]))
    }

    /// The transitions of a rollout, the first first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn rollout_events(&self, rollout: i64) -> Result<Vec<Event>, Error> {
        self.database.read(|connection| {
            let sql = "SELECT at, who, what, why, evidence FROM rollout_event WHERE rollout = ?1 ORDER BY id";
            let mut statement = connection.prepare_cached(sql)?;
            let events = statement.query_map([rollout], read_event)?;
            Ok(events.collect::<Result<_, _>>()?)
        })
    }
}

/// Removes all rollouts of a plugin that is removed.
pub(super) fn forget(tx: &Transaction<'_>, plugin: &str) -> Result<(), Error> {
    tx.prepare_cached("DELETE FROM rollout WHERE plugin = ?1")?.execute([plugin])?;
    Ok(())
}

/// Notes a rollback among the events of the plugin's last rollout, if it had one.
pub(super) fn note_rollback(
    tx: &Transaction<'_>,
    plugin: &str,
    to: &Digest,
    (at_ms, who, why): (i64, &str, &str),
) -> Result<(), Error> {
    let sql = "SELECT max(id) FROM rollout WHERE plugin = ?1";
    let last: Option<i64> = tx.prepare_cached(sql)?.query_row([plugin], |row| row.get(0))?;
    let Some(last) = last else { return Ok(()) };
    let evidence = Some(serde_json::json!({ "to": to.to_string() }));
    let what = "rolled-back".to_owned();
    insert_event(tx, last, &Event { at_ms, who: who.to_owned(), what, why: why.to_owned(), evidence })
}

/// Records what has become of a rollout that was under way.
pub(super) fn save(tx: &Transaction<'_>, rollout: &Rollout, events: &[Event]) -> Result<(), Error> {
    update(tx, rollout)?;
    put_in_force(tx, rollout, events)
}

fn insert(tx: &Transaction<'_>, rollout: &Rollout) -> Result<i64, Error> {
    // Refuses a candidate that nobody recorded: a promotion could not make it live.
    release::find(tx, &rollout.plugin, &rollout.candidate)?;
    let sql = "INSERT INTO rollout \
        (plugin, stable, candidate, spec, state, step, step_since, failures, started_at, ended_at) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let row = params![
        rollout.plugin,
        rollout.stable.map(|digest| digest.bytes()),
        rollout.candidate.bytes(),
        rollout.spec.to_json().to_string(),
        rollout.state.as_str(),
        rollout.step as i64,
        rollout.step_since_ms,
        rollout.failures,
        rollout.started_at_ms,
        rollout.ended_at_ms,
    ];
    match tx.prepare_cached(sql)?.insert(row) {
        // The one constraint that a row can break: one under way of each plugin.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            Err(Error::RolloutUnderWay { plugin: rollout.plugin.clone() })
        }
        inserted => Ok(inserted?),
    }
}

fn update(tx: &Transaction<'_>, rollout: &Rollout) -> Result<(), Error> {
    let sql = "UPDATE rollout SET state = ?2, step = ?3, step_since = ?4, failures = ?5, ended_at = ?6 \
        WHERE id = ?1 AND ended_at IS NULL";
    let row = params![
        rollout.id,
        rollout.state.as_str(),
        rollout.step as i64,
        rollout.step_since_ms,
        rollout.failures,
        rollout.ended_at_ms,
    ];
    match tx.prepare_cached(sql)?.execute(row)? {
        0 => Err(Error::NoRollout { plugin: rollout.plugin.clone() }),
        _ => Ok(()),
    }
}

/// The events, and the activation that comes with a promotion.
fn put_in_force(tx: &Transaction<'_>, rollout: &Rollout, events: &[Event]) -> Result<(), Error> {
    events.iter().try_for_each(|event| insert_event(tx, rollout.id, event))?;
    if rollout.state == State::Promoted {
        let id = release::find(tx, &rollout.plugin, &rollout.candidate)?;
        history::push(tx, &rollout.plugin, id, rollout.ended_at_ms.unwrap_or(rollout.step_since_ms))?;
    }
    Ok(())
}

/// One more event of a rollout; beyond those that are kept, the oldest but the first goes.
fn insert_event(tx: &Transaction<'_>, rollout: i64, event: &Event) -> Result<(), Error> {
    let sql =
        "INSERT INTO rollout_event (rollout, at, who, what, why, evidence) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let evidence = event.evidence.as_ref().map(ToString::to_string);
    let row = params![rollout, event.at_ms, event.who, event.what, event.why, evidence];
    tx.prepare_cached(sql)?.execute(row)?;
    let sql = "DELETE FROM rollout_event WHERE rollout = ?1 AND id <= \
        (SELECT id FROM rollout_event WHERE rollout = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2) \
        AND id > (SELECT min(id) FROM rollout_event WHERE rollout = ?1)";
    tx.prepare_cached(sql)?.execute(params![rollout, EVENTS as i64])?;
    Ok(())
}

fn forget_oldest(tx: &Transaction<'_>, plugin: &str) -> Result<(), Error> {
    let sql = "DELETE FROM rollout WHERE plugin = ?1 AND ended_at IS NOT NULL AND id <= \
        (SELECT id FROM rollout WHERE plugin = ?1 AND ended_at IS NOT NULL ORDER BY id DESC LIMIT 1 OFFSET ?2)";
    tx.prepare_cached(sql)?.execute(params![plugin, ROLLOUTS as i64])?;
    Ok(())
}

fn select(
    connection: &Connection,
    condition: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<Rollout>, Error> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM rollout WHERE {condition}"))?;
    let rollouts = statement.query_map(params, read)?;
    Ok(rollouts.collect::<Result<_, _>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Rollout> {
    let (spec, state) = (row.get::<_, String>(4)?, row.get::<_, String>(5)?);
    let (spec, mut flaws) = understood(&spec);
    let known = State::ALL.into_iter().find(|known| known.as_str() == state);
    if known.is_none() {
        flaws.push(format!("state: found {state:?}"));
    }
    Ok(Rollout {
        id: row.get(0)?,
        plugin: row.get(1)?,
        stable: row.get::<_, Option<[u8; 32]>>(2)?.map(Digest::from_bytes),
        candidate: Digest::from_bytes(row.get(3)?),
        spec,
        state: known.unwrap_or(State::Paused),
        step: usize::try_from(row.get::<_, i64>(6)?).unwrap_or(0),
        step_since_ms: row.get(7)?,
        failures: row.get(8)?,
        failed_at: 0,
        started_at_ms: row.get(9)?,
        ended_at_ms: row.get(10)?,
        flaw: (!flaws.is_empty()).then(|| flaws.join("; ")),
    })
}

/// A spec as far as this version understands it, and what it does not.
fn understood(spec: &str) -> (RolloutSpec, Vec<String>) {
    match serde_json::from_str(spec) {
        Ok(json) => {
            let (spec, problems) = RolloutSpec::from_json(&json);
            let told = |problem: &Problem| format!("{}: found {}", problem.key, problem.found);
            (spec, problems.iter().map(told).collect())
        }
        Err(error) => (RolloutSpec::default(), vec![format!("its settings are no JSON: {error}")]),
    }
}

fn read_event(row: &Row<'_>) -> rusqlite::Result<Event> {
    let evidence: Option<String> = row.get(4)?;
    Ok(Event {
        at_ms: row.get(0)?,
        who: row.get(1)?,
        what: row.get(2)?,
        why: row.get(3)?,
        // It is for people to read; what cannot be read any more is no reason to show nothing else.
        evidence: evidence.and_then(|text| serde_json::from_str(&text).ok()),
    })
}

#[cfg(test)]
mod tests;
