//! Counts of experiments in the database: one row for the exchanges of a variant, and one for each of its metrics.
//!
//! A row's counts are 128 pairs of a count (u64) and a sum (f64), then the sum of squares (f64), all little-endian. A row of
//! another shape is not one of ours, and left out.

use std::sync::Arc;

use rusqlite::{Connection, Transaction, params};

use super::{All, Experiment, VARIANTS, Variant};
use crate::Error;
use crate::analysis::{MetricSample, SUBJECTS};

/// Under which exchanges are kept; no metric has it.
const EXCHANGES: &str = "";

/// Bytes of a row's counts.
const BYTES: usize = SUBJECTS * 16 + 8;

/// One row.
pub(super) struct Row {
    experiment: Box<str>,
    variant: Box<str>,
    metric: String,
    since_ms: i64,
    counts: Vec<u8>,
}

/// What is to be written of a variant.
pub(super) fn rows(experiment: &str, since_ms: i64, variant: &Variant) -> Vec<Row> {
    let row = |metric: &str, counts: Vec<u8>| Row {
        experiment: experiment.into(),
        variant: variant.name().into(),
        metric: metric.into(),
        since_ms,
        counts,
    };
    let exchanges = variant.by_group().into_iter().map(|count| (count, 0.0));
    let mut rows = vec![row(EXCHANGES, encode(exchanges, 0.0))];
    let metrics = variant.metrics();
    rows.extend(metrics.iter().map(|(name, metric)| row(name, encode(metric.groups(), metric.squares()))));
    rows
}

pub(super) fn save(tx: &Transaction<'_>, rows: &[Row]) -> Result<(), Error> {
    let mut insert = tx.prepare_cached(
        "INSERT OR REPLACE INTO experiment_count (experiment, variant, metric, since, counts) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for row in rows {
        insert.execute(params![row.experiment, row.variant, row.metric, row.since_ms, row.counts])?;
    }
    Ok(())
}

pub(super) fn remove(tx: &Transaction<'_>, experiment: &str) -> Result<(), Error> {
    tx.execute("DELETE FROM experiment_count WHERE experiment = ?1", [experiment])?;
    Ok(())
}

pub(super) fn load(connection: &Connection) -> Result<All, Error> {
    let mut select = connection.prepare_cached(
        "SELECT experiment, variant, metric, since, counts FROM experiment_count ORDER BY experiment, variant, metric",
    )?;
    let rows = select.query_map([], |row| {
        let (experiment, variant) = (row.get(0)?, row.get(1)?);
        Ok(Row { experiment, variant, metric: row.get(2)?, since_ms: row.get(3)?, counts: row.get(4)? })
    })?;
    let mut all = All::new();
    for row in rows {
        take(&mut all, &row?);
    }
    Ok(all)
}

fn take(all: &mut All, row: &Row) {
    let Some(sample) = decode(&row.counts) else {
        tracing::warn!(
            experiment = &*row.experiment,
            "a row of counts of an experiment is damaged, and left out"
        );
        return;
    };
    let begun = || Arc::new(Experiment { since_ms: row.since_ms, variants: Vec::new() });
    let experiment = Arc::make_mut(all.entry(row.experiment.clone()).or_insert_with(begun));
    experiment.since_ms = experiment.since_ms.min(row.since_ms);
    let known = experiment.variants.iter().position(|variant| variant.name() == &*row.variant);
    let variant = match known {
        Some(known) => &experiment.variants[known],
        None if experiment.variants.len() == VARIANTS => return,
        None => {
            experiment.variants.push(Arc::new(Variant::new(&row.experiment, &row.variant)));
            &experiment.variants[experiment.variants.len() - 1]
        }
    };
    match row.metric.as_str() {
        EXCHANGES => variant.restore_exchanges(sample.groups().map(|(count, _)| count)),
        metric => variant.restore(metric, &sample),
    }
}

fn encode(groups: impl Iterator<Item = (u64, f64)>, squares: f64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(BYTES);
    for (count, sum) in groups {
        bytes.extend(count.to_le_bytes());
        bytes.extend(sum.to_le_bytes());
    }
    bytes.extend(squares.to_le_bytes());
    bytes
}

/// None for what [`encode`] has not made.
fn decode(bytes: &[u8]) -> Option<MetricSample> {
    let (words, rest) = bytes.as_chunks::<8>();
    if bytes.len() != BYTES || !rest.is_empty() {
        return None;
    }
    let (pairs, last) = words.as_chunks::<2>();
    let groups = pairs.iter().map(|[count, sum]| (u64::from_le_bytes(*count), f64::from_le_bytes(*sum)));
    let squares = f64::from_le_bytes(*last.first()?);
    MetricSample::of(groups, squares)
}
