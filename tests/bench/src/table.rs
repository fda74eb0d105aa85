//! The table: each subject between two measurements of raw hyper, its cost told as a ratio to the mean of both.
//!
//! Throughput of a small shared machine means little; CPU time per request is steady, and a ratio within one run is
//! steadier still.

use std::path::Path;

use anyhow::{Result, bail};
use serde::Serialize;

use crate::server::Server;
use crate::subjects::{ALL, Programs, Subject, start_raw_hyper};
use crate::usage::Memory;
use crate::window::{Window, caveat};
use crate::wrk;

/// How long and how often to measure.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Plan {
    /// Seconds of load before anything counts.
    pub(crate) warm_up: u32,
    /// Seconds that count.
    pub(crate) window: u32,
    /// Times that each subject is measured; the median is told.
    pub(crate) rounds: u32,
}

/// What one window showed.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Sample {
    /// Microseconds of user and system time of the process and its children per request.
    pub(crate) cpu_us: f64,
    /// `cpu_us` over that of raw hyper just before and after.
    pub(crate) ratio: f64,
    /// Requests per second.
    pub(crate) per_second: f64,
    /// Median latency.
    pub(crate) p50_ms: f64,
    /// 99th percentile of latency.
    pub(crate) p99_ms: f64,
    /// Resident memory at the end of the window.
    pub(crate) memory: Memory,
    /// Cores that others kept busy meanwhile.
    pub(crate) foreign_cores: f64,
}

/// One line of the table.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// Name of the subject.
    pub(crate) name: String,
    /// The ratio aimed at, if it is ours.
    pub(crate) aim: Option<f64>,
    /// Median of the rounds, figure by figure.
    pub(crate) median: Sample,
    /// All rounds.
    pub(crate) rounds: Vec<Sample>,
}

/// A subject that was not measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Absent {
    /// Name of the subject.
    pub(crate) name: String,
    /// Why.
    pub(crate) reason: String,
    /// Whether it was tried and failed (else its program is not here).
    pub(crate) failed: bool,
}

/// What came of all subjects.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Table {
    /// Raw hyper first.
    pub(crate) rows: Vec<Row>,
    /// Those that could not be measured.
    pub(crate) absent: Vec<Absent>,
}

/// Measures every subject that is here.
pub(crate) fn measure(programs: &Programs, plan: Plan, only: Option<&str>, scratch: &Path) -> Result<Table> {
    let mut absent = Vec::new();
    let mut subjects: Vec<(Subject, Vec<Sample>)> = Vec::new();
    for subject in ALL.into_iter().filter(|subject| only.is_none_or(|only| subject.name.contains(only))) {
        match subject.missing(programs) {
            None => subjects.push((subject, Vec::new())),
            Some(reason) => {
                println!("skipped: {}: {reason}", subject.name);
                absent.push(Absent { name: subject.name.to_owned(), reason, failed: false });
            }
        }
    }
    let floor = start_raw_hyper(scratch)?;
    let mut floors = vec![window(&floor, plan)?];
    for round in 1..=plan.rounds {
        let mut standing = Vec::new();
        for (subject, mut samples) in subjects {
            let outcome = one(&subject, programs, plan, scratch);
            floors.push(window(&floor, plan)?);
            match outcome {
                Ok(mut sample) => {
                    let [.., before, after] = &floors[..] else { bail!("the floor was not measured") };
                    sample.ratio = sample.cpu_us / ((before.cpu_us + after.cpu_us) / 2.0);
                    progress(round, plan, subject.name, &sample);
                    samples.push(sample);
                    standing.push((subject, samples));
                }
                Err(error) => {
                    println!("failed: {}: {error:#}", subject.name);
                    absent.push(Absent {
                        name: subject.name.to_owned(),
                        reason: format!("{error:#}"),
                        failed: true,
                    });
                }
            }
        }
        subjects = standing;
    }
    let mut rows = vec![row("raw hyper", None, floors)];
    rows.extend(subjects.into_iter().map(|(subject, samples)| row(subject.name, subject.aim, samples)));
    Ok(Table { rows, absent })
}

fn progress(round: u32, plan: Plan, name: &str, sample: &Sample) {
    let noise = caveat(sample.foreign_cores);
    println!(
        "round {round} of {}: {name}: {:.1} us, {:.2} of raw hyper{noise}",
        plan.rounds, sample.cpu_us, sample.ratio
    );
}

fn one(subject: &Subject, programs: &Programs, plan: Plan, scratch: &Path) -> Result<Sample> {
    let folder = tempfile::tempdir_in(scratch)?;
    window(&subject.start(programs, folder.path())?, plan)
}

/// Loads a server and reads its clocks before and after. The ratio is 1 until it is told otherwise.
fn window(server: &Server, plan: Plan) -> Result<Sample> {
    wrk::run(server.address, "/", wrk::CONNECTIONS, plan.warm_up)?;
    let Window { seen, cpu_us, foreign_cores } = Window::measure(server, wrk::CONNECTIONS, plan.window)?;
    if seen.errors > 0 || seen.requests == 0 {
        bail!("{} of {} requests failed under load", seen.errors, seen.requests);
    }
    Ok(Sample {
        cpu_us,
        ratio: 1.0,
        per_second: seen.requests as f64 / seen.seconds,
        p50_ms: seen.p50_ms,
        p99_ms: seen.p99_ms,
        memory: server.memory()?,
        foreign_cores,
    })
}

fn row(name: &str, aim: Option<f64>, rounds: Vec<Sample>) -> Row {
    let median_of = |figure: fn(&Sample) -> f64| median(rounds.iter().map(figure));
    let median = Sample {
        cpu_us: median_of(|sample| sample.cpu_us),
        ratio: median_of(|sample| sample.ratio),
        per_second: median_of(|sample| sample.per_second),
        p50_ms: median_of(|sample| sample.p50_ms),
        p99_ms: median_of(|sample| sample.p99_ms),
        memory: Memory {
            total_mib: median_of(|sample| sample.memory.total_mib),
            anonymous_mib: median_of(|sample| sample.memory.anonymous_mib),
        },
        foreign_cores: median_of(|sample| sample.foreign_cores),
    };
    Row { name: name.to_owned(), aim, median, rounds }
}

/// The middle one; the mean of the middle two of an even number; 0 of none.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_ignores_outliers() {
        assert_eq!(median([9.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([9.0, 1.0, 2.0, 4.0].into_iter()), 3.0);
        assert_eq!(median(std::iter::empty()), 0.0);
    }
}
