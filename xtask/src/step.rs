//! One visible step of a command: its title when it begins, its length when it ends.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

/// Runs `work` under `title`.
pub(crate) fn step<T>(title: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("==> {title}");
    let start = Instant::now();
    let done = work().with_context(|| format!("{title}: failed"))?;
    eprintln!("    done in {:.1} s", start.elapsed().as_secs_f64());
    Ok(done)
}

/// Runs `command` under `title`; its output is shown as it comes, and failure is an error.
pub(crate) fn command(title: &str, command: &mut Command) -> Result<()> {
    step(title, || {
        let status = command.status().with_context(|| format!("cannot run {:?}", command.get_program()))?;
        ensure!(status.success(), "{command:?} ended with {status}");
        Ok(())
    })
}
