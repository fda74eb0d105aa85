//! `cargo xtask bench`: what one request costs, next to raw hyper in the same run, and what else production asks of the
//! host's speed. Nothing else may run on the machine meanwhile; windows in which something did are marked as suspect.

mod caches;
mod chart;
mod client;
mod deploy;
mod gate;
mod guests;
mod host;
mod idle;
mod languages;
mod machine;
mod neighbour;
mod raw_hyper;
mod report;
mod rollout;
mod server;
mod subjects;
mod swap;
mod table;
mod upload;
mod usage;
mod window;
mod wrk;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Parser, Subcommand};

use guests::Guests;
use machine::Machine;
use report::Report;
use subjects::Programs;
use table::Plan;

/// Measures Ostler next to raw hyper, nginx and `wasmtime serve`
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Cli {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Clone, PartialEq, Subcommand)]
enum What {
    /// CPU time per request, latency and memory of every subject
    Table {
        /// Only the subjects whose name contains this
        #[arg(long, value_name = "TEXT")]
        only: Option<String>,
    },
    /// From an upload to its first answer
    Upload,
    /// The same application in every language: size, start, memory, CPU time
    Languages,
    /// A plugin under load while a large component is deployed beside it
    Deploy,
    /// What each policy costs, all of them together, and an answer that is kept
    Gate {
        /// Only the cases whose name contains this
        #[arg(long, value_name = "TEXT")]
        only: Option<String>,
    },
    /// What a second release and a flag cost a request
    Rollout,
    /// Memory of 200 idle plugins
    Idle,
    /// A good plugin beside endless loops of another
    Neighbour,
    /// Latency and errors while releases are swapped
    Swap,
    /// Serves as the floor until killed
    RawHyper {
        /// Port on the loopback address; 0 takes a free one
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
}

#[derive(Debug, Args)]
struct Options {
    /// The host, built in release
    #[arg(long, global = true, value_name = "BINARY")]
    ostler: Option<PathBuf>,
    /// Folder of the components built by `cargo xtask guests`
    #[arg(long, global = true, value_name = "DIR")]
    guests: Option<PathBuf>,
    /// The `wasmtime` to compare with
    #[arg(long, global = true, value_name = "PATH", default_value = "wasmtime")]
    wasmtime: PathBuf,
    /// The nginx to compare with
    #[arg(long, global = true, value_name = "PATH", default_value = "nginx")]
    nginx: PathBuf,
    /// Folder for `bench.json` and `bench.svg`; a whole run that is not quick writes to docs/bench without it
    #[arg(long, global = true, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Seconds of load before anything counts
    #[arg(long, global = true, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    warm_up: u32,
    /// Seconds that count
    #[arg(long, global = true, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    window: u32,
    /// Times that each subject is measured; the median is told
    #[arg(long, global = true, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// One round with windows of one second: rough figures in a minute
    #[arg(long, global = true)]
    quick: bool,
}

fn main() -> ExitCode {
    let Cli { what, options } = Cli::parse();
    let done = match what {
        Some(What::RawHyper { port }) => raw_hyper::serve(port).map(|()| true),
        what => run(what, options),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Measures `what`, or everything; `false` if some of it failed.
fn run(what: Option<What>, options: Options) -> Result<bool> {
    if cfg!(debug_assertions) {
        bail!("a debug build measures nothing; run: cargo xtask bench");
    }
    let plan = match options.quick {
        true => Plan { warm_up: 1, window: 1, rounds: 1 },
        false => Plan { warm_up: options.warm_up, window: options.window, rounds: options.rounds },
    };
    if let Some(missing) = options.ostler.as_ref().filter(|binary| !binary.is_file()) {
        bail!("there is no host at {}; run: cargo build --release -p ostler", missing.display());
    }
    let published = (what.is_none() && !options.quick).then(|| PathBuf::from("docs/bench"));
    let Options { ostler, guests, wasmtime, nginx, out, .. } = options;
    let programs = Programs { ostler, wasmtime, nginx, guests: Guests(guests) };
    let scratch = tempfile::Builder::new().prefix("ostler-bench-").tempdir()?;
    let report = measure(what, &programs, plan, scratch.path());
    if let Some(folder) = out.or(published) {
        report.write(&folder)?;
    }
    Ok(report.failures.is_empty())
}

fn measure(what: Option<What>, programs: &Programs, plan: Plan, scratch: &Path) -> Report {
    let machine = Machine::look();
    println!("{machine}");
    let wanted = |one: What| what.as_ref().is_none_or(|what| *what == one);
    let mut failures = Vec::new();
    let only = if let Some(What::Table { only }) = &what { only.clone() } else { None };
    let table = wanted(What::Table { only: only.clone() })
        .then(|| tell("table", &mut failures, || table::measure(programs, plan, only.as_deref(), scratch)))
        .flatten();
    let failed = table.iter().flat_map(|table| &table.absent).filter(|absent| absent.failed);
    failures.extend(failed.map(|absent| format!("{}: {}", absent.name, absent.reason)));
    let upload = wanted(What::Upload)
        .then(|| tell("upload", &mut failures, || upload::measure(programs, plan, scratch)))
        .flatten();
    let languages = wanted(What::Languages)
        .then(|| tell("languages", &mut failures, || languages::measure(programs, plan, scratch)))
        .flatten();
    let deploy = wanted(What::Deploy)
        .then(|| tell("deploy", &mut failures, || deploy::measure(programs, plan, scratch)))
        .flatten();
    let only = if let Some(What::Gate { only }) = &what { only.clone() } else { None };
    let gate = wanted(What::Gate { only: only.clone() })
        .then(|| tell("gate", &mut failures, || gate::measure(programs, plan, only.as_deref(), scratch)))
        .flatten();
    let rollout = wanted(What::Rollout)
        .then(|| tell("rollout", &mut failures, || rollout::measure(programs, plan, scratch)))
        .flatten();
    let idle = wanted(What::Idle)
        .then(|| tell("idle", &mut failures, || idle::measure(programs, plan, scratch)))
        .flatten();
    let neighbour = wanted(What::Neighbour)
        .then(|| tell("neighbour", &mut failures, || neighbour::measure(programs, plan, scratch)))
        .flatten();
    let swap = wanted(What::Swap)
        .then(|| tell("swap", &mut failures, || swap::measure(programs, plan, scratch)))
        .flatten();
    Report { machine, plan, table, upload, languages, deploy, gate, rollout, idle, neighbour, swap, failures }
}

/// Runs one measurement and prints what came of it.
fn tell<T: Display>(
    name: &str,
    failures: &mut Vec<String>,
    measure: impl FnOnce() -> Result<T>,
) -> Option<T> {
    println!("measuring: {name}");
    match measure() {
        Ok(found) => {
            println!("\n{found}\n");
            Some(found)
        }
        Err(error) => {
            println!("failed: {name}: {error:#}");
            failures.push(format!("{name}: {error:#}"));
            None
        }
    }
}
