//! What plugins cost that nobody calls: resident memory with 200 of them loaded, all different.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::client;
use crate::guests::{TYPED, distinct};
use crate::host::{Host, Instances, Plugin};
use crate::subjects::Programs;
use crate::table::Plan;
use crate::usage::Memory;

/// Plugins in the loaded host.
const PLUGINS: usize = 200;
/// KiB per plugin aimed at, beyond its code.
const AIM_KIB: f64 = 200.0;

/// Resident memory of a host with few and with many plugins.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Idle {
    plugins: usize,
    one: Memory,
    loaded: Memory,
    called: Memory,
    kib_each: f64,
    kib_each_called: f64,
    aim_kib: f64,
}

/// Starts a host with one plugin, and one with 200; the latter is measured again after one call of each.
pub(crate) fn measure(programs: &Programs, _: Plan, scratch: &Path) -> Result<Idle> {
    let (_, one) = load(programs, 1, scratch)?;
    let (loaded, called) = load(programs, PLUGINS, scratch)?;
    let each = |memory: Memory| (memory.total_mib - one.total_mib) * 1024.0 / (PLUGINS - 1) as f64;
    let (kib_each, kib_each_called) = (each(loaded), each(called));
    Ok(Idle { plugins: PLUGINS, one, loaded, called, kib_each, kib_each_called, aim_kib: AIM_KIB })
}

/// Memory after the first request, and after one request to every plugin.
fn load(programs: &Programs, count: usize, scratch: &Path) -> Result<(Memory, Memory)> {
    let binary = programs.ostler.as_deref().context("no --ostler BINARY given")?;
    let component = programs.guests.read(TYPED)?;
    let folder = tempfile::tempdir_in(scratch)?;
    let mut plugins = Vec::new();
    for index in 0..count {
        let name = format!("idle{index}");
        let path = folder.path().join(format!("{name}.wasm"));
        fs::write(&path, distinct(&component, &name))?;
        let route = format!("/hello/{name}");
        plugins.push(Plugin::new(name, Some(path), Instances::Warm).at(route));
    }
    let mut host = Host::start(binary, folder.path(), &plugins)?;
    // Plugins may still load once the port is open: the last one must answer, and then all have.
    for plugin in plugins.iter().rev().take(1) {
        host.server.await_ok(&plugin.path)?;
    }
    let loaded = host.server.memory()?;
    for plugin in &plugins {
        let reply = client::get(host.server.address, &plugin.path)?;
        anyhow::ensure!(reply.status == 200, "{} answered {} {}", plugin.name, reply.status, reply.text());
    }
    Ok((loaded, host.server.memory()?))
}

impl fmt::Display for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Idle { plugins, loaded, one, kib_each, kib_each_called, aim_kib, .. } = self;
        write!(
            f,
            "{plugins} idle plugins: {:.0} MiB resident ({:.0} MiB with one), {kib_each:.0} KiB each with their code \
             (aim: {aim_kib:.0} KiB beyond it), {kib_each_called:.0} KiB once each has been called",
            loaded.total_mib, one.total_mib
        )
    }
}
