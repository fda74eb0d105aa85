//! What a choice between two releases and a flag cost a request, beside raw hyper under the very same request: the same
//! component with one release, with a second one at 25 % of a canary's five steps, and asking a flag of each kind.

use std::fmt::{self, Write as _};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::guests::{ROLLOUT, distinct};
use crate::host::{Host, Instances, Plugin};
use crate::server::Server;
use crate::subjects::{Programs, start_raw_hyper};
use crate::table::{Plan, median};
use crate::window::{Window, caveat};
use crate::wrk;

/// A canary that stays at its first of five steps; subjects are told apart by a field that the load sends.
const CANARY: &str = "rollout = { strategy = \"canary\", steps = [25, 40, 60, 80, 100], interval = \"1d\", \
    sticky = \"header:x-user\" }\n";

/// Three flags in flagd's format, under the keys that the paths name.
const FLAGS: &str = r#"{
  "flags": {
    "plain": { "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "on" },
    "targeting": {
      "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "off",
      "targeting": { "if": [
        { "and": [ { "==": [ { "var": "method" }, "GET" ] }, { "starts_with": [ { "var": "path" }, "/boolean/" ] } ] },
        "on", "off"
      ] }
    },
    "fractional": {
      "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "off",
      "targeting": { "fractional": [ ["on", 50], ["off", 50] ] }
    }
  }
}
"#;

/// Every request is another of a thousand users'.
const LOAD: &str = "local user = 0\n\
    request = function()\n  user = (user + 1) % 1000\n  wrk.headers[\"x-user\"] = user\n  return wrk.format()\nend\n";

/// One line of the table.
struct Case {
    name: &'static str,
    /// Keys of the plugin.
    keys: &'static str,
    /// What the guest is asked.
    path: &'static str,
}

const CASES: [Case; 5] = [
    Case { name: "one release, no flag", keys: "", path: "/nothing/plain" },
    Case { name: "two releases, the new one at 25 %", keys: CANARY, path: "/nothing/plain" },
    Case { name: "a boolean flag", keys: "", path: "/boolean/plain" },
    Case { name: "a flag with targeting", keys: "", path: "/boolean/targeting" },
    Case { name: "a flag with `fractional`", keys: "", path: "/boolean/fractional" },
];

/// What one case costs.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Cost {
    name: &'static str,
    /// CPU time per request.
    cpu_us: f64,
    /// That over raw hyper's under the same request, just before and after.
    ratio: f64,
    p99_ms: f64,
    foreign_cores: f64,
}

/// All cases.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Rollout {
    costs: Vec<Cost>,
}

/// Measures every case.
pub(crate) fn measure(programs: &Programs, plan: Plan, scratch: &Path) -> Result<Rollout> {
    let floor = start_raw_hyper(scratch)?;
    let script = scratch.join("users.lua");
    fs::write(&script, LOAD)?;
    let one = |case: &Case| one(case, programs, plan, scratch, &floor, &script).context(case.name);
    Ok(Rollout { costs: CASES.iter().map(one).collect::<Result<_>>()? })
}

fn one(
    case: &Case,
    programs: &Programs,
    plan: Plan,
    scratch: &Path,
    floor: &Server,
    script: &Path,
) -> Result<Cost> {
    let folder = tempfile::tempdir_in(scratch)?;
    let host = start(case, programs, folder.path())?;
    let window = |server: &Server, path: &str| {
        wrk::scripted(server.address, path, wrk::CONNECTIONS, plan.warm_up, Some(script))?;
        let window = Window::scripted(server, path, wrk::CONNECTIONS, plan.window, Some(script))?;
        ensure!(
            window.seen.errors == 0,
            "{} of {} requests failed",
            window.seen.errors,
            window.seen.requests
        );
        Ok(window)
    };
    let (mut cpu, mut ratios, mut p99, mut foreign) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        let before = window(floor, "/")?;
        let seen = window(&host.server, case.path)?;
        let after = window(floor, "/")?;
        cpu.push(seen.cpu_us);
        ratios.push(seen.cpu_us / ((before.cpu_us + after.cpu_us) / 2.0));
        p99.push(seen.seen.p99_ms);
        foreign.push(seen.foreign_cores);
    }
    let of = |values: Vec<f64>| median(values.into_iter());
    let (cpu_us, ratio, p99_ms, foreign_cores) = (of(cpu), of(ratios), of(p99), of(foreign));
    println!("{}: {cpu_us:.1} us, {ratio:.2} of raw hyper{}", case.name, caveat(foreign_cores));
    Ok(Cost { name: case.name, cpu_us, ratio, p99_ms, foreign_cores })
}

/// A host with the releases and flags of the case; a canary is under way when this returns.
fn start(case: &Case, programs: &Programs, folder: &Path) -> Result<Host> {
    let binary = programs.ostler.as_deref().context("no --ostler BINARY given")?;
    let component = programs.guests.read(ROLLOUT)?;
    fs::write(folder.join("flags.json"), FLAGS)?;
    let mut plugin = Plugin::new("rollout", None, Instances::Warm).at("/{kind}/{key}");
    plugin.settings = case.keys.to_owned();
    plugin.tables = "[flags]\nfiles = [\"flags.json\"]\n".to_owned();
    let mut host = Host::start(binary, folder, &[plugin])?;
    host.await_admin()?;
    host.deploy("rollout", &component)?;
    if !case.keys.is_empty() {
        host.deploy("rollout", &distinct(&component, "candidate"))?;
    }
    let said = host.ask(case.path)?;
    let expected = if case.path.starts_with("/nothing/") { ["false", "false"] } else { ["true", "false"] };
    ensure!(expected.contains(&said.as_str()), "{} answers {said}", case.path);
    ensure!(case.path != "/boolean/plain" || said == "true", "the flag is not there");
    Ok(host)
}

impl fmt::Display for Rollout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        writeln!(
            text,
            "| what a request passes | CPU us/request | more than the first | ratio to raw hyper | p99 ms |"
        )?;
        writeln!(text, "|---|---:|---:|---:|---:|")?;
        let first = self.costs.first().map_or(0.0, |cost| cost.cpu_us);
        for Cost { name, cpu_us, ratio, p99_ms, foreign_cores } in &self.costs {
            let more = cpu_us - first;
            let caveat = caveat(*foreign_cores);
            writeln!(text, "| {name} | {cpu_us:.1} | {more:+.1} | {ratio:.2} | {p99_ms:.2} |{caveat}")?;
        }
        f.write_str(text.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_that_is_asked_is_defined() {
        let flags: serde_json::Value = serde_json::from_str(FLAGS).unwrap();
        for case in CASES {
            let key = case.path.rsplit('/').next().unwrap();
            assert!(flags["flags"][key].is_object(), "{key}");
        }
    }
}
