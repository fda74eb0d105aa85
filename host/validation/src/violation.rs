//! What is wrong with a request, all of it at once, in words that repeat nothing of what was sent.
//!
//! **Invariant:** a violation tells places, types and limits, never values; and there are at most fifty of them.

use std::borrow::Cow;

use ostler_core::{Error, Kind};
use serde_json::{Map, Value};

/// Violations that one answer lists.
pub(crate) const VIOLATIONS_MAX: usize = 50;
/// Bytes of a name or pointer that are told.
const NAME_MAX: usize = 200;

/// Which part of a request (or response) is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Path,
    Query,
    Header,
    Cookie,
    Body,
}

impl Place {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Place::Path => "path",
            Place::Query => "query",
            Place::Header => "header",
            Place::Cookie => "cookie",
            Place::Body => "body",
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Violation {
    pub(crate) place: Place,
    /// Name of the parameter, with the pointer into it; or the pointer into the body.
    pub(crate) at: String,
    pub(crate) problem: Cow<'static, str>,
    /// Type of what was there.
    pub(crate) found: Option<&'static str>,
    /// What would be right.
    pub(crate) allowed: Option<Value>,
}

/// All that is wrong, as far as it is told.
#[derive(Debug, Default)]
pub(crate) struct Violations {
    pub(crate) list: Vec<Violation>,
    more: bool,
    malformed: bool,
}

impl Violation {
    pub(crate) fn new(place: Place, at: &str, problem: impl Into<Cow<'static, str>>) -> Self {
        Violation { place, at: shortened(at), problem: problem.into(), found: None, allowed: None }
    }

    pub(crate) fn allowed(mut self, allowed: impl Into<Value>) -> Self {
        self.allowed = Some(allowed.into());
        self
    }

    fn into_json(self) -> Value {
        let mut object = Map::new();
        object.insert("in".to_owned(), self.place.as_str().into());
        object.insert("at".to_owned(), self.at.into());
        object.insert("problem".to_owned(), self.problem.into_owned().into());
        if let Some(found) = self.found {
            object.insert("found".to_owned(), found.into());
        }
        if let Some(allowed) = self.allowed {
            object.insert("allowed".to_owned(), allowed);
        }
        Value::Object(object)
    }
}

impl Violations {
    /// Something that cannot be read at all: 400.
    pub(crate) fn malformed(&mut self, violation: Violation) {
        self.malformed = true;
        self.invalid(violation);
    }

    /// Something that can be read, but is not allowed: 422.
    pub(crate) fn invalid(&mut self, violation: Violation) {
        if self.is_full() {
            self.more = true;
        } else {
            self.list.push(violation);
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.list.len() >= VIOLATIONS_MAX
    }

    /// Nothing if nothing is wrong.
    ///
    /// # Errors
    /// `Malformed` or `Invalid`, with the list.
    pub(crate) fn into_result(self) -> Result<(), Error> {
        if self.list.is_empty() {
            return Ok(());
        }
        let (kind, detail) = if self.malformed {
            (Kind::Malformed, "the request cannot be read as what this route takes; see violations")
        } else {
            (Kind::Invalid, "the request is not what this route takes; see violations")
        };
        let list = self.list.into_iter().map(Violation::into_json).collect();
        let error = Error::new(kind, detail).member("violations", Value::Array(list));
        Err(if self.more { error.member("more_violations", true.into()) } else { error })
    }
}

/// Names come from clients too; what is told of them is bounded.
fn shortened(name: &str) -> String {
    if name.len() <= NAME_MAX {
        return name.to_owned();
    }
    let mut end = NAME_MAX;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}...", &name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifty_violations_are_told_and_that_there_are_more() {
        let mut violations = Violations::default();
        for index in 0..51 {
            violations.invalid(Violation::new(Place::Body, &format!("/{index}"), "wrong"));
        }
        let error = violations.into_result().unwrap_err();
        assert_eq!(error.kind, Kind::Invalid);
        let members = error.more.unwrap().members;
        assert_eq!(members["violations"].as_array().unwrap().len(), VIOLATIONS_MAX);
        assert_eq!(members["more_violations"], true);
    }

    #[test]
    fn one_thing_that_cannot_be_read_makes_it_a_400() {
        let mut violations = Violations::default();
        violations.invalid(Violation::new(Place::Query, "a", "wrong"));
        violations.malformed(Violation::new(Place::Query, "b", "no number").allowed("integer"));
        assert_eq!(violations.into_result().unwrap_err().kind, Kind::Malformed);
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        let violation = Violation::new(Place::Body, &"é".repeat(NAME_MAX), "wrong");
        assert!(violation.at.len() <= NAME_MAX + 3);
    }
}
