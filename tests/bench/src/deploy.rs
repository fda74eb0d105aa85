//! A plugin under load while a large component is deployed beside it: its p99 must hardly move.

use std::fmt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::guests::{TYPED, distinct};
use crate::host::{Host, Instances, Plugin};
use crate::subjects::Programs;
use crate::table::Plan;
use crate::window::Window;
use crate::wrk;

/// The component that is deployed: a whole JavaScript engine.
const LARGE: &str = "todo-js.wasm";
/// The running plugin's p99 may be at most this times its p99 alone.
const AIM: f64 = 4.0 / 3.0;
/// From the begin of an upload until its compilation is well under way.
const HEAD_START: Duration = Duration::from_millis(300);

/// The running plugin alone and during a deployment, at one number of connections.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Pair {
    connections: u32,
    alone: Window,
    deploying: Window,
    p99_ratio: f64,
    /// How long the deployment took, its load included.
    deploy_s: f64,
    /// Whether it was still compiling when the window ended.
    throughout: bool,
}

/// All pairs.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Deploy {
    component: &'static str,
    bytes: usize,
    aim: f64,
    pairs: Vec<Pair>,
}

/// Measures under the usual load, which takes all there is, and under a light one.
pub(crate) fn measure(programs: &Programs, plan: Plan, scratch: &Path) -> Result<Deploy> {
    let binary = programs.ostler.as_deref().context("no --ostler BINARY given")?;
    let component = programs.guests.read(LARGE)?;
    let folder = tempfile::tempdir_in(scratch)?;
    let running = Plugin::new("running", Some(programs.guests.path(TYPED)?), Instances::Warm);
    let coming = Plugin::new("coming", None, Instances::Warm).at("/coming");
    let mut host = Host::start(binary, folder.path(), &[running, coming])?;
    host.server.await_hello()?;
    let mut pairs = Vec::new();
    for connections in [wrk::CONNECTIONS, 4] {
        wrk::run(host.server.address, "/", connections, plan.warm_up)?;
        let alone = Window::measure(&host.server, connections, plan.window)?;
        let release = distinct(&component, &format!("{connections} connections"));
        pairs.push(thread::scope(|scope| {
            let begun = std::time::Instant::now();
            let deploying = scope.spawn(|| host.deploy("coming", &release));
            thread::sleep(HEAD_START);
            let window = Window::measure(&host.server, connections, plan.window);
            let throughout = !deploying.is_finished();
            let deployed = deploying.join();
            deployed.map_err(|_| anyhow::anyhow!("the deployment panicked"))??;
            let (deploying, deploy_s) = (window?, begun.elapsed().as_secs_f64());
            ensure!(deploying.seen.errors == 0, "{} requests failed", deploying.seen.errors);
            let p99_ratio = deploying.seen.p99_ms / alone.seen.p99_ms;
            anyhow::Ok(Pair { connections, alone, deploying, p99_ratio, deploy_s, throughout })
        })?);
    }
    Ok(Deploy { component: LARGE, bytes: component.len(), aim: AIM, pairs })
}

impl fmt::Display for Deploy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = self.pairs.iter().map(|pair| {
            let Pair { connections, alone, deploying, p99_ratio, deploy_s, throughout } = pair;
            format!(
                "while {} ({} KB) is deployed in {deploy_s:.1} s, {connections} connections: p99 {:.2} ms, alone {:.2} ms: \
                 {p99_ratio:.2} times (aim: {:.2}), {} errors{}{}",
                self.component,
                self.bytes / 1000,
                deploying.seen.p99_ms,
                alone.seen.p99_ms,
                self.aim,
                deploying.seen.errors,
                if *throughout { "" } else { ", suspect: the deployment ended within the window" },
                if alone.caveat().is_empty() { deploying.caveat() } else { alone.caveat() }
            )
        });
        f.write_str(&lines.by_ref().collect::<Vec<_>>().join("\n"))
    }
}
