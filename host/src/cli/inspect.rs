//! `ostler inspect`: what a component is, before anybody runs it.

use std::fmt::Write;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use ostler_core::Digest;
use ostler_runtime::inspect::{COMPONENT_BYTES_MAX, Handler, Inspection, Provider, inspect};
use serde_json::json;

use super::{Failure, say};

/// Show what a component exports, imports and needs
///
/// Reads the file without running it: which of the three handlers it exports, what it imports and who provides that, which
/// grants it would need, the language and the tools it was made with. Also says what else a file is: a core module,
/// precompiled machine code, a WIT package.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  ostler inspect hello.wasm")]
pub(super) struct Inspect {
    /// The component
    #[arg(value_name = "FILE.wasm")]
    file: PathBuf,
    /// Print everything as JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl Inspect {
    pub(super) fn run(self) -> Result<(), Failure> {
        let told = self.file.display();
        let bytes = component(&self.file)?;
        let found = inspect(&bytes).map_err(|error| Failure::new(format!("{told}: {error}"), ""))?;
        let digest = Digest::of(&bytes);
        let refusals = found.refusals();
        if self.json {
            let mut value =
                json!({ "digest": digest.to_string(), "runs": refusals.is_empty(), "refusals": refusals });
            if let (Some(value), Ok(serde_json::Value::Object(more))) =
                (value.as_object_mut(), serde_json::to_value(&found))
            {
                value.extend(more);
            }
            say::json(&value);
        } else {
            say::line(format_args!("{told}: a component of {}, {digest}", say::size(found.bytes)));
            say::line(describe(&found, &refusals));
        }
        Ok(())
    }
}

/// What to do about a file that is none.
pub(super) const NO_COMPONENT: &str = "name a component file; `ostler build` makes one from sources";

/// The bytes of a component file, at most as many as a component may have.
pub(super) fn component(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read =
        File::open(file).and_then(|file| file.take(COMPONENT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes));
    let failed = |error| Failure::new(format!("{}: {error}", file.display()), NO_COMPONENT);
    read.map(|_| bytes).map_err(failed)
}

fn describe(found: &Inspection, refusals: &[String]) -> String {
    let mut out = String::new();
    let mut row = |name: &str, values: &[String]| {
        for (index, value) in values.iter().enumerate() {
            let name = if index == 0 { name } else { "" };
            let _ = writeln!(out, "  {name:<10}{value}");
        }
    };
    row(
        "handler",
        &[found.handler.map_or("none".into(), |handler| format!("{} ({})", handler.as_str(), note(handler)))],
    );
    row("language", &found.languages);
    row("made by", &found.tools);
    row("exports", &found.exports);
    for (name, provider) in [
        ("ostler", Provider::Ostler),
        ("wasi", Provider::Wasi),
        ("nobody, and calls end the request", Provider::Absent),
        ("nobody", Provider::Nobody),
    ] {
        let of = found.imports.iter().filter(|import| import.provider == provider);
        let names: Vec<_> = of.map(|import| import.name.clone()).collect();
        if !names.is_empty() {
            row("imports", &[format!("from {name}:")]);
            row("", &names.iter().map(|name| format!("  {name}")).collect::<Vec<_>>());
        }
    }
    row("grants", &grants(found));
    let custom =
        found.custom_sections.iter().map(|section| format!("{} {}", section.name, say::size(section.bytes)));
    row("inside", &[say::count(found.core_modules, "core module")]);
    row("custom", &custom.collect::<Vec<_>>());
    match refusals {
        [] => row("verdict", &["Ostler can run it".into()]),
        reasons => {
            row("verdict", &reasons.iter().map(|reason| format!("cannot run: {reason}")).collect::<Vec<_>>())
        }
    }
    out.truncate(out.trim_end().len());
    out
}

fn note(handler: Handler) -> &'static str {
    match handler {
        Handler::Typed => "typed and buffered: the fast lane",
        Handler::WasiHttp02 | Handler::WasiHttp03 => "streaming",
    }
}

fn grants(found: &Inspection) -> Vec<String> {
    use ostler_runtime::inspect::Need;
    let example = |need: &Need| match need {
        Need::Kv => "kv = [\"a-store\"]",
        Need::Sqlite => "sqlite = [\"default\"]",
        Need::Blob => "blob = [\"a-container\"]",
        Need::Config => "config = { key = \"value\" }",
        Need::Http => "http = [\"https://api.example.com\"]",
        Need::Limits => "limits = [\"a-limit\"]",
        Need::Cache => "cache = [\"a-cache\"]",
    };
    match found.needs.as_slice() {
        [] => vec!["none needed".into()],
        needs => vec![format!("grant = {{ {} }}", needs.iter().map(example).collect::<Vec<_>>().join(", "))],
    }
}
