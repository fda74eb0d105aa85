//! Where and when a run took place: without it no figure means anything.

use std::fmt;
use std::fs;
use std::process::Command;

use serde::Serialize;

/// Facts of the machine.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    cores: usize,
    processor: String,
    kernel: String,
    /// Of the last minute before the run.
    load_average: f64,
    /// UTC.
    date: String,
}

impl Machine {
    /// Looks around; what cannot be seen reads as "unknown".
    pub(crate) fn look() -> Self {
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Machine {
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            processor: processor().unwrap_or_else(unknown),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")
                .map_or_else(|_| unknown(), |release| release.trim().to_owned()),
            load_average: load.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0),
            date: date().unwrap_or_else(unknown),
        }
    }
}

fn processor() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn date() -> Option<String> {
    let output = Command::new("date").args(["-u", "+%Y-%m-%d %H:%M"]).output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

fn unknown() -> String {
    "unknown".to_owned()
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { cores, processor, kernel, load_average, date } = self;
        write!(f, "{cores} cores, {processor}, Linux {kernel}, {date} UTC, load average {load_average}")
    }
}
