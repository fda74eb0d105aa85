//! What a text may stand for: the types that a schema allows, as far as they can be told beforehand.
//!
//! **Invariant:** a text becomes a value in one way only; what has two meanings takes the first of integer, number, boolean,
//! null, string that its schema allows.

use std::collections::BTreeMap;

use jsonschema::{JsonType, JsonTypeSet};
use serde_json::Value;

use crate::translate::follow;

/// Schemas inside each other that are looked into.
const DEPTH: usize = 8;

/// Types, and those of what is inside.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) types: JsonTypeSet,
    pub(crate) items: Option<Box<Shape>>,
    pub(crate) properties: BTreeMap<String, Shape>,
    pub(crate) additional: Option<Box<Shape>>,
}

/// How its text has to be taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Scalar,
    List,
    Object,
}

impl Shape {
    /// Anything.
    pub(crate) fn any() -> Self {
        Shape { types: JsonTypeSet::all(), items: None, properties: BTreeMap::new(), additional: None }
    }

    /// Of `schema`, a part of the translated document `root`.
    pub(crate) fn of(root: &Value, schema: &Value) -> Self {
        Self::within(root, schema, DEPTH)
    }

    fn within(root: &Value, schema: &Value, depth: usize) -> Self {
        let mut shape = Shape::any();
        let Some(depth) = depth.checked_sub(1) else { return shape };
        if let Ok((Some(_), target)) = follow(root, schema) {
            shape = Self::within(root, target, depth);
        }
        shape.types = shape.types.intersect(types(schema));
        let inner = |schema: &Value| Self::within(root, schema, depth);
        shape.items = schema.get("items").map(|items| Box::new(inner(items))).or(shape.items);
        if let Some(Value::Object(properties)) = schema.get("properties") {
            shape.properties.extend(properties.iter().map(|(name, schema)| (name.clone(), inner(schema))));
        }
        if let Some(additional @ Value::Object(_)) = schema.get("additionalProperties") {
            shape.additional = Some(Box::new(inner(additional)));
        }
        for part in list(schema, "allOf").map(inner) {
            shape.types = shape.types.intersect(part.types);
            shape.adopt(part);
        }
        for keyword in ["anyOf", "oneOf"] {
            let alternatives: Vec<_> = list(schema, keyword).map(inner).collect();
            if let Some(union) = alternatives.iter().map(|part| part.types).reduce(JsonTypeSet::union) {
                shape.types = shape.types.intersect(union);
            }
            alternatives.into_iter().for_each(|part| shape.adopt(part));
        }
        shape
    }

    fn adopt(&mut self, part: Shape) {
        self.items = self.items.take().or(part.items);
        self.additional = self.additional.take().or(part.additional);
        for (name, shape) in part.properties {
            self.properties.entry(name).or_insert(shape);
        }
    }

    /// How its text is taken apart; text of anything is a string.
    pub(crate) fn form(&self) -> Form {
        let is = |one| self.types.contains(one);
        match () {
            () if self.types == JsonTypeSet::all() => Form::Scalar,
            () if is(JsonType::Array) => Form::List,
            () if is(JsonType::Object) => Form::Object,
            () => Form::Scalar,
        }
    }

    /// Whether a single text may be a value of this.
    pub(crate) fn takes_scalars(&self) -> bool {
        let scalars = self.types.remove(JsonType::Array).remove(JsonType::Object);
        !scalars.is_empty()
    }

    /// Of the items of a list.
    pub(crate) fn item(&self) -> Option<&Shape> {
        self.items.as_deref()
    }

    /// Of the property `name`.
    pub(crate) fn property(&self, name: &str) -> Option<&Shape> {
        self.properties.get(name).or(self.additional.as_deref())
    }

    /// The value that `text` stands for, if it is of one of the types.
    pub(crate) fn scalar(&self, text: &str) -> Option<Value> {
        let is = |one| self.types.contains(one);
        if self.types == JsonTypeSet::all() {
            return Some(Value::String(text.to_owned()));
        }
        if is(JsonType::Integer) && let Some(integer) = integer(text) {
            return Some(integer);
        }
        if is(JsonType::Number) && let Some(number) = number(text) {
            return Some(number);
        }
        match text {
            "true" if is(JsonType::Boolean) => Some(Value::Bool(true)),
            "false" if is(JsonType::Boolean) => Some(Value::Bool(false)),
            "" | "null" if is(JsonType::Null) => Some(Value::Null),
            text if is(JsonType::String) => Some(Value::String(text.to_owned())),
            _ => None,
        }
    }

    /// The types in words.
    pub(crate) fn told(&self) -> Value {
        let types = self.types;
        let types = if types.contains(JsonType::Number) { types.remove(JsonType::Integer) } else { types };
        let mut names: Vec<_> = types.iter().map(|one| one.to_string()).collect();
        if names.len() == 1 { names.swap_remove(0).into() } else { names.into() }
    }
}

fn list<'a>(schema: &'a Value, keyword: &str) -> impl Iterator<Item = &'a Value> {
    schema.get(keyword).and_then(Value::as_array).into_iter().flatten()
}

/// The types that the schema itself allows.
fn types(schema: &Value) -> JsonTypeSet {
    let union = |types: JsonTypeSet, one: JsonType| match one {
        JsonType::Number => types.insert(JsonType::Number).insert(JsonType::Integer),
        one => types.insert(one),
    };
    let named = |value: &Value| value.as_str().and_then(|name| name.parse::<Name>().ok()).map(|name| name.0);
    match (schema.get("type"), schema.get("enum"), schema.get("const")) {
        (Some(Value::Array(names)), ..) => names.iter().filter_map(named).fold(JsonTypeSet::empty(), union),
        (Some(name), ..) => named(name).map_or(JsonTypeSet::all(), |one| union(JsonTypeSet::empty(), one)),
        (None, Some(Value::Array(values)), _) => values.iter().map(type_of).fold(JsonTypeSet::empty(), union),
        (None, _, Some(value)) => union(JsonTypeSet::empty(), type_of(value)),
        _ => JsonTypeSet::all(),
    }
}

/// A name of a type as schemas write it.
struct Name(JsonType);

impl std::str::FromStr for Name {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let all = JsonTypeSet::all();
        all.iter().find(|one| one.to_string() == name).map(Name).ok_or(())
    }
}

fn type_of(value: &Value) -> JsonType {
    match value {
        Value::Null => JsonType::Null,
        Value::Bool(_) => JsonType::Boolean,
        Value::Number(_) => JsonType::Number,
        Value::String(_) => JsonType::String,
        Value::Array(_) => JsonType::Array,
        Value::Object(_) => JsonType::Object,
    }
}

/// An integer as JSON writes it: no plus, no leading zeros, within 64 bits.
fn integer(text: &str) -> Option<Value> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits == "0" || (!digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()));
    if !plain || digits.is_empty() {
        return None;
    }
    text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<u64>().map(Value::from)).ok()
}

/// A number as JSON writes it, and finite.
fn number(text: &str) -> Option<Value> {
    let numeric = text.bytes().all(|byte| b"+-.eE0123456789".contains(&byte));
    crate::json::read(numeric.then_some(text)?.as_bytes()).ok().filter(Value::is_number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scalar(schema: Value, text: &str) -> Option<Value> {
        Shape::of(&json!({}), &schema).scalar(text)
    }

    #[test]
    fn texts_become_what_their_schema_says() {
        let rows = [
            (json!({"type": "integer"}), "-12", Some(json!(-12))),
            (json!({"type": "integer"}), "18446744073709551615", Some(json!(u64::MAX))),
            (json!({"type": "integer"}), "18446744073709551616", None),
            (json!({"type": "integer"}), "1.0", None),
            (json!({"type": "integer"}), "+1", None),
            (json!({"type": "integer"}), "01", None),
            (json!({"type": "integer"}), "-", None),
            (json!({"type": "integer"}), "", None),
            (json!({"type": "integer"}), "1 ", None),
            (json!({"type": "integer"}), "١", None),
            (json!({"type": "number"}), "1.5e2", Some(json!(150.0))),
            (json!({"type": "number"}), "7", Some(json!(7))),
            (json!({"type": "number"}), "NaN", None),
            (json!({"type": "number"}), "inf", None),
            (json!({"type": "number"}), "1e999", None),
            (json!({"type": "number"}), "0x10", None),
            (json!({"type": "boolean"}), "true", Some(json!(true))),
            (json!({"type": "boolean"}), "1", None),
            (json!({"type": "string"}), "1", Some(json!("1"))),
            (json!({"type": ["integer", "null"]}), "", Some(json!(null))),
            (json!({"anyOf": [{"type": "integer"}, {"type": "string"}]}), "x", Some(json!("x"))),
            (json!({"enum": [1, 2]}), "1", Some(json!(1))),
            (json!({"allOf": [{"type": ["integer", "string"]}, {"type": "string"}]}), "1", Some(json!("1"))),
            (json!({}), "1", Some(json!("1"))),
        ];
        for (schema, text, value) in rows {
            assert_eq!(scalar(schema.clone(), text), value, "{schema} {text}");
        }
    }

    #[test]
    fn recursive_schemas_have_a_shape() {
        let root = json!({"A": {"type": "array", "items": {"$ref": "#/A"}}, "B": {"$ref": "#/C"}, "C": {"$ref": "#/B"}});
        assert_eq!(Shape::of(&root, &root["A"]).form(), Form::List);
        assert_eq!(Shape::of(&root, &root["B"]).form(), Form::Scalar);
    }
}
