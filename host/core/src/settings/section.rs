//! One table of the settings: a getter per kind of value, and the refusal of every key that nobody asked for.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use ipnet::IpNet;

use super::{Located, Node, Problems, Severity, Value, nearest};
use crate::unit;

/// One table of the settings while it is being read.
pub struct Section<'a> {
    /// Dotted path of this table, empty for the root.
    pub path: String,
    /// Line this table starts on.
    pub line: usize,
    entries: &'a [(String, Node)],
    known: Vec<&'static str>,
    problems: &'a Problems,
}

impl<'a> Section<'a> {
    pub(super) fn new(
        path: String,
        line: usize,
        entries: &'a [(String, Node)],
        problems: &'a Problems,
    ) -> Self {
        Section { path, line, entries, known: Vec::new(), problems }
    }

    /// Text at `key`.
    pub fn string(&mut self, key: &'static str) -> Option<Located<String>> {
        self.read(key, "a string", |value| match value {
            Value::String(text) => Some(text.clone()),
            _ => None,
        })
    }

    /// `true` or `false` at `key`.
    pub fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let read = self.read(key, "true or false", |value| match value {
            Value::Boolean(yes) => Some(*yes),
            _ => None,
        });
        read.map(|located| located.value)
    }

    /// A whole number within `range` at `key`.
    pub fn integer(&mut self, key: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        let read = self.read(key, &allowed, |value| match value {
            Value::Integer(integer) if range.contains(integer) => Some(*integer),
            _ => None,
        });
        read.map(|located| located.value)
    }

    /// A number within `range` at `key`, whole or not.
    pub fn number(&mut self, key: &'static str, range: RangeInclusive<f64>) -> Option<f64> {
        let allowed = format!("a number from {} to {}", range.start(), range.end());
        let read = self.read(key, &allowed, |value| {
            let number = match value {
                Value::Integer(integer) => *integer as f64,
                // Dates are no numbers, and no number parses as one of them.
                Value::Other(text) => text.parse().ok()?,
                _ => return None,
            };
            range.contains(&number).then_some(number)
        });
        read.map(|located| located.value)
    }

    /// Bytes within `range` at `key`, written as `64MiB`.
    pub fn size(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let (low, high) = (unit::format_size(*range.start()), unit::format_size(*range.end()));
        let allowed = format!("a size from \"{low}\" to \"{high}\", with its unit (B, KiB, MiB, GiB)");
        let read = self.read(key, &allowed, |value| match value {
            Value::String(text) => unit::parse_size(text).filter(|bytes| range.contains(bytes)),
            _ => None,
        });
        read.map(|located| located.value)
    }

    /// A duration within `range` at `key`, written as `2s`.
    pub fn duration(&mut self, key: &'static str, range: RangeInclusive<Duration>) -> Option<Duration> {
        let (low, high) = (unit::format_duration(*range.start()), unit::format_duration(*range.end()));
        let allowed = format!("a duration from \"{low}\" to \"{high}\", with its unit (ms, s, m, h, d)");
        let read = self.read(key, &allowed, |value| match value {
            Value::String(text) => unit::parse_duration(text).filter(|duration| range.contains(duration)),
            _ => None,
        });
        read.map(|located| located.value)
    }

    /// One of the named choices at `key`.
    pub fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let names: Vec<_> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let read = self.read(key, &names.join(" or "), |value| match value {
            Value::String(text) => choices.iter().find(|(name, _)| name == text).map(|(_, choice)| *choice),
            _ => None,
        });
        read.map(|located| located.value)
    }

    /// A list of texts at `key`; empty if absent.
    pub fn strings(&mut self, key: &'static str) -> Vec<Located<String>> {
        let read = self.read(key, "a list of strings", texts);
        read.map(|located| located.value).unwrap_or_default()
    }

    /// A list of networks at `key`, each as `10.1.0.0/16` or as one address; empty if absent.
    pub fn networks(&mut self, key: &'static str) -> Vec<IpNet> {
        let texts = self.strings(key);
        let read = |text: &String| {
            let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
            let parsed = text.parse().ok().or_else(address);
            if parsed.is_none() {
                self.problem(key, format!("{text:?}"), "networks such as \"10.1.0.0/16\"", "");
            }
            parsed
        };
        texts.iter().filter_map(|text| read(&text.value)).collect()
    }

    /// A table of texts at `key`, its keys chosen by the user; empty if absent.
    pub fn texts(&mut self, key: &'static str) -> BTreeMap<String, String> {
        let read = self.read(key, "a table of strings", |value| {
            let Value::Table(entries) = value else { return None };
            let text = |(key, node): &(String, Node)| match &node.value {
                Value::String(text) => Some((key.clone(), text.clone())),
                _ => None,
            };
            entries.iter().map(text).collect::<Option<BTreeMap<_, _>>>()
        });
        read.map(|located| located.value).unwrap_or_default()
    }

    /// A table of lists of texts at `key`, its keys chosen by the user; empty if absent.
    pub fn lists(&mut self, key: &'static str) -> BTreeMap<String, Vec<Located<String>>> {
        let read = self.read(key, "a table of lists of strings", |value| {
            let Value::Table(entries) = value else { return None };
            let list = |(key, node): &(String, Node)| Some((key.clone(), texts(&node.value)?));
            entries.iter().map(list).collect::<Option<BTreeMap<_, _>>>()
        });
        read.map(|located| located.value).unwrap_or_default()
    }

    /// The table at `key`.
    pub fn section(&mut self, key: &'static str) -> Option<Section<'a>> {
        let node = self.node(key)?;
        Some(node.section(self.path_of(key), self.problems))
    }

    /// The tables below `key`, named by the user: `[plugins.hello]`, `[plugins.world]`.
    pub fn named_sections(&mut self, key: &'static str) -> Vec<(String, Section<'a>)> {
        let Some(node) = self.node(key) else { return Vec::new() };
        let path = self.path_of(key);
        let Value::Table(entries) = &node.value else {
            self.problem(key, node.value.to_string(), "tables by name", "");
            return Vec::new();
        };
        entries
            .iter()
            .map(|(name, node)| (name.clone(), node.section(format!("{path}.{name}"), self.problems)))
            .collect()
    }

    /// The tables in the list at `key`: `[[routes]]`.
    pub fn sections(&mut self, key: &'static str) -> Vec<Section<'a>> {
        let Some(node) = self.node(key) else { return Vec::new() };
        let path = self.path_of(key);
        let Value::Array(items) = &node.value else {
            self.problem(key, node.value.to_string(), format!("a list of tables ([[{path}]])"), "");
            return Vec::new();
        };
        items
            .iter()
            .enumerate()
            .map(|(index, node)| node.section(format!("{path}[{index}]"), self.problems))
            .collect()
    }

    /// Whether `key` is present (whatever its value).
    pub fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(name, _)| name == key)
    }

    /// Reports an error at `key`.
    pub fn problem(
        &self,
        key: &str,
        found: impl Into<String>,
        allowed: impl Into<String>,
        repair: impl Into<String>,
    ) {
        self.problems.add(Severity::Error, self.line_of(key), self.path_of(key), found, allowed, repair);
    }

    /// Reports something at `key` that works, but probably not as meant.
    pub fn warning(
        &self,
        key: &str,
        found: impl Into<String>,
        allowed: impl Into<String>,
        repair: impl Into<String>,
    ) {
        self.problems.add(Severity::Warning, self.line_of(key), self.path_of(key), found, allowed, repair);
    }

    /// Line of `key`, or of this table where it is absent.
    pub fn line_of(&self, key: &str) -> usize {
        self.entries.iter().find(|(name, _)| name == key).map_or(self.line, |(_, node)| node.line)
    }

    /// Reports a key that must be there and is not.
    pub fn missing(&self, key: &str, allowed: &str) {
        if !self.has(key) {
            self.problem(key, "nothing", allowed, format!("add {key} = ..."));
        }
    }

    /// Refuses every key that no getter asked for.
    pub fn finish(self) {
        for (name, node) in self.entries {
            if self.known.contains(&name.as_str()) {
                continue;
            }
            let repair = match nearest(name, self.known.iter().copied()) {
                Some(known) => format!("write {known}"),
                None => "remove it".to_owned(),
            };
            let allowed = self.known.join(", ");
            self.problems.add(
                Severity::Error,
                node.line,
                self.path_of(name),
                "an unknown key",
                allowed,
                repair,
            );
        }
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        self.known.push(key);
        self.entries.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// What `convert` makes of the value at `key`, which is to be `allowed`.
    pub(crate) fn read<T>(
        &mut self,
        key: &'static str,
        allowed: &str,
        convert: impl Fn(&Value) -> Option<T>,
    ) -> Option<Located<T>> {
        let node = self.node(key)?;
        match convert(&node.value) {
            Some(value) => Some(Located { value, line: node.line }),
            None => {
                self.problem(key, node.value.to_string(), allowed, "");
                None
            }
        }
    }
}

/// The items of a list of texts.
fn texts(value: &Value) -> Option<Vec<Located<String>>> {
    let Value::Array(items) = value else { return None };
    let text = |node: &Node| match &node.value {
        Value::String(text) => Some(Located { value: text.clone(), line: node.line }),
        _ => None,
    };
    items.iter().map(text).collect()
}
