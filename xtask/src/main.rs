//! `cargo xtask COMMAND`: what a person or CI does with this repository, one command each. Every command sets up what it
//! needs first, shows each long step, and fails with the command that repairs what is missing.

mod bench;
mod components;
mod demo;
mod servers;
mod setup;
mod step;
mod tally;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use workspace::Workspace;

/// Set up, demo, test and bench Ostler
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install what is missing: the Wasm target for guests, and the tools of tests and bench
    Setup,
    /// Build the components that tests and bench use
    Guests,
    /// Build everything in release and serve the demo application on http://127.0.0.1:8080
    Demo,
    /// Run all tests: the host's, the SDK's, the plugins' and the examples'
    Test,
    /// Measure the host next to raw hyper, nginx and wasmtime serve
    Bench {
        /// Passed on to the bench; `-- --help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    match command {
        Command::Setup => setup::run(),
        Command::Guests => components::run(&workspace),
        Command::Demo => demo::run(&workspace),
        Command::Test => test::run(&workspace),
        Command::Bench { arguments } => bench::run(&workspace, &arguments),
    }
}
