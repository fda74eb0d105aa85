//! Bounds the work of schemas that contain themselves.
//!
//! A schema of alternatives, each of which contains the schema again (as of an expression: `and` of two, `or` of two), can be
//! tried in a number of ways that doubles with each level of the value; sixty levels of it would never end. So every reference in
//! such a circle counts, and a comparison that follows too many of them is given up: from within the library's own recursion
//! that is possible only by unwinding, which is no panic (no hook runs) and is caught where the comparison began.
//!
//! **Invariant:** whatever value is compared with whatever schema, the comparison ends after a bounded number of references.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError};
use serde_json::{Map, Value, json};

use crate::translate::pointer;

/// References in circles that one comparison may follow.
const STEPS_MAX: u32 = 200_000;
/// The keyword that counts.
pub(crate) const KEYWORD: &str = "x-ostler-meter";

thread_local! {
    static LEFT: Cell<u32> = const { Cell::new(STEPS_MAX) };
}

/// That the steps are used up.
struct Exhausted;

/// Counts one step whenever it is asked.
struct Step;

impl Keyword<'_> for Step {
    fn validate(&self, _: &Value) -> Result<(), ValidationError<'static>> {
        step();
        Ok(())
    }

    fn is_valid(&self, _: &Value) -> bool {
        step();
        true
    }
}

/// What [`KEYWORD`] does.
pub(crate) fn keyword<'a>(
    _: &'a Map<String, Value>,
    _: &'a Value,
    _: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
    Ok(Box::new(Step))
}

/// Runs a comparison; none if it took too many steps.
pub(crate) fn bounded<T>(compare: impl FnOnce() -> T) -> Option<T> {
    LEFT.set(STEPS_MAX);
    match catch_unwind(AssertUnwindSafe(compare)) {
        Ok(result) => Some(result),
        Err(cause) if cause.is::<Exhausted>() => None,
        Err(cause) => resume_unwind(cause),
    }
}

fn step() {
    match LEFT.get().checked_sub(1) {
        Some(left) => LEFT.set(left),
        None => resume_unwind(Box::new(Exhausted)),
    }
}

/// `root` with a counting keyword before each reference that is part of a circle.
pub(crate) fn metered(root: &Value) -> Value {
    let mut targets = BTreeSet::new();
    references(root, &mut targets);
    let reach = |pointer: &String| {
        let mut inner = BTreeSet::new();
        root.pointer(pointer).into_iter().for_each(|target| references(target, &mut inner));
        (pointer.clone(), inner)
    };
    let graph: BTreeMap<_, _> = targets.iter().map(reach).collect();
    let circles: BTreeSet<_> =
        targets.iter().filter(|target| reaches_itself(&graph, target)).cloned().collect();
    let mut root = root.clone();
    if !circles.is_empty() {
        rewrite(&mut root, &circles);
    }
    root
}

/// Where the references in `value` lead.
fn references(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            into.extend(members.get("$ref").and_then(Value::as_str).and_then(pointer));
            members.values().for_each(|value| references(value, into));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, into)),
        _ => {}
    }
}

fn reaches_itself(graph: &BTreeMap<String, BTreeSet<String>>, start: &String) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![start];
    while let Some(next) = open.pop() {
        for inner in graph.get(next).into_iter().flatten() {
            if inner == start {
                return true;
            }
            if seen.insert(inner) {
                open.push(inner);
            }
        }
    }
    false
}

/// `{"$ref": x, ...}` becomes `{"allOf": [count, {"$ref": x}], ...}`: the library tries these in their order.
fn rewrite(value: &mut Value, circles: &BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(|value| rewrite(value, circles));
            let target = members.get("$ref").and_then(Value::as_str).and_then(pointer);
            if target.is_some_and(|target| circles.contains(&target))
                && let Some(reference) = members.remove("$ref")
            {
                let counted = [json!({ KEYWORD: true }), json!({ "$ref": reference })];
                if let Value::Array(all) = members.entry("allOf").or_insert_with(|| json!([])) {
                    all.extend(counted);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(item, circles)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_references_in_circles_count() {
        let root = json!({"A": {"properties": {"a": {"$ref": "#/B"}}}, "B": {"items": {"$ref": "#/A"}}, "C": {"$ref": "#/D"}, "D": {}});
        let metered = metered(&root);
        assert_eq!(metered["C"], root["C"]);
        assert_eq!(metered["B"]["items"], json!({"allOf": [{"x-ostler-meter": true}, {"$ref": "#/A"}]}));
    }

    #[test]
    fn what_takes_too_long_is_given_up_without_a_panic() {
        assert_eq!(bounded(|| 7), Some(7));
        let endless = || -> u32 {
            loop {
                step();
            }
        };
        assert_eq!(bounded(endless), None);
        assert_eq!(bounded(|| 7), Some(7));
    }
}
