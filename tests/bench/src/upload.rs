//! From an upload to its first answer: validate, compile, activate, instantiate. Each upload has bytes never seen before,
//! so that nothing is cached.

use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::client;
use crate::guests::{TYPED, WASI_02, WASI_03, distinct};
use crate::host::{Host, Instances, Plugin};
use crate::raw_hyper::HELLO;
use crate::subjects::Programs;
use crate::table::{Plan, median};

/// Size of component that the aim is about.
const ABOUT: u64 = 100_000;
/// Milliseconds aimed at.
const AIM_MS: f64 = 150.0;

/// Milliseconds from the first byte of the upload to the last byte of the first answer.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Upload {
    component: &'static str,
    bytes: usize,
    uploads: usize,
    median_ms: f64,
    worst_ms: f64,
    aim_ms: f64,
}

/// Uploads the hello component that is nearest to 100 KB again and again.
pub(crate) fn measure(programs: &Programs, plan: Plan, scratch: &Path) -> Result<Upload> {
    let (component, bytes) = nearest(programs)?;
    let binary = programs.ostler.as_deref().context("no --ostler BINARY given")?;
    let folder = tempfile::tempdir_in(scratch)?;
    let plugin = Plugin::new("hello", None, Instances::Warm);
    let mut host = Host::start(binary, folder.path(), &[plugin])?;
    host.await_admin()?;
    let uploads = 4 * plan.rounds as usize + 1;
    let mut times = Vec::new();
    for upload in 0..uploads {
        let release = distinct(&bytes, &format!("upload {upload}"));
        let start = Instant::now();
        host.deploy("hello", &release)?;
        let reply = client::get(host.server.address, "/")?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
        anyhow::ensure!(reply.text() == HELLO, "the release answered {} {}", reply.status, reply.text());
    }
    Ok(Upload {
        component,
        bytes: bytes.len(),
        uploads,
        median_ms: median(times.iter().copied()),
        worst_ms: times.iter().copied().fold(0.0, f64::max),
        aim_ms: AIM_MS,
    })
}

fn nearest(programs: &Programs) -> Result<(&'static str, Vec<u8>)> {
    let size = |name| Some((name, fs::metadata(programs.guests.path(name).ok()?).ok()?.len()));
    let known = [TYPED, WASI_02, WASI_03].into_iter().filter_map(size);
    let (name, _) = known.min_by_key(|(_, size)| size.abs_diff(ABOUT)).context("no guests are built")?;
    Ok((name, programs.guests.read(name)?))
}

impl fmt::Display for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Upload { component, bytes, uploads, median_ms, worst_ms, aim_ms } = self;
        write!(
            f,
            "upload to first answer: {median_ms:.0} ms (worst of {uploads}: {worst_ms:.0} ms; aim: {aim_ms:.0} ms), \
             {component}, {} KB",
            bytes / 1000
        )
    }
}
