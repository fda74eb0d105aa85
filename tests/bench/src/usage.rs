//! What processes used, read from `/proc`: CPU time of a process tree, resident memory, and how busy the machine was
//! with anything else.

use std::fs;
use std::ops::Sub;

use anyhow::{Context, Result};
use serde::Serialize;

/// Resident memory of a process tree, in MiB.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Memory {
    /// All of it.
    pub(crate) total_mib: f64,
    /// The part that no file backs.
    pub(crate) anonymous_mib: f64,
}

/// A reading of CPU clocks, in seconds since some start; only differences mean anything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cpu {
    /// User and system time of the tree, all threads, dead children included.
    pub(crate) tree: f64,
    /// The same of this process and the children it has waited for (the load generator).
    own: f64,
    /// Everything the machine did.
    machine: f64,
    /// What the hypervisor took away.
    stolen: f64,
}

impl Cpu {
    /// Reads the clocks for the tree under `pid`.
    pub(crate) fn read(pid: u32) -> Result<Self> {
        let tree = tree(pid)?.iter().filter_map(|pid| spent(&pid.to_string())).sum();
        let own = spent("self").context("cannot read /proc/self/stat")?;
        let (machine, stolen) = machine()?;
        Ok(Cpu { tree, own, machine, stolen })
    }

    /// Seconds of CPU that neither the tree nor the load generator used: noise.
    pub(crate) fn foreign(&self) -> f64 {
        (self.machine + self.stolen - self.tree - self.own).max(0.0)
    }
}

impl Sub for Cpu {
    type Output = Cpu;

    fn sub(self, start: Cpu) -> Cpu {
        Cpu {
            tree: self.tree - start.tree,
            own: self.own - start.own,
            machine: self.machine - start.machine,
            stolen: self.stolen - start.stolen,
        }
    }
}

impl Memory {
    /// Reads the resident memory of the tree under `pid`.
    pub(crate) fn read(pid: u32) -> Result<Self> {
        let mut memory = Memory::default();
        for pid in tree(pid)? {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            memory.total_mib += kib(&status, "VmRSS:") / 1024.0;
            memory.anonymous_mib += kib(&status, "RssAnon:") / 1024.0;
        }
        Ok(memory)
    }
}

/// `root` and all its living descendants.
fn tree(root: u32) -> Result<Vec<u32>> {
    let pids: Vec<u32> = fs::read_dir("/proc")
        .context("the bench reads /proc, so it needs Linux")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    let parents: Vec<(u32, u32)> = pids
        .into_iter()
        .filter_map(|pid| {
            Some((pid, fields(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?[1] as u32))
        })
        .collect();
    let mut tree = vec![root];
    let mut next = 0;
    while next < tree.len() {
        let parent = tree[next];
        tree.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    Ok(tree)
}

/// Seconds of user and system time of one process and its reaped children.
fn spent(pid: &str) -> Option<f64> {
    let fields = fields(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?;
    Some(fields[11..15].iter().sum::<f64>() / ticks())
}

/// Fields of `/proc/PID/stat` after the command name (which may hold blanks and parentheses); the state reads as 0.
fn fields(stat: &str) -> Option<Vec<f64>> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<f64> = rest.split_whitespace().map(|field| field.parse().unwrap_or(0.0)).collect();
    (fields.len() > 15).then_some(fields)
}

/// Busy and stolen seconds of all cores.
fn machine() -> Result<(f64, f64)> {
    let stat = fs::read_to_string("/proc/stat").context("cannot read /proc/stat")?;
    let line = stat.lines().next().unwrap_or_default();
    let fields: Vec<f64> = line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    anyhow::ensure!(fields.len() > 7, "/proc/stat begins with {line:?}");
    // user, nice, system, idle, iowait, irq, softirq, steal
    let busy = fields[0] + fields[1] + fields[2] + fields[5] + fields[6];
    Ok((busy / ticks(), fields[7] / ticks()))
}

fn ticks() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}

fn kib(status: &str, key: &str) -> f64 {
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_name_may_hold_anything() {
        let stat = "7 (a b) c) S 3 7 7 0 -1 0 0 0 0 0 10 20 1 2 20 0 1";
        let fields = fields(stat).unwrap();
        assert_eq!(fields[1], 3.0);
        assert_eq!(fields[11..15], [10.0, 20.0, 1.0, 2.0]);
        assert_eq!(super::fields("torn"), None);
    }

    #[test]
    fn own_memory_is_seen() {
        let memory = Memory::read(std::process::id()).unwrap();
        assert!(memory.total_mib > 0.5 && memory.anonymous_mib <= memory.total_mib, "{memory:?}");
    }
}
