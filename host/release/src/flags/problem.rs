//! Why definitions are refused: every problem with its path in the JSON.
//!
//! **Invariant:** what is shown of hostile input is short and on one line.

use std::fmt;

use ostler_core::settings::nearest;
use serde_json::Value;

/// Most problems that are told at once.
const TOLD: usize = 20;

/// Longest quotation of what was found, in characters.
const QUOTED: usize = 60;

/// One thing wrong with a definition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: found {found}; allowed: {allowed}; repair: {repair}")]
pub struct Problem {
    /// Where, as in `flags.new-checkout.defaultVariant`.
    pub path: String,
    /// What stands there, shortened.
    pub found: String,
    /// What may stand there.
    pub allowed: String,
    /// What to do about it.
    pub repair: String,
}

/// Definitions that were refused whole; what was in force stays so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Refused {
    /// What is wrong, the first 20.
    pub problems: Vec<Problem>,
    /// How many more there are.
    pub more: usize,
}

/// Collects problems.
#[derive(Debug, Default)]
pub(super) struct Problems {
    told: Vec<Problem>,
    more: usize,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            write!(f, "{}{problem}", if index == 0 { "" } else { "\n" })?;
        }
        match self.more {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl Refused {
    /// One problem alone.
    pub(super) fn one(
        path: &str,
        found: impl Into<String>,
        allowed: impl Into<String>,
        repair: &str,
    ) -> Self {
        let mut problems = Problems::default();
        problems.add(path, found, allowed, repair);
        problems.refused()
    }
}

impl Problems {
    pub(super) fn add(
        &mut self,
        path: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
        repair: impl Into<String>,
    ) {
        if self.told.len() == TOLD {
            self.more += 1;
            return;
        }
        let (path, found, allowed, repair) = (path.into(), found.into(), allowed.into(), repair.into());
        self.told.push(Problem { path, found, allowed, repair });
    }

    /// A key that nobody knows.
    pub(super) fn unknown_key(&mut self, path: &str, key: &str, known: &[&str]) {
        let repair = match nearest(key, known.iter().copied()) {
            Some(known) => format!("write {known}"),
            None => "remove it".to_owned(),
        };
        self.add(join(path, key), "an unknown key", known.join(", "), repair);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    pub(super) fn refused(self) -> Refused {
        Refused { problems: self.told, more: self.more }
    }
}

/// `path.key`, with a key that is no plain word quoted.
pub(super) fn join(path: &str, key: &str) -> String {
    let plain =
        !key.is_empty() && key.len() <= QUOTED && key.bytes().all(|b| b.is_ascii_graphic() && b != b'"');
    let key = if plain { key.to_owned() } else { quote(key) };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// `text` in quotes, shortened.
pub(super) fn quote(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}...", &text[..end]),
    }
}

/// What `value` is, shortened.
pub(super) fn show(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(yes) => yes.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quote(text),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(entries) => format!("an object of {}", entries.len()),
    }
}
