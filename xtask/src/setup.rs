//! `cargo xtask setup`: the guest toolchain, and every tool that tests and bench call.

use std::process::ExitCode;

use anyhow::Result;

use crate::{components, tools};

/// Installs what is missing.
pub(crate) fn run() -> Result<ExitCode> {
    components::toolchain()?;
    tools::require(tools::TEST.iter().chain(&tools::BENCH))?;
    eprintln!("everything is in place");
    Ok(ExitCode::SUCCESS)
}
