//! The binary `ostler`: arguments in, exit code out.

use std::process::ExitCode;

mod cli;
mod config;

fn main() -> ExitCode {
    cli::run()
}
