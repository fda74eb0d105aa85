//! What a run found, as text for people and JSON for programs.

use std::fmt::{self, Write as _};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::chart;
use crate::deploy::Deploy;
use crate::gate::Gate;
use crate::idle::Idle;
use crate::languages::Languages;
use crate::machine::Machine;
use crate::neighbour::Neighbour;
use crate::rollout::Rollout;
use crate::swap::Swap;
use crate::table::{Plan, Table};
use crate::upload::Upload;

/// All of it; what was not asked for is absent.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Where and when.
    pub(crate) machine: Machine,
    /// How long and how often.
    pub(crate) plan: Plan,
    /// Cost per request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) table: Option<Table>,
    /// Upload to first answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) upload: Option<Upload>,
    /// The languages beside each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) languages: Option<Languages>,
    /// A deployment beside a plugin under load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deploy: Option<Deploy>,
    /// What policies cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) gate: Option<Gate>,
    /// What releases beside each other and flags cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rollout: Option<Rollout>,
    /// Memory of idle plugins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) idle: Option<Idle>,
    /// A good plugin beside a hostile one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) neighbour: Option<Neighbour>,
    /// Hot swap under load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) swap: Option<Swap>,
    /// What was asked for and failed.
    pub(crate) failures: Vec<String>,
}

impl Report {
    /// Writes `bench.json` and, if there is a table, `bench.svg`.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let json = folder.join("bench.json");
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(&json, text).with_context(|| format!("cannot write {}", json.display()))?;
        println!("wrote {}", json.display());
        if let Some(table) = &self.table {
            let svg = folder.join("bench.svg");
            let drawing = chart::draw(table, &self.machine.to_string());
            fs::write(&svg, drawing).with_context(|| format!("cannot write {}", svg.display()))?;
            println!("wrote {}", svg.display());
        }
        Ok(())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        writeln!(
            text,
            "| server | CPU us/request | ratio to raw hyper | aim | requests/s | p50 ms | p99 ms | RSS MiB |"
        )?;
        writeln!(text, "|---|---:|---:|---:|---:|---:|---:|---:|")?;
        for row in &self.rows {
            let aim = row.aim.map_or_else(String::new, |aim| format!("{aim:.1}"));
            let at = &row.median;
            writeln!(
                text,
                "| {} | {:.1} | {:.2} | {aim} | {:.0} | {:.2} | {:.2} | {:.0} |",
                row.name, at.cpu_us, at.ratio, at.per_second, at.p50_ms, at.p99_ms, at.memory.total_mib
            )?;
        }
        for absent in &self.absent {
            let verb = if absent.failed { "failed" } else { "skipped" };
            let reason = absent.reason.lines().next().unwrap_or_default();
            writeln!(text, "{verb}: {}: {reason}", absent.name)?;
        }
        f.write_str(&text)
    }
}
