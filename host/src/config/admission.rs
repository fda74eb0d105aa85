//! `[admission]`, and whether plugins name keys that it has.

use std::path::Path;

use ostler_core::settings::{Problems, Section, Severity};
use ostler_release::admission::{Config, SIGNERS};

use super::plugins::Known;

/// Reads the table, and compares what plugins say with it.
pub(super) fn read(table: Option<Section<'_>>, base: &Path, plugins: &Known, problems: &Problems) -> Config {
    let config = table.map(|table| Config::read(table, base)).unwrap_or_default();
    for (name, (definition, line)) in plugins {
        let spec = &definition.admission;
        for stranger in config.strangers(spec) {
            let (key, found) = (format!("plugins.{name}.admission.signers"), format!("{stranger:?}"));
            let repair = format!("add [admission.keys.{stranger}]");
            problems.add(Severity::Error, *line, key, found, SIGNERS, repair);
        }
        if spec.signature == Some(true) && !config.trusts_somebody() {
            let key = format!("plugins.{name}.admission.signature");
            let repair = "add [admission.keys.NAME], or [admission.sigstore]";
            let found = "true, and nobody who could sign";
            problems.add(Severity::Error, *line, key, found, "true beside a key", repair);
        }
    }
    config
}
