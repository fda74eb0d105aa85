//! Hot swap under load: releases change all through the window, and no request may fail or wait for it.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use serde::Serialize;

use crate::guests::{TYPED, distinct};
use crate::host::{Host, Instances, Plugin};
use crate::subjects::Programs;
use crate::table::Plan;
use crate::window::Window;
use crate::wrk;

/// Swaps in a second, evenly spread: a host on two busy cores records that many deployments. With the windows of a full run, which
/// are twice as long as others, they are 1,000 in all.
const PER_SECOND: u32 = 100;
/// How many windows of the plan one window here is.
const WINDOWS: u32 = 2;
/// The p99 with swaps may be at most this times the p99 without.
const AIM: f64 = 1.2;

/// The same load without and with swaps.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Swap {
    swaps: u32,
    calm: Window,
    swapped: Window,
    p99_ratio: f64,
    aim: f64,
}

/// Swaps between two releases that the host already holds, so that what is measured is the swap and not the compiler.
pub(crate) fn measure(programs: &Programs, plan: Plan, scratch: &Path) -> Result<Swap> {
    let binary = programs.ostler.as_deref().context("no --ostler BINARY given")?;
    let component = programs.guests.read(TYPED)?;
    let folder = tempfile::tempdir_in(scratch)?;
    let plugin = Plugin::new("hello", None, Instances::Warm);
    let mut host = Host::start(binary, folder.path(), &[plugin])?;
    host.await_admin()?;
    let releases = ["one", "two"].map(|mark| distinct(&component, mark));
    for release in &releases {
        host.deploy("hello", release)?;
    }
    host.server.await_hello()?;
    wrk::run(host.server.address, "/", wrk::CONNECTIONS, plan.warm_up)?;
    let window = plan.window * WINDOWS;
    let calm = Window::measure(&host.server, wrk::CONNECTIONS, window)?;
    let stop = AtomicBool::new(false);
    let (swapped, swaps) = thread::scope(|scope| {
        let swapper = scope.spawn(|| swap_until(&stop, &host, &releases));
        let seen = Window::measure(&host.server, wrk::CONNECTIONS, window);
        stop.store(true, Ordering::Relaxed);
        let swaps = swapper.join().map_err(|_| anyhow!("the swapper panicked"))?;
        Ok::<_, anyhow::Error>((seen?, swaps.context("a swap failed under load")?))
    })?;
    Ok(Swap { swaps, p99_ratio: swapped.seen.p99_ms / calm.seen.p99_ms, calm, swapped, aim: AIM })
}

/// Swaps at an even pace; returns how many were done.
fn swap_until(stop: &AtomicBool, host: &Host, releases: &[Vec<u8>; 2]) -> Result<u32> {
    let pace = Duration::from_secs(1) / PER_SECOND;
    let start = Instant::now();
    let mut swaps = 0;
    while !stop.load(Ordering::Relaxed) {
        host.deploy("hello", &releases[swaps as usize % 2])?;
        swaps += 1;
        thread::sleep((pace * swaps).saturating_sub(start.elapsed()));
    }
    Ok(swaps)
}

impl fmt::Display for Swap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Swap { swaps, calm, swapped, p99_ratio, aim } = self;
        write!(
            f,
            "{swaps} swaps in {:.1} s under load: {} errors in {} requests, p99 {:.2} ms, without swaps {:.2} ms: \
             {p99_ratio:.2} times (aim: {aim:.1}){}",
            swapped.seen.seconds,
            swapped.seen.errors,
            swapped.seen.requests,
            swapped.seen.p99_ms,
            calm.seen.p99_ms,
            if calm.caveat().is_empty() { swapped.caveat() } else { calm.caveat() }
        )
    }
}
