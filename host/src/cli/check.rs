//! `ostler check`: all problems of a configuration at once.

use std::path::PathBuf;

use clap::Args;
use ostler_core::settings::{Problem, Severity};
use serde_json::json;

use super::{Failure, say};
use crate::config::Config;

/// Tell all problems of a configuration file
///
/// Reads the file as `ostler serve` would and tells everything that is wrong with it, each problem on one line: file and
/// line, key, what was found, what is allowed, how to repair it. Certificates and components it names are read too. Nothing
/// is started. Warnings alone do not fail.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  ostler check -c ostler.toml")]
pub(super) struct Check {
    /// The configuration file
    #[arg(short, long, value_name = "FILE", default_value = "ostler.toml")]
    config: PathBuf,
    /// Print the problems as JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl Check {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (config, problems) = match Config::load(&self.config) {
            Ok((config, warnings)) => (Some(config), warnings),
            Err(problems) => (None, problems),
        };
        if self.json {
            say::json(&json!({ "ok": config.is_some(), "problems": problems }));
        } else {
            problems.iter().for_each(say::line);
            say::line(summary(&self.config.display().to_string(), config.as_ref(), &problems));
        }
        config.map(|_| ()).ok_or_else(Failure::told)
    }
}

fn summary(file: &str, config: Option<&Config>, problems: &[Problem]) -> String {
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    let warnings = problems.len() - errors;
    let found = match (errors, warnings) {
        (0, 0) => "no problems".to_owned(),
        (0, _) => say::count(warnings, "warning"),
        (_, 0) => say::count(errors, "error"),
        _ => format!("{}, {}", say::count(errors, "error"), say::count(warnings, "warning")),
    };
    match config {
        Some(config) => {
            let (plugins, routes) = (config.plugins.len(), config.routes.len());
            format!("{file}: {found}; {}, {}", say::count(plugins, "plugin"), say::count(routes, "route"))
        }
        None => format!("{file}: {found}"),
    }
}
