//! Brings the schemas of a document into one dialect, JSON Schema 2020-12 as requests (or responses) see it.
//!
//! OpenAPI 3.0 has a dialect of its own (section 4.7.24 there): `nullable`, boolean `exclusiveMinimum`, nothing beside `$ref`.
//! In both versions what is `readOnly` is not required of requests, nor what is `writeOnly` of responses.
//!
//! **Invariant:** every place keeps its pointer, but below `nullable` without a type; every `$ref` that stays leads to something.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::source::{Broken, escaped};

/// Which OpenAPI it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// 3.0.x
    V30,
    /// 3.1.x
    V31,
}

/// Who sends what is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Request,
    Response,
}

/// A document in one dialect.
pub(crate) struct Translated {
    pub(crate) root: Value,
    /// Pointers of all schemas that are not part of another.
    pub(crate) schemas: Vec<String>,
    /// What is wrong with references.
    pub(crate) broken: Vec<Broken>,
}

struct Translation<'a> {
    root: &'a Value,
    version: Version,
    /// The keyword that makes a property the other side's.
    others: &'static str,
    schemas: Vec<String>,
    broken: Vec<Broken>,
}

/// Members whose own members are named by the author.
const NAMED: [&str; 10] =
    ["paths", "responses", "parameters", "requestBodies", "headers", "content", "callbacks", "links", "pathItems", "encoding"];
/// Members that hold anything.
const OPAQUE: [&str; 3] = ["example", "examples", "securitySchemes"];
/// Keywords whose members are schemas.
const SCHEMA_MAPS: [&str; 5] = ["properties", "patternProperties", "dependentSchemas", "$defs", "definitions"];
/// Keywords that are a schema.
const SCHEMA_ONE: [&str; 11] = [
    "items",
    "additionalProperties",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "additionalItems",
];
/// Keywords that are a list of schemas.
const SCHEMA_LISTS: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords that would lead references elsewhere, or mean nothing to a check.
const DROPPED: [&str; 9] =
    ["$id", "$schema", "$anchor", "$dynamicAnchor", "nullable", "example", "xml", "externalDocs", "discriminator"];

/// `root` in one dialect, as `side` sees it.
pub(crate) fn translate(root: &Value, version: Version, side: Side) -> Translated {
    let others = if side == Side::Request { "readOnly" } else { "writeOnly" };
    let mut translation = Translation { root, version, others, schemas: Vec::new(), broken: Vec::new() };
    let root = translation.node("", root);
    let (schemas, mut broken) = (translation.schemas, translation.broken);
    broken.extend(schemas.iter().filter_map(|pointer| endless(&root, pointer)));
    Translated { root, schemas, broken }
}

impl Translation<'_> {
    /// Something that is no schema.
    fn node(&mut self, at: &str, value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                self.reference(at, members);
                let translated = members.iter().map(|(key, value)| {
                    let at = format!("{at}/{}", escaped(key));
                    (key.clone(), self.member(&at, key, value))
                });
                Value::Object(translated.collect())
            }
            Value::Array(items) => {
                let translated = items.iter().enumerate().map(|(index, item)| self.node(&format!("{at}/{index}"), item));
                Value::Array(translated.collect())
            }
            scalar => scalar.clone(),
        }
    }

    fn member(&mut self, at: &str, key: &str, value: &Value) -> Value {
        match (key, value) {
            ("schema", _) => self.top(at, value),
            ("schemas", Value::Object(members)) => self.each(at, members, Self::top),
            (_, Value::Object(members)) if NAMED.contains(&key) => self.each(at, members, Self::node),
            _ if OPAQUE.contains(&key) || key.starts_with("x-") => value.clone(),
            _ => self.node(at, value),
        }
    }

    fn each(&mut self, at: &str, members: &Map<String, Value>, one: fn(&mut Self, &str, &Value) -> Value) -> Value {
        let translated =
            members.iter().map(|(key, value)| (key.clone(), one(self, &format!("{at}/{}", escaped(key)), value)));
        Value::Object(translated.collect())
    }

    fn top(&mut self, at: &str, schema: &Value) -> Value {
        self.schemas.push(at.to_owned());
        self.schema(at, schema)
    }

    fn schema(&mut self, at: &str, schema: &Value) -> Value {
        let Value::Object(members) = schema else { return schema.clone() };
        self.reference(at, members);
        if let (Version::V30, Some(reference)) = (self.version, members.get("$ref")) {
            return json!({ "$ref": reference });
        }
        let mut translated = Map::new();
        for (key, value) in members.iter().filter(|(key, _)| !DROPPED.contains(&key.as_str())) {
            translated.insert(key.clone(), self.keyword(&format!("{at}/{}", escaped(key)), key, value));
        }
        self.required(members, &mut translated);
        formats(&mut translated);
        if self.version == Version::V30 {
            exclusive(&mut translated, "exclusiveMinimum", "minimum");
            exclusive(&mut translated, "exclusiveMaximum", "maximum");
            if members.get("nullable") == Some(&Value::Bool(true)) {
                return nullable(translated);
            }
        }
        Value::Object(translated)
    }

    fn keyword(&mut self, at: &str, key: &str, value: &Value) -> Value {
        match value {
            Value::Object(members) if SCHEMA_MAPS.contains(&key) => self.each(at, members, Self::schema),
            Value::Object(_) if SCHEMA_ONE.contains(&key) => self.schema(at, value),
            Value::Array(list) if SCHEMA_LISTS.contains(&key) || key == "items" => {
                let list = list.iter().enumerate();
                Value::Array(list.map(|(index, item)| self.schema(&format!("{at}/{index}"), item)).collect())
            }
            other => other.clone(),
        }
    }

    /// Takes what belongs to the other side off the list of what is required.
    fn required(&self, members: &Map<String, Value>, translated: &mut Map<String, Value>) {
        let Some(properties) = members.get("properties") else { return };
        let Some(Value::Array(required)) = translated.get_mut("required") else { return };
        required.retain(|name| {
            let property = name.as_str().and_then(|name| properties.get(name));
            let property = property.and_then(|property| follow(self.root, property).ok()).map(|(_, property)| property);
            property.and_then(|property| property.get(self.others)) != Some(&Value::Bool(true))
        });
    }

    /// References may only lead to something in the same document.
    fn reference(&mut self, at: &str, members: &Map<String, Value>) {
        let Some(Value::String(reference)) = members.get("$ref") else { return };
        let broken = match pointer(reference) {
            None => (
                format!("$ref leads out of the document: {reference}"),
                "references within the document, such as #/components/schemas/Order",
                "bundle the document into one file, and refer to #/components/...",
            ),
            Some(pointer) if self.root.pointer(&pointer).is_none() => (
                format!("$ref leads to nothing: {reference}"),
                "references to what the document has",
                "add it below components, or mend the reference",
            ),
            Some(_) => return,
        };
        self.broken.push(Broken::new(format!("{at}/$ref"), broken.0, broken.1, broken.2));
    }
}

/// What `value` stands for, with its pointer if it is a reference.
///
/// # Errors
/// The reference that leads nowhere, or in a circle.
pub(crate) fn follow<'a>(root: &'a Value, mut value: &'a Value) -> Result<(Option<String>, &'a Value), String> {
    let mut at = None;
    for _ in 0..32 {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return Ok((at, value)) };
        let pointer = pointer(reference).ok_or_else(|| reference.to_owned())?;
        value = root.pointer(&pointer).ok_or_else(|| reference.to_owned())?;
        at = Some(pointer);
    }
    Err("references lead in a circle".to_owned())
}

/// The JSON Pointer that a local reference is.
pub(crate) fn pointer(reference: &str) -> Option<String> {
    let fragment = reference.strip_prefix('#')?;
    let decoded = percent_encoding::percent_decode_str(fragment).decode_utf8().ok()?;
    (decoded.is_empty() || decoded.starts_with('/')).then(|| decoded.into_owned())
}

/// 3.0: `exclusiveMinimum: true` makes `minimum` exclusive.
fn exclusive(schema: &mut Map<String, Value>, exclusive: &str, limit: &str) {
    match schema.get(exclusive) {
        Some(Value::Bool(true)) => {
            schema.remove(exclusive);
            if let Some(limit) = schema.remove(limit) {
                schema.insert(exclusive.to_owned(), limit);
            }
        }
        Some(Value::Bool(false)) => drop(schema.remove(exclusive)),
        _ => {}
    }
}

/// 3.0: `nullable: true` adds null to what the rest allows.
fn nullable(mut schema: Map<String, Value>) -> Value {
    if !schema.contains_key("type") {
        return json!({ "anyOf": [{ "type": "null" }, schema] });
    }
    if let Some(Value::String(one)) = schema.get("type") {
        let both = json!([one, "null"]);
        schema.insert("type".to_owned(), both);
    }
    if let Some(Value::Array(options)) = schema.get_mut("enum")
        && !options.contains(&Value::Null)
    {
        options.push(Value::Null);
    }
    Value::Object(schema)
}

/// Formats of OpenAPI that are no formats of strings: bounds of integers; and binary, whose length is checked in bytes elsewhere.
fn formats(schema: &mut Map<String, Value>) {
    let bounds = match schema.get("format").and_then(Value::as_str) {
        Some("int32") => json!({ "minimum": i32::MIN, "maximum": i32::MAX }),
        Some("int64") => json!({ "minimum": i64::MIN, "maximum": i64::MAX }),
        Some("binary") => {
            for keyword in ["minLength", "maxLength", "pattern"] {
                schema.remove(keyword);
            }
            return;
        }
        _ => return,
    };
    if let Value::Array(all) = schema.entry("allOf").or_insert_with(|| json!([])) {
        all.push(bounds);
    }
}

/// A schema that contains itself without going deeper into the value would never come to an end.
fn endless(root: &Value, pointer: &str) -> Option<Broken> {
    let schema = root.pointer(pointer)?;
    let mut visited = HashSet::new();
    circle(root, schema, &mut Vec::new(), &mut visited).then(|| {
        Broken::new(
            pointer,
            "the schema contains itself at the same place, without end",
            "schemas that contain themselves below properties or items only",
            "move the inner use below a property or items",
        )
    })
}

/// Whether a schema on the way to `schema` is reached again. Addresses serve as names.
fn circle(root: &Value, schema: &Value, way: &mut Vec<usize>, visited: &mut HashSet<usize>) -> bool {
    let name = std::ptr::from_ref(schema) as usize;
    if way.contains(&name) || way.len() > 500 {
        return true;
    }
    if !visited.insert(name) {
        return false;
    }
    way.push(name);
    let found = in_place(root, schema).into_iter().any(|inner| circle(root, inner, way, visited));
    way.pop();
    found
}

/// Schemas that see the same value as `schema` does.
fn in_place<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let list = |key: &str| schema.get(key).and_then(Value::as_array).into_iter().flatten();
    let map = |key: &str| schema.get(key).and_then(Value::as_object).into_iter().flat_map(Map::values);
    let mut inner: Vec<_> = ["allOf", "anyOf", "oneOf"].into_iter().flat_map(list).collect();
    inner.extend(["not", "if", "then", "else"].into_iter().filter_map(|key| schema.get(key)));
    inner.extend(map("dependentSchemas"));
    let reference = schema.get("$ref").and_then(Value::as_str).and_then(pointer);
    inner.extend(reference.and_then(|pointer| root.pointer(&pointer)));
    inner
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(version: Version, side: Side, schema: Value) -> Value {
        let root = json!({ "components": { "schemas": { "A": schema, "Id": { "readOnly": true } } } });
        let translated = translate(&root, version, side);
        assert_eq!(translated.broken, []);
        translated.root["components"]["schemas"]["A"].clone()
    }

    #[test]
    fn the_dialect_of_3_0_becomes_2020_12() {
        let old = |value| schema(Version::V30, Side::Request, value);
        assert_eq!(old(json!({"type": "string", "nullable": true, "enum": ["a"]})), json!({"type": ["string", "null"], "enum": ["a", null]}));
        assert_eq!(old(json!({"minimum": 1, "exclusiveMinimum": true, "maximum": 2, "exclusiveMaximum": false})), json!({"exclusiveMinimum": 1, "maximum": 2}));
        assert_eq!(old(json!({"$ref": "#/components/schemas/Id", "maxLength": 1})), json!({"$ref": "#/components/schemas/Id"}));
        assert_eq!(old(json!({"nullable": true, "allOf": [{"type": "object"}]})), json!({"anyOf": [{"type": "null"}, {"allOf": [{"type": "object"}]}]}));
        assert_eq!(old(json!({"properties": {"example": {"nullable": true, "type": "string"}}}))["properties"]["example"], json!({"type": ["string", "null"]}));
    }

    #[test]
    fn what_belongs_to_the_other_side_is_not_required() {
        let object = json!({"required": ["id", "secret", "x"], "properties": {
            "id": {"$ref": "#/components/schemas/Id"}, "secret": {"writeOnly": true}, "x": {}}});
        assert_eq!(schema(Version::V31, Side::Request, object.clone())["required"], json!(["secret", "x"]));
        assert_eq!(schema(Version::V31, Side::Response, object)["required"], json!(["id", "x"]));
    }

    #[test]
    fn references_out_of_the_document_or_to_nothing_are_told() {
        let root = json!({"paths": {"/a": {"get": {"parameters": [{"$ref": "other.yaml#/x"}, {"$ref": "#/nothing"}], "x-y": {"$ref": "z"}}}}});
        let broken = translate(&root, Version::V31, Side::Request).broken;
        let pointers: Vec<_> = broken.iter().map(|broken| broken.pointer.as_str()).collect();
        assert_eq!(pointers, ["/paths/~1a/get/parameters/0/$ref", "/paths/~1a/get/parameters/1/$ref"]);
    }

    #[test]
    fn schemas_without_end_are_told_and_recursive_ones_are_not() {
        let root = |a: Value| json!({"components": {"schemas": {"A": a, "B": {"$ref": "#/components/schemas/A"}}}});
        let broken = |a| translate(&root(a), Version::V31, Side::Request).broken.len();
        assert_eq!(broken(json!({"$ref": "#/components/schemas/B"})), 2);
        assert_eq!(broken(json!({"allOf": [{"anyOf": [{"$ref": "#/components/schemas/A"}]}]})), 2);
        assert_eq!(broken(json!({"properties": {"a": {"$ref": "#/components/schemas/A"}}, "items": {"$ref": "#/components/schemas/B"}})), 0);
    }
}
