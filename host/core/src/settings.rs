//! Reads settings (TOML of the configuration file, JSON of the admin API) so that all problems are told together.
//!
//! A room reads its `Config` from a [`Section`]: each getter takes one key, checks it and returns a value or nothing, and
//! `finish` refuses what nobody asked for, with the nearest known key. Problems gather in [`Problems`]; a config with any
//! error in it must not be used.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Serialize;
use toml::de::{DeTable, DeValue};

use crate::unit;

mod expand;

/// Tables and lists inside each other; whatever lies deeper is refused, so that no later walk can exhaust the stack.
pub const DEPTH_MAX: usize = 32;

/// Syntax errors told of one source; a binary file would have thousands.
const SYNTAX_ERRORS_MAX: usize = 20;

/// Characters of a found value that a message shows.
const FOUND_MAX: usize = 80;

/// How grave a [`Problem`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The settings cannot be used.
    Error,
    /// The settings can be used, but probably not as meant.
    Warning,
}

/// One thing wrong with the settings, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Whether the settings can be used all the same.
    pub severity: Severity,
    /// Where the settings came from.
    pub file: String,
    /// Line in it, from 1; 0 where lines mean nothing (JSON).
    pub line: usize,
    /// Dotted path of the key, as in `plugins.hello.memory`.
    pub key: String,
    /// What stands there.
    pub found: String,
    /// What may stand there.
    pub allowed: String,
    /// What to do about it.
    pub repair: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}:{}: {severity}: {}: found {}", self.file, self.line, self.key, self.found)?;
        if !self.allowed.is_empty() {
            write!(f, "; allowed: {}", self.allowed)?;
        }
        if !self.repair.is_empty() {
            write!(f, "; repair: {}", self.repair)?;
        }
        Ok(())
    }
}

/// The problems found so far in one source of settings.
#[derive(Debug)]
pub struct Problems {
    file: String,
    found: RefCell<Vec<Problem>>,
}

impl Problems {
    /// None yet, in the source named `file`.
    pub fn new(file: impl Into<String>) -> Self {
        Problems { file: file.into(), found: RefCell::default() }
    }

    /// Adds one.
    pub fn add(
        &self,
        severity: Severity,
        line: usize,
        key: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
        repair: impl Into<String>,
    ) {
        self.found.borrow_mut().push(Problem {
            severity,
            file: self.file.clone(),
            line,
            key: key.into(),
            found: found.into(),
            allowed: allowed.into(),
            repair: repair.into(),
        });
    }

    /// Whether any of them is an error.
    pub fn fatal(&self) -> bool {
        self.found.borrow().iter().any(|problem| problem.severity == Severity::Error)
    }

    /// All of them, by line.
    pub fn into_vec(self) -> Vec<Problem> {
        let mut problems = self.found.into_inner();
        problems.sort_by_key(|problem| problem.line);
        problems
    }
}

/// A value with the line it stands on.
#[derive(Debug, Clone)]
pub struct Node {
    /// From 1; 0 where lines mean nothing.
    pub line: usize,
    /// The value.
    pub value: Value,
}

/// What TOML and JSON have in common.
#[derive(Debug, Clone)]
pub enum Value {
    /// Text.
    String(String),
    /// Whole number.
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
    /// Values in order.
    Array(Vec<Node>),
    /// Keys in order, each with its value.
    Table(Vec<(String, Node)>),
    /// Anything else (floats, dates, null), kept for messages only.
    Other(String),
}

/// A value read, with the line it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// From 1; 0 where lines mean nothing.
    pub line: usize,
}

impl Node {
    /// Parses TOML; syntax errors become problems and the rest is kept.
    pub fn from_toml(text: &str, problems: &Problems) -> Node {
        let lines = Lines::of(text);
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in errors.into_iter().take(SYNTAX_ERRORS_MAX) {
            let line = error.span().map_or(1, |span| lines.at(span.start));
            problems.add(Severity::Error, line, "(syntax)", error.message(), "TOML 1.0", "");
        }
        let mut node = Node { line: 1, value: lines.table(root.into_inner(), 0) };
        node.refuse_depth("", problems);
        node
    }

    /// Takes over JSON; it has no lines.
    pub fn from_json(json: &serde_json::Value) -> Node {
        use serde_json::Value as J;
        let value = match json {
            J::String(text) => Value::String(text.clone()),
            J::Bool(yes) => Value::Boolean(*yes),
            J::Number(number) => match number.as_i64() {
                Some(integer) => Value::Integer(integer),
                None => Value::Other(number.to_string()),
            },
            J::Array(items) => Value::Array(items.iter().map(Node::from_json).collect()),
            J::Object(map) => {
                Value::Table(map.iter().map(|(key, json)| (key.clone(), Node::from_json(json))).collect())
            }
            J::Null => Value::Other("null".into()),
        };
        Node { line: 0, value }
    }

    /// Reads this node as the table at dotted path `path` (empty for the root).
    pub fn section<'a>(&'a self, path: impl Into<String>, problems: &'a Problems) -> Section<'a> {
        let path = path.into();
        let entries = match &self.value {
            Value::Table(entries) => entries.as_slice(),
            other => {
                problems.add(Severity::Error, self.line, path.as_str(), other.to_string(), "a table", "");
                &[]
            }
        };
        Section { path, line: self.line, entries, known: Vec::new(), problems }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::String(text) if text.chars().nth(FOUND_MAX).is_none() => write!(f, "{text:?}"),
            Value::String(text) => {
                let head: String = text.chars().take(FOUND_MAX).collect();
                write!(f, "{head:?}... ({} bytes)", text.len())
            }
            Value::Integer(integer) => write!(f, "{integer}"),
            Value::Boolean(yes) => write!(f, "{yes}"),
            Value::Array(items) => write!(f, "a list of {}", items.len()),
            Value::Table(_) => f.write_str("a table"),
            Value::Other(text) => f.write_str(text),
        }
    }
}

const TOO_DEEP: &str = "values nested too deeply";

struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Lines(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    fn at(&self, offset: usize) -> usize {
        self.0.partition_point(|newline| *newline < offset) + 1
    }

    fn table(&self, table: DeTable<'_>, depth: usize) -> Value {
        if depth > DEPTH_MAX {
            return Value::Other(TOO_DEEP.into());
        }
        let entry = |(key, value): (toml::Spanned<std::borrow::Cow<'_, str>>, toml::Spanned<DeValue<'_>>)| {
            let line = self.at(key.span().start);
            (key.into_inner().into_owned(), Node { line, value: self.value(value.into_inner(), depth) })
        };
        Value::Table(table.into_iter().map(entry).collect())
    }

    fn value(&self, value: DeValue<'_>, depth: usize) -> Value {
        match value {
            DeValue::String(text) => Value::String(text.into_owned()),
            DeValue::Boolean(yes) => Value::Boolean(yes),
            DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
                Ok(integer) => Value::Integer(integer),
                Err(_) => Value::Other(integer.to_string()),
            },
            DeValue::Float(float) => Value::Other(float.to_string()),
            DeValue::Datetime(datetime) => Value::Other(datetime.to_string()),
            DeValue::Table(table) => self.table(table, depth + 1),
            DeValue::Array(_) if depth >= DEPTH_MAX => Value::Other(TOO_DEEP.into()),
            DeValue::Array(items) => Value::Array(
                items
                    .into_iter()
                    .map(|item| {
                        let line = self.at(item.span().start);
                        Node { line, value: self.value(item.into_inner(), depth + 1) }
                    })
                    .collect(),
            ),
        }
    }
}

/// The one of `known` that `name` was probably meant to be.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // The comparison takes time and memory in proportion to both lengths, and names come from anywhere.
    if name.len() > 2 * crate::plugin::NAME_MAX {
        return None;
    }
    known
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .filter(|(distance, known)| *distance <= known.len().div_ceil(3))
        .min()
        .map(|(_, known)| known)
}

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
        let read = self.read(key, "a list of strings", |value| {
            let Value::Array(items) = value else { return None };
            let text = |node: &Node| match &node.value {
                Value::String(text) => Some(Located { value: text.clone(), line: node.line }),
                _ => None,
            };
            items.iter().map(text).collect::<Option<Vec<_>>>()
        });
        read.map(|located| located.value).unwrap_or_default()
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

    fn read<T>(
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_are_told_together_with_line_and_repair() {
        let problems = Problems::new("ostler.toml");
        let node = Node::from_toml("[a]\nmemroy = \"1MiB\"\ndeadline = 5\nok = true\n", &problems);
        let mut root = node.section("", &problems);
        let mut a = root.section("a").unwrap();
        assert_eq!(a.size("memory", 0..=1 << 30), None);
        assert_eq!(a.duration("deadline", Duration::ZERO..=Duration::from_secs(60)), None);
        assert_eq!(a.boolean("ok"), Some(true));
        a.finish();
        root.finish();
        let told: Vec<_> = problems.into_vec().iter().map(Problem::to_string).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("ostler.toml:2: error: a.memroy: found an unknown key"), "{}", told[0]);
        assert!(told[0].ends_with("repair: write memory"), "{}", told[0]);
        assert!(told[1].starts_with("ostler.toml:3: error: a.deadline: found 5"), "{}", told[1]);
    }

    #[test]
    fn broken_toml_is_a_problem_and_not_a_panic() {
        for text in ["[", "a = ", "a = 'x", "[[a]]\n[a]", "\0", "a = 99999999999999999999999", "=\n=\n"] {
            let problems = Problems::new("x");
            let node = Node::from_toml(text, &problems);
            node.section("", &problems).integer("a", 0..=1);
            assert!(problems.fatal(), "{text:?}");
        }
    }
}
