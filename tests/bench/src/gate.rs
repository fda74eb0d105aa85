//! What stands between a request and its handler: each policy alone, all of them together, and an answer that is kept,
//! beside raw hyper under the very same request.

use std::fmt::{self, Write as _};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::caches::{start_nginx, start_varnish};
use crate::guests::TYPED;
use crate::host::{Host, Instances, Plugin};
use crate::server::Server;
use crate::subjects::{Programs, start_raw_hyper};
use crate::table::{Plan, median};
use crate::window::{Window, caveat};
use crate::wrk;

/// A token for `[auth.bench]`, signed with its secret, that is good until 2100.
const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci50ZXN0IiwiYXVkIjoiYmVuY2giLCJzdWIiOiJhbGljZSIsInJvbGVzIjpbImNsZXJrIl0sInRlbmFudCI6ImFjbWUiLCJpYXQiOjE3NjcyMjU2MDAsImV4cCI6NDEwMjQ0NDgwMH0.ny8V3ALzdMCE52wtrL3PjQ4XJRMauWI0wYZ_DfZOhBk";

const AUTH: &str = "[auth.bench]\nkind = \"jwt\"\nissuer = \"https://issuer.test\"\naudience = [\"bench\"]\n\
    secret = \"bench-bench-bench-bench-bench-32\"\nalgorithms = [\"HS256\"]\nroles = \"roles\"\n";
const ROLES: &str = "[authorization]\nroles = { clerk = [\"orders:write\"] }\n";
const LIMITS: &str = "[limits.address]\nrate = \"10000000/s\"\nby = [\"address\"]\n\
    [limits.user]\nrate = \"10000000/s\"\nby = [\"user\"]\n";

/// One line of the table.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    aim: Option<f64>,
    server: Kind,
    /// Whether the request is a POST of an order as JSON; else a plain GET.
    order: bool,
}

#[derive(Clone, Copy)]
enum Kind {
    /// Ostler with these keys of its plugin and these tables.
    Ostler(&'static str, &'static [&'static str]),
    NginxCache,
    Varnish,
}

const CASES: [Case; 10] = [
    Case { name: "no policy", aim: None, server: Kind::Ostler("", &[]), order: false },
    Case {
        name: "two rate limits",
        aim: None,
        server: Kind::Ostler("limits = [\"address\", \"route\"]", &[LIMITS_BY_ROUTE]),
        order: false,
    },
    Case { name: "JWT", aim: None, server: Kind::Ostler("auth = [\"bench\"]", &[AUTH]), order: false },
    Case {
        name: "JWT, authorization",
        aim: None,
        server: Kind::Ostler("auth = [\"bench\"]\nrequire = [\"orders:write\"]", &[AUTH, ROLES]),
        order: false,
    },
    Case { name: "1 KB of JSON, no policy", aim: None, server: Kind::Ostler("", &[]), order: true },
    Case {
        name: "1 KB of JSON, validated",
        aim: None,
        server: Kind::Ostler("schema = \"order.json\"", &[]),
        order: true,
    },
    Case {
        name: "1 KB of JSON: JWT, two limits, authorization, validated",
        aim: Some(2.0),
        server: Kind::Ostler(
            "auth = [\"bench\"]\nrequire = [\"orders:write\"]\nlimits = [\"address\", \"user\"]\nschema = \"order.json\"",
            &[AUTH, ROLES, LIMITS],
        ),
        order: true,
    },
    Case {
        name: "a kept answer",
        aim: Some(1.3),
        server: Kind::Ostler("cache = { ttl = \"1h\" }", &[]),
        order: false,
    },
    Case { name: "a kept answer, nginx proxy_cache", aim: None, server: Kind::NginxCache, order: false },
    Case { name: "a kept answer, Varnish", aim: None, server: Kind::Varnish, order: false },
];

const LIMITS_BY_ROUTE: &str = "[limits.address]\nrate = \"10000000/s\"\nby = [\"address\"]\n\
    [limits.route]\nrate = \"10000000/s\"\nby = [\"route\"]\n";

/// What one case costs.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Cost {
    name: &'static str,
    aim: Option<f64>,
    /// CPU time per request.
    cpu_us: f64,
    /// That over raw hyper's under the same request, just before and after.
    ratio: f64,
    p99_ms: f64,
    foreign_cores: f64,
}

/// All cases that could be measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Gate {
    costs: Vec<Cost>,
    skipped: Vec<String>,
}

/// Measures every case.
pub(crate) fn measure(programs: &Programs, plan: Plan, only: Option<&str>, scratch: &Path) -> Result<Gate> {
    let floor = start_raw_hyper(scratch)?;
    let load = Load::write(scratch)?;
    let (mut costs, mut skipped) = (Vec::new(), Vec::new());
    for case in CASES.into_iter().filter(|case| only.is_none_or(|only| case.name.contains(only))) {
        match one(&case, programs, plan, scratch, &floor, &load) {
            Ok(cost) => costs.push(cost),
            Err(error) if matches!(case.server, Kind::Ostler(..)) => {
                return Err(error.context(case.name));
            }
            Err(error) => skipped.push(format!("{}: {error:#}", case.name)),
        }
    }
    Ok(Gate { costs, skipped })
}

fn one(
    case: &Case,
    programs: &Programs,
    plan: Plan,
    scratch: &Path,
    floor: &Server,
    load: &Load,
) -> Result<Cost> {
    let folder = tempfile::tempdir_in(scratch)?;
    let server = start(case, programs, folder.path(), floor)?;
    let script = load.script(case);
    let (mut cpu, mut ratios, mut p99, mut foreign) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        let before = window(floor, plan, script)?;
        let seen = window(&server, plan, script)?;
        let after = window(floor, plan, script)?;
        cpu.push(seen.cpu_us);
        ratios.push(seen.cpu_us / ((before.cpu_us + after.cpu_us) / 2.0));
        p99.push(seen.seen.p99_ms);
        foreign.push(seen.foreign_cores);
    }
    let of = |values: Vec<f64>| median(values.into_iter());
    let (cpu_us, ratio, p99_ms, foreign_cores) = (of(cpu), of(ratios), of(p99), of(foreign));
    println!("{}: {cpu_us:.1} us, {ratio:.2} of raw hyper{}", case.name, caveat(foreign_cores));
    Ok(Cost { name: case.name, aim: case.aim, cpu_us, ratio, p99_ms, foreign_cores })
}

fn window(server: &Server, plan: Plan, script: Option<&Path>) -> Result<Window> {
    wrk::scripted(server.address, "/", wrk::CONNECTIONS, plan.warm_up, script)?;
    let window = Window::scripted(server, "/", wrk::CONNECTIONS, plan.window, script)?;
    ensure!(window.seen.errors == 0, "{} of {} requests failed", window.seen.errors, window.seen.requests);
    Ok(window)
}

fn start(case: &Case, programs: &Programs, folder: &Path, floor: &Server) -> Result<Server> {
    match case.server {
        Kind::Ostler(keys, tables) => {
            let binary = programs.ostler.as_deref().context("no --ostler BINARY given")?;
            let mut plugin = Plugin::new("hello", Some(programs.guests.path(TYPED)?), Instances::Warm);
            (plugin.settings, plugin.tables) = (keys.to_owned(), tables.concat());
            fs::write(folder.join("order.json"), SCHEMA)?;
            let mut host = Host::start(binary, folder, &[plugin])?;
            host.await_admin()?;
            Ok(host.server)
        }
        Kind::NginxCache => start_nginx(&programs.nginx, folder, floor.address),
        Kind::Varnish => start_varnish(folder, floor.address),
    }
}

/// The scripts of wrk.
struct Load {
    get: PathBuf,
    order: PathBuf,
}

impl Load {
    fn write(folder: &Path) -> Result<Self> {
        let authorized = format!("wrk.headers[\"authorization\"] = \"Bearer {TOKEN}\"\n");
        let order = format!(
            "{authorized}wrk.method = \"POST\"\nwrk.headers[\"content-type\"] = \"application/json\"\nwrk.body = [[{}]]\n",
            order()
        );
        let load = Load { get: folder.join("get.lua"), order: folder.join("order.lua") };
        fs::write(&load.get, authorized)?;
        fs::write(&load.order, order)?;
        Ok(load)
    }

    /// Caches are not asked with credentials, which they would have to pass on.
    fn script(&self, case: &Case) -> Option<&Path> {
        let keys = if let Kind::Ostler(keys, _) = case.server { keys } else { "" };
        match (case.order, keys.contains("auth")) {
            (true, _) => Some(&self.order),
            (false, true) => Some(&self.get),
            (false, false) => None,
        }
    }
}

/// An order of about 1 KB.
fn order() -> String {
    let line = |number: u32| {
        format!(
            "{{\"sku\":\"WIDGET-{number:05}\",\"quantity\":{},\"price\":{}.95,\"note\":\"as agreed\"}}",
            number % 7 + 1,
            number * 3
        )
    };
    let lines: Vec<_> = (10_000..10_012).map(line).collect();
    format!(
        "{{\"customer\":\"c-4711\",\"reference\":\"PO 2026/0042\",\"express\":true,\
          \"address\":{{\"street\":\"1 Harbour Road\",\"city\":\"Bremen\",\"country\":\"DE\"}},\"lines\":[{}]}}",
        lines.join(",")
    )
}

const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["customer", "address", "lines"],
  "additionalProperties": false,
  "properties": {
    "customer": { "type": "string", "pattern": "^c-[0-9]+$" },
    "reference": { "type": "string", "maxLength": 64 },
    "express": { "type": "boolean" },
    "address": {
      "type": "object",
      "required": ["street", "city", "country"],
      "additionalProperties": false,
      "properties": {
        "street": { "type": "string", "maxLength": 100 },
        "city": { "type": "string", "maxLength": 100 },
        "country": { "enum": ["DE", "FR", "IT"] }
      }
    },
    "lines": {
      "type": "array",
      "minItems": 1,
      "maxItems": 100,
      "items": {
        "type": "object",
        "required": ["sku", "quantity", "price"],
        "additionalProperties": false,
        "properties": {
          "sku": { "type": "string", "pattern": "^[A-Z0-9-]{1,32}$" },
          "quantity": { "type": "integer", "minimum": 1, "maximum": 1000 },
          "price": { "type": "number", "minimum": 0 },
          "note": { "type": "string", "maxLength": 200 }
        }
      }
    }
  }
}
"#;

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        writeln!(text, "| what a request passes | CPU us/request | ratio to raw hyper | aim | p99 ms |")?;
        writeln!(text, "|---|---:|---:|---:|---:|")?;
        for Cost { name, aim, cpu_us, ratio, p99_ms, foreign_cores } in &self.costs {
            let aim = aim.map_or_else(String::new, |aim| format!("{aim:.1}"));
            writeln!(
                text,
                "| {name} | {cpu_us:.1} | {ratio:.2} | {aim} | {p99_ms:.2} |{}",
                caveat(*foreign_cores)
            )?;
        }
        for skipped in &self.skipped {
            writeln!(text, "skipped: {skipped}")?;
        }
        f.write_str(text.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_about_a_kilobyte_and_is_json() {
        assert!((900..1100).contains(&order().len()), "{}", order().len());
        serde_json::from_str::<serde_json::Value>(&order()).unwrap();
        serde_json::from_str::<serde_json::Value>(SCHEMA).unwrap();
    }
}
