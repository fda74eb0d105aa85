//! The same small application in every language: what each costs in bytes, time to start, memory and CPU.

use std::fmt::{self, Write as _};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::client;
use crate::guests::distinct;
use crate::host::{Host, Instances, Plugin};
use crate::subjects::Programs;
use crate::table::Plan;
use crate::window::{Window, caveat};
use crate::wrk;

/// The languages; each has a component `todo-LANGUAGE.wasm`.
const LANGUAGES: [&str; 6] = ["rust", "c", "go", "js", "ts", "python"];

/// What is asked under load: one read of the store, one small JSON reply.
const ASKED: &str = "/todos/1";

/// What one language costs.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Language {
    name: &'static str,
    /// Size of the component, in bytes.
    bytes: usize,
    /// From an upload of bytes never seen to the first answer.
    deploy_ms: f64,
    /// From the start of the host, with machine code kept, to the first answer.
    restart_ms: f64,
    /// Resident memory per warm instance, beyond its code, after the load.
    instance_mib: f64,
    /// Instances that the load brought.
    instances: u64,
    /// CPU time of the host per request.
    cpu_us: f64,
    p50_ms: f64,
    p99_ms: f64,
    foreign_cores: f64,
}

/// All that are built.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Languages {
    rows: Vec<Language>,
    skipped: Vec<&'static str>,
}

/// Measures every language whose component is there.
pub(crate) fn measure(programs: &Programs, plan: Plan, scratch: &Path) -> Result<Languages> {
    let (mut rows, mut skipped) = (Vec::new(), Vec::new());
    for name in LANGUAGES {
        match programs.guests.read(&format!("todo-{name}.wasm")) {
            Ok(component) => rows.push(one(name, &component, programs, plan, scratch).with_context(|| name)?),
            Err(error) => {
                println!("skipped: {name}: {error:#}");
                skipped.push(name);
            }
        }
    }
    Ok(Languages { rows, skipped })
}

fn one(
    name: &'static str,
    component: &[u8],
    programs: &Programs,
    plan: Plan,
    scratch: &Path,
) -> Result<Language> {
    let binary = programs.ostler.as_deref().context("no --ostler BINARY given")?;
    let folder = tempfile::tempdir_in(scratch)?;
    let mut plugin = Plugin::new("todo", None, Instances::Warm).at("/{*rest}");
    plugin.settings = "memory = \"256MiB\"\ngrant = { kv = [\"todos\"] }\n".to_owned();
    let plugins = [plugin];
    let mut host = Host::start(binary, folder.path(), &plugins)?;
    host.await_admin()?;
    let start = Instant::now();
    host.deploy("todo", &distinct(component, "languages"))?;
    let added = client::send(host.server.address, "POST", "/todos", None, br#"{"title":"milk"}"#)?;
    let deploy_ms = start.elapsed().as_secs_f64() * 1000.0;
    ensure!(added.status == 201, "it answered {} {}", added.status, added.text());
    // A host that has compiled keeps memory for the next time; only a new process shows what serving takes.
    drop(host);
    let start = Instant::now();
    let mut host = Host::start(binary, folder.path(), &plugins)?;
    host.await_admin()?;
    let before = host.server.memory()?;
    host.server.await_ok(ASKED)?;
    let restart_ms = start.elapsed().as_secs_f64() * 1000.0;
    wrk::run(host.server.address, ASKED, wrk::CONNECTIONS, plan.warm_up)?;
    let Window { seen, cpu_us, foreign_cores } =
        Window::of(&host.server, ASKED, wrk::CONNECTIONS, plan.window)?;
    ensure!(seen.errors == 0, "{} of {} requests failed under load", seen.errors, seen.requests);
    let instances = host.instances("todo")?;
    let grown = host.server.memory()?.anonymous_mib - before.anonymous_mib;
    let instance_mib = grown / instances.max(1) as f64;
    let (p50_ms, p99_ms, bytes) = (seen.p50_ms, seen.p99_ms, component.len());
    Ok(Language {
        name,
        bytes,
        deploy_ms,
        restart_ms,
        instance_mib,
        instances,
        cpu_us,
        p50_ms,
        p99_ms,
        foreign_cores,
    })
}

impl fmt::Display for Languages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        writeln!(
            text,
            "| language | component | upload to answer | start to answer | MiB per instance | CPU us/request | p50 ms | p99 ms |"
        )?;
        writeln!(text, "|---|---:|---:|---:|---:|---:|---:|---:|")?;
        for row in &self.rows {
            let Language { name, deploy_ms, restart_ms, instance_mib, cpu_us, p50_ms, p99_ms, .. } = row;
            writeln!(
                text,
                "| {name} | {} KB | {deploy_ms:.0} ms | {restart_ms:.0} ms | {instance_mib:.1} | {cpu_us:.1} | {p50_ms:.2} | {p99_ms:.2} |{}",
                row.bytes / 1000,
                caveat(row.foreign_cores)
            )?;
        }
        for name in &self.skipped {
            writeln!(text, "skipped: {name}: its component is not built")?;
        }
        f.write_str(text.trim_end())
    }
}
