//! Reads settings (TOML of the configuration file, JSON of the admin API) so that all problems are told together.
//!
//! A room reads its `Config` from a [`Section`]: each getter takes one key, checks it and returns a value or nothing, and
//! `finish` refuses what nobody asked for, with the nearest known key. Problems gather in [`Problems`]; a config with any
//! error in it must not be used.

use std::cell::RefCell;
use std::fmt;

use serde::Serialize;
use toml::de::{DeTable, DeValue};

mod expand;
mod section;

pub use section::Section;

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
        Section::new(path, self.line, entries, problems)
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
