//! The binary `ostler`: arguments in, exit code out.

use std::process::ExitCode;

mod assemble;
mod cli;
mod config;

fn main() -> ExitCode {
    cli::run()
}
