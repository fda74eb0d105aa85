//! Finds schemas that contain themselves at the same place of a value: comparing anything with them would have no end.
//!
//! **Invariant:** what passes goes one level deeper into the value before any schema is met again.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::source::Broken;
use crate::translate::pointer;

/// A schema that contains itself without going deeper into the value would never come to an end.
pub(crate) fn endless(root: &Value, pointer: &str) -> Option<Broken> {
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
