//! Reads a component without running or compiling it: what it exports, imports and needs.
//!
//! Used by `ostler inspect` and by everything that accepts an upload. The bytes may be hostile.
//!
//! **Invariant:** any bytes give an [`Inspection`] or a [`NotAComponent`] in time and memory proportional to their length;
//! nothing here panics, and nothing is trusted: what passes is still validated when it is compiled.

use std::collections::BTreeMap;

use ostler_core::plugin::Grant;
use serde::Serialize;
use wasmparser::{Encoding, Parser, Payload, ProducersSectionReader};
use wasmtime::Engine;

mod handler;
mod provide;

pub use handler::Handler;
pub(crate) use provide::provider;
pub use provide::{Import, Need, Provider};

/// Largest component that is accepted, in bytes.
pub const COMPONENT_BYTES_MAX: usize = ostler_core::admission::COMPONENT_MAX as usize;

/// Imports or exports of one component; beyond it the component is refused.
const NAMES_MAX: usize = 4_096;

/// Custom sections and producers that are told; more are left out.
const TOLD_MAX: usize = 64;

/// Characters of a producer or section name that are told.
const TOLD_CHARS_MAX: usize = 120;

/// What a component is, read from its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// Length of the file, in bytes.
    pub bytes: u64,
    /// The handler Ostler calls: the first of `handlers`.
    pub handler: Option<Handler>,
    /// All handlers it exports, in the order Ostler prefers them.
    pub handlers: Vec<Handler>,
    /// Names of everything it exports.
    pub exports: Vec<String>,
    /// Everything it imports, and who provides it.
    pub imports: Vec<Import>,
    /// Grants that its imports ask for; it may well run without them.
    pub needs: Vec<Need>,
    /// Languages of its sources, as its producers tell or suggest.
    pub languages: Vec<String>,
    /// Tools that made it, each with its version.
    pub tools: Vec<String>,
    /// Core modules inside, at any depth.
    pub core_modules: usize,
    /// Custom sections at any depth, by name.
    pub custom_sections: Vec<CustomSection>,
}

/// Custom sections of one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CustomSection {
    /// Their name.
    pub name: String,
    /// Their length together, in bytes.
    pub bytes: u64,
}

/// Why bytes are not a component that could run here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAComponent {
    /// No bytes.
    #[error("the file is empty")]
    Empty,
    /// Longer than [`COMPONENT_BYTES_MAX`].
    #[error("the file has {0} bytes; at most {COMPONENT_BYTES_MAX} are accepted")]
    TooLarge(usize),
    /// A core module.
    #[error(
        "this is a core module, not a component; build for wasm32-wasip2, or turn it into a component with \
         `wasm-tools component new`"
    )]
    CoreModule,
    /// Machine code made by wasmtime.
    #[error(
        "this is precompiled machine code, which is never accepted (loading it would trust it with the whole host); \
         use the component it was made from"
    )]
    Precompiled,
    /// A WIT package in binary form.
    #[error(
        "this is a WIT package: it describes interfaces and has no code; build a component that implements them"
    )]
    WitPackage,
    /// WebAssembly text.
    #[error("this is WebAssembly text; turn it into a binary with `wasm-tools parse`")]
    Text,
    /// Nothing known.
    #[error("this is no WebAssembly file: it does not begin with \"\\0asm\"")]
    Unknown,
    /// A component that cannot be parsed.
    #[error("the component is damaged: {0}")]
    Damaged(String),
}

impl Inspection {
    /// Why a plugin cannot be made of it, each reason with its repair; empty if it can.
    pub fn refusals(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.handler.is_none() {
            reasons.push(self.no_handler());
        }
        for import in self.imports.iter().filter(|import| import.provider == Provider::Nobody) {
            reasons.push(match provide::near(&import.name) {
                Some(near) => {
                    format!("it imports {}, which nobody provides; did you mean {near}?", import.name)
                }
                None => format!("it imports {}, which nobody provides", import.name),
            });
        }
        reasons
    }

    /// What it imports although `grant` does not allow it or this host does not have it: accepted, since toolchains import
    /// what is never called.
    pub fn warnings(&self, grant: &Grant) -> Vec<String> {
        self.lacking(grant).into_iter().chain(self.absent()).collect()
    }

    /// What it imports although `grant` does not allow it, all in one: toolchains import the whole contract.
    pub fn lacking(&self, grant: &Grant) -> Option<String> {
        let lacking = || self.needs.iter().filter(|need| !need.granted(grant));
        let keys: Vec<_> = lacking().map(|need| need.as_str()).collect();
        let what: Vec<_> = lacking().map(|need| need.what()).collect();
        let are = match keys.len() {
            0 => return None,
            1 => "is",
            _ => "are",
        };
        let (what, keys) = (listed(&what), listed(&keys));
        Some(format!("it imports {what}, but {keys} {are} not granted; calls will be denied"))
    }

    /// What it imports although this host does not have it.
    pub fn absent(&self) -> Option<String> {
        let absent = self.imports.iter().filter(|import| import.provider == Provider::Absent);
        let names: Vec<_> = absent.map(|import| import.name.as_str()).collect();
        let (first, rest) = names.split_first()?;
        let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        Some(format!("it imports {first}{more}, which this host does not have; a call ends the request"))
    }

    fn no_handler(&self) -> String {
        let ways =
            "ostler:plugin/http-handler@0.1.0, wasi:http/incoming-handler@0.2.x or wasi:http/handler@0.3.x";
        if self.exports.iter().any(|name| name.starts_with("wasi:cli/run@")) {
            return format!("it is a command (it exports wasi:cli/run), not a handler; export {ways}");
        }
        let exports = match self.exports.as_slice() {
            [] => "nothing".to_owned(),
            names => names.iter().take(8).map(String::as_str).collect::<Vec<_>>().join(", "),
        };
        format!("it exports no handler; it exports {exports}; export {ways}")
    }
}

/// `a, b and c`
fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// Reads what the component in `bytes` is.
///
/// # Errors
/// If the bytes are no component at all, or one whose structure is damaged.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, NotAComponent> {
    refuse_other_files(bytes)?;
    let mut found = Walk::default();
    found.walk(bytes).map_err(|error| NotAComponent::Damaged(error.to_string()))?;
    if found.names > NAMES_MAX {
        return Err(NotAComponent::Damaged(format!("more than {NAMES_MAX} imports and exports")));
    }
    if found.wit_encoding && found.core_modules == 0 && found.instances == 0 {
        return Err(NotAComponent::WitPackage);
    }
    Ok(found.finish(bytes.len()))
}

fn refuse_other_files(bytes: &[u8]) -> Result<(), NotAComponent> {
    if bytes.is_empty() {
        return Err(NotAComponent::Empty);
    }
    if bytes.len() > COMPONENT_BYTES_MAX {
        return Err(NotAComponent::TooLarge(bytes.len()));
    }
    if Parser::is_component(bytes) {
        return Ok(());
    }
    if Parser::is_core_wasm(bytes) {
        return Err(NotAComponent::CoreModule);
    }
    if Engine::detect_precompiled(bytes).is_some() {
        return Err(NotAComponent::Precompiled);
    }
    let text = bytes.trim_ascii_start();
    if text.starts_with(b"(module") || text.starts_with(b"(component") || text.starts_with(b";;") {
        return Err(NotAComponent::Text);
    }
    Err(NotAComponent::Unknown)
}

/// What one pass over the bytes gathers. Only names of the outermost component count as its imports and exports.
#[derive(Default)]
struct Walk {
    depth: usize,
    names: usize,
    exports: Vec<String>,
    imports: Vec<String>,
    languages: BTreeMap<String, ()>,
    tools: BTreeMap<String, String>,
    custom: BTreeMap<String, u64>,
    core_modules: usize,
    instances: usize,
    wit_encoding: bool,
}

impl Walk {
    fn walk(&mut self, bytes: &[u8]) -> wasmparser::Result<()> {
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::Version { encoding, .. } => {
                    self.depth += 1;
                    self.core_modules += usize::from(encoding == Encoding::Module);
                }
                Payload::End(_) => self.depth = self.depth.saturating_sub(1),
                Payload::ComponentInstanceSection(section) => self.instances += section.count() as usize,
                Payload::ComponentImportSection(section) if self.depth == 1 => {
                    for import in section {
                        let name = import?.name.name;
                        keep(&mut self.names, &mut self.imports, name);
                    }
                }
                Payload::ComponentExportSection(section) if self.depth == 1 => {
                    for export in section {
                        let name = export?.name.name;
                        keep(&mut self.names, &mut self.exports, name);
                    }
                }
                Payload::CustomSection(section) => {
                    self.custom(section.name(), section.data().len());
                    self.wit_encoding |= self.depth == 1 && section.name() == "wit-component-encoding";
                    if let wasmparser::KnownCustom::Producers(producers) = section.as_known() {
                        self.producers(producers);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn custom(&mut self, name: &str, bytes: usize) {
        let name = told(name);
        if self.custom.len() < TOLD_MAX || self.custom.contains_key(&name) {
            *self.custom.entry(name).or_default() += bytes as u64;
        }
    }

    /// Who made it. A damaged producers section says nothing, which harms nobody.
    fn producers(&mut self, producers: ProducersSectionReader<'_>) {
        for field in producers.into_iter().flatten() {
            for value in field.values.into_iter().flatten() {
                match field.name {
                    "language" => keep_told(&mut self.languages, value.name, ()),
                    _ => keep_told(&mut self.tools, value.name, told(value.version)),
                }
            }
        }
    }

    fn finish(self, bytes: usize) -> Inspection {
        let mut handlers: Vec<_> = self.exports.iter().filter_map(|name| Handler::of_export(name)).collect();
        handlers.sort_unstable();
        handlers.dedup();
        let imports: Vec<_> = self.imports.into_iter().map(Import::of).collect();
        let mut needs: Vec<_> = imports.iter().filter_map(|import| import.need).collect();
        needs.sort_unstable();
        needs.dedup();
        let custom = self.custom.into_iter().map(|(name, bytes)| CustomSection { name, bytes });
        let tools = |(name, version): (&String, &String)| format!("{name} {version}").trim_end().to_owned();
        Inspection {
            bytes: bytes as u64,
            handler: handlers.first().copied(),
            handlers,
            exports: self.exports,
            imports,
            needs,
            languages: languages(self.languages, &self.tools),
            tools: self.tools.iter().map(tools).collect(),
            core_modules: self.core_modules,
            custom_sections: custom.collect(),
        }
    }
}

/// Languages by the producers' `language` field, led by what only the tools give away: an interpreter inside is written
/// in another language than the plugin is.
fn languages(told: BTreeMap<String, ()>, tools: &BTreeMap<String, String>) -> Vec<String> {
    const HINTS: [(&str, &str); 8] = [
        ("componentize-py", "Python"),
        ("componentizejs", "JavaScript"),
        ("componentize-js", "JavaScript"),
        ("componentize-qjs", "JavaScript"),
        ("tinygo", "Go"),
        ("go cmd", "Go"),
        ("moonc", "MoonBit"),
        ("wit-bindgen-rust", "Rust"),
    ];
    let names: Vec<_> = tools.keys().map(|name| name.to_lowercase()).collect();
    let hinted = HINTS.iter().filter(|(hint, _)| names.iter().any(|name| name.contains(hint)));
    let mut languages: Vec<String> = hinted.map(|(_, language)| (*language).to_owned()).collect();
    languages.dedup();
    for language in told.into_keys() {
        if !languages.contains(&language) {
            languages.push(language);
        }
    }
    languages
}

fn keep(count: &mut usize, list: &mut Vec<String>, name: &str) {
    *count += 1;
    if *count <= NAMES_MAX {
        list.push(name.to_owned());
    }
}

fn keep_told<V>(map: &mut BTreeMap<String, V>, name: &str, value: V) {
    if map.len() < TOLD_MAX {
        map.entry(told(name)).or_insert(value);
    }
}

fn told(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(TOLD_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests;
