//! What the parts of a document are compiled with: places that follow references, and schemas by their place.
//!
//! **Invariant:** whatever cannot be compiled is told with its pointer; nothing of it is left out in silence.

use jsonschema::Registry;
use serde_json::Value;

use crate::schema::Schema;
use crate::shape::Shape;
use crate::source::{Broken, escaped};
use crate::translate::{Version, follow};

/// A document that is being compiled.
pub(crate) struct Compile<'a> {
    /// As it was written.
    pub(crate) written: &'a Value,
    /// In one dialect; the same pointers.
    pub(crate) root: &'a Value,
    pub(crate) registry: &'a Registry<'a>,
    pub(crate) version: Version,
}

/// A place in the document.
#[derive(Debug, Clone)]
pub(crate) struct At<'a> {
    pub(crate) pointer: String,
    pub(crate) value: &'a Value,
}

impl<'a> Compile<'a> {
    /// `at`, or what it refers to.
    ///
    /// # Errors
    /// A reference that leads nowhere.
    pub(crate) fn resolve(&self, at: At<'a>) -> Result<At<'a>, Broken> {
        match follow(self.root, at.value) {
            Ok((None, _)) => Ok(at),
            Ok((Some(pointer), value)) => Ok(At { pointer, value }),
            Err(problem) => {
                let repair = "break the circle of $ref";
                Err(Broken::new(at.pointer, problem, "references that lead to something", repair))
            }
        }
    }

    /// The member `key` of `at`, or what it refers to.
    ///
    /// # Errors
    /// As [`Compile::resolve`].
    pub(crate) fn member(&self, at: &At<'a>, key: &str) -> Result<Option<At<'a>>, Broken> {
        let Some(value) = at.value.get(key) else { return Ok(None) };
        self.resolve(At { pointer: format!("{}/{}", at.pointer, escaped(key)), value }).map(Some)
    }

    /// All members of `at`, or what they refer to.
    ///
    /// # Errors
    /// As [`Compile::resolve`].
    pub(crate) fn members(&self, at: &At<'a>) -> Result<Vec<(&'a str, At<'a>)>, Broken> {
        let members = at.value.as_object().into_iter().flatten();
        let resolve = |(key, value): (&'a String, &'a Value)| {
            let member = At { pointer: format!("{}/{}", at.pointer, escaped(key)), value };
            Ok((key.as_str(), self.resolve(member)?))
        };
        members.map(resolve).collect()
    }

    /// All items of `at`, or what they refer to.
    ///
    /// # Errors
    /// As [`Compile::resolve`].
    pub(crate) fn items(&self, at: &At<'a>) -> Result<Vec<At<'a>>, Broken> {
        let items = at.value.as_array().into_iter().flatten().enumerate();
        items.map(|(index, value)| self.resolve(At { pointer: format!("{}/{index}", at.pointer), value })).collect()
    }

    /// The schema in the member `schema` of `at`.
    ///
    /// # Errors
    /// Why it cannot be compiled.
    pub(crate) fn schema(&self, at: &At<'a>) -> Result<Option<Schema>, Broken> {
        if at.value.get("schema").is_none() {
            return Ok(None);
        }
        let pointer = format!("{}/schema", at.pointer);
        Schema::at(self.registry, &pointer).map(Some).map_err(|problem| {
            let repair = "mend the schema; patterns have no look-around and no back-references here, and take at most 1 MiB";
            Broken::new(pointer, problem, "JSON Schema", repair)
        })
    }

    /// The shape of the member `schema` of `at`.
    pub(crate) fn shape(&self, at: &At<'a>) -> Shape {
        at.value.get("schema").map_or_else(Shape::any, |schema| Shape::of(self.root, schema))
    }
}

impl<'a> At<'a> {
    /// The text in the member `key`.
    pub(crate) fn text(&self, key: &str) -> Option<&'a str> {
        self.value.get(key).and_then(Value::as_str)
    }

    /// Whether the member `key` is true.
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        self.value.get(key).and_then(Value::as_bool)
    }

    /// That something is wrong with the member `key`.
    pub(crate) fn broken(&self, key: &str, problem: impl Into<String>, allowed: &'static str, repair: &'static str) -> Broken {
        let pointer = if key.is_empty() { self.pointer.clone() } else { format!("{}/{}", self.pointer, escaped(key)) };
        Broken::new(pointer, problem, allowed, repair)
    }
}
