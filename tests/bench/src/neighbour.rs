//! A good plugin beside a hostile one: its latency alone, and next to 64 calls of another plugin that loop for ever.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::client;
use crate::guests::{HOSTILE, TYPED};
use crate::host::{Host, Instances, Plugin};
use crate::subjects::Programs;
use crate::table::Plan;
use crate::window::Window;
use crate::wrk;

/// Calls of the hostile plugin in flight at any time.
const SPINNERS: usize = 64;
/// The good plugin's p99 beside them may be at most this times its p99 alone.
const AIM: f64 = 2.0;
/// Pause of a client whose call was not taken to its deadline (refused at once, say): a flood of refusals is another test.
const PAUSE: Duration = Duration::from_millis(50);

/// The good plugin alone and in company, at one number of connections.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Pair {
    connections: u32,
    alone: Window,
    beside: Window,
    p99_ratio: f64,
}

/// A good plugin beside spinners.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Neighbour {
    spinners: usize,
    aim: f64,
    pairs: Vec<Pair>,
    /// How the hostile calls ended, by status; `broken` for those without one.
    hostile: BTreeMap<String, u64>,
}

/// Measures under the usual load, which takes all there is, and under a light one.
pub(crate) fn measure(programs: &Programs, plan: Plan, scratch: &Path) -> Result<Neighbour> {
    let binary = programs.ostler.as_deref().context("no --ostler BINARY given")?;
    let folder = tempfile::tempdir_in(scratch)?;
    let good = Plugin::new("good", Some(programs.guests.path(TYPED)?), Instances::Warm);
    let bad = Plugin::new("bad", Some(programs.guests.path(HOSTILE)?), Instances::Warm);
    let mut bad = bad.at("/spin");
    bad.settings = "concurrency = 64\ndeadline = \"1s\"\n".to_owned();
    let mut host = Host::start(binary, folder.path(), &[good, bad])?;
    host.server.await_hello()?;
    let address = host.server.address;
    let ends = Mutex::new(BTreeMap::new());
    let mut pairs = Vec::new();
    for connections in [wrk::CONNECTIONS, 4] {
        wrk::run(address, "/", connections, plan.warm_up)?;
        let alone = Window::measure(&host.server, connections, plan.window)?;
        let beside = with_spinners(address, &ends, || {
            wrk::run(address, "/", connections, plan.warm_up)?;
            Window::measure(&host.server, connections, plan.window)
        })?;
        pairs.push(Pair { connections, p99_ratio: beside.seen.p99_ms / alone.seen.p99_ms, alone, beside });
    }
    let hostile = ends.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    anyhow::ensure!(!hostile.contains_key("200"), "the endless loops ended: {hostile:?}");
    Ok(Neighbour { spinners: SPINNERS, aim: AIM, pairs, hostile })
}

/// Keeps the spinners busy while `work` runs.
fn with_spinners<T>(
    address: SocketAddr,
    ends: &Mutex<BTreeMap<String, u64>>,
    work: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..SPINNERS {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    spin_once(address, ends);
                }
            });
        }
        let done = work();
        stop.store(true, Ordering::Relaxed);
        done
    })
}

fn spin_once(address: SocketAddr, ends: &Mutex<BTreeMap<String, u64>>) {
    let end = match client::get(address, "/spin") {
        Ok(reply) => reply.status.to_string(),
        Err(_) => "broken".to_owned(),
    };
    if end != "504" {
        thread::sleep(PAUSE);
    }
    *ends.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).entry(end).or_default() += 1;
}

impl fmt::Display for Neighbour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Pair { connections, alone, beside, p99_ratio } in &self.pairs {
            writeln!(
                f,
                "beside {} endless loops, {connections} connections: p99 {:.2} ms, alone {:.2} ms: {p99_ratio:.1} times \
                 (aim: {:.1}), {} errors in {} requests{}",
                self.spinners,
                beside.seen.p99_ms,
                alone.seen.p99_ms,
                self.aim,
                beside.seen.errors,
                beside.seen.requests,
                if alone.caveat().is_empty() { beside.caveat() } else { alone.caveat() }
            )?;
        }
        write!(f, "the loops ended with {:?}", self.hostile)
    }
}
