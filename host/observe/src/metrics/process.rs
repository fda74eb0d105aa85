//! What is known about this process as a whole. Where the system does not say (no `/proc`), the metric is left out.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use super::Text;

pub(crate) fn collect(text: &mut Text, started: SystemTime) {
    let started = started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let help = "Start of the process, in seconds since 1970; time() minus this is its uptime.";
    text.gauge("process_start_time_seconds", help, &[], started);
    if let Some(bytes) = resident_bytes() {
        text.gauge("process_resident_memory_bytes", "Resident memory.", &[], bytes as f64);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        text.gauge("process_open_fds", "Open file descriptors.", &[], open.count() as f64);
    }
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
