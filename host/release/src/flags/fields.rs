//! The fields of a flag's definition, each read with what is wrong with it.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::VARIANTS_MAX;
use super::definition::State;
use super::problem::{Problems, join, quote, show};
use super::targeting::{Reading, Targeting};

const LONGEST_NAME: usize = 128;

pub(super) fn read_state(entries: &Map<String, Value>, path: &str, problems: &mut Problems) -> Option<State> {
    match entries.get("state").map(|state| (state, state.as_str())) {
        Some((_, Some("ENABLED"))) => return Some(State::Enabled),
        Some((_, Some("DISABLED"))) => return Some(State::Disabled),
        Some((found, _)) => {
            problems.add(join(path, "state"), show(found), "\"ENABLED\", \"DISABLED\"", "write one of these");
        }
        None => problems.add(
            join(path, "state"),
            "nothing",
            "\"ENABLED\", \"DISABLED\"",
            "add \"state\": \"ENABLED\"",
        ),
    }
    None
}

pub(super) type Variants = Box<[(Arc<str>, Arc<Value>)]>;

pub(super) fn read_variants(
    entries: &Map<String, Value>,
    path: &str,
    problems: &mut Problems,
) -> Option<Variants> {
    let (path, allowed) = (join(path, "variants"), "an object of values by name, all of one type");
    let repair = "write \"variants\": {\"on\": true, \"off\": false}";
    let Some(Value::Object(variants)) = entries.get("variants") else {
        problems.add(path, entries.get("variants").map_or("nothing".into(), show), allowed, repair);
        return None;
    };
    if variants.is_empty() || variants.len() > VARIANTS_MAX {
        problems.add(path, variants.len().to_string(), format!("1 to {VARIANTS_MAX} variants"), repair);
        return None;
    }
    let kinds = variants.iter().map(|(name, value)| read_kind(name, value, &path, problems));
    let kinds = kinds.collect::<Vec<_>>().into_iter().collect::<Option<Vec<_>>>()?;
    if let Some(other) = kinds.iter().find(|kind| **kind != kinds[0]) {
        problems.add(path, format!("{} and {other}", kinds[0]), "values of one type", "make two flags of it");
        return None;
    }
    Some(variants.iter().map(|(name, value)| (name.as_str().into(), Arc::new(value.clone()))).collect())
}

fn read_kind(name: &str, value: &Value, path: &str, problems: &mut Problems) -> Option<&'static str> {
    if name.is_empty() || name.len() > LONGEST_NAME {
        problems.add(path, quote(name), format!("names of 1 to {LONGEST_NAME} bytes"), "rename the variant");
        return None;
    }
    match value {
        Value::Bool(_) => Some("booleans"),
        Value::Number(_) => Some("numbers"),
        Value::String(_) => Some("strings"),
        Value::Object(_) => Some("objects"),
        Value::Null | Value::Array(_) => {
            let allowed = "a boolean, a number, a string or an object";
            problems.add(join(path, name), show(value), allowed, "put a list into an object");
            None
        }
    }
}

/// The outer `None` is a problem, the inner one the default of whoever asks.
pub(super) fn read_default(
    entries: &Map<String, Value>,
    variants: &Variants,
    path: &str,
    problems: &mut Problems,
) -> Option<Option<usize>> {
    let name = match entries.get("defaultVariant") {
        None | Some(Value::Null) => return Some(None),
        Some(Value::String(name)) => name.as_str(),
        Some(Value::Bool(true)) => "true",
        Some(Value::Bool(false)) => "false",
        Some(_) => "",
    };
    let found = variants.iter().position(|(known, _)| **known == *name);
    if found.is_none() {
        let names = || variants.iter().map(|(name, _)| &**name);
        let repair = match ostler_core::settings::nearest(name, names()) {
            Some(near) => format!("write {}", quote(near)),
            None => "write one of these, or null for the default that the code passes".to_owned(),
        };
        let found = entries.get("defaultVariant").map_or_else(String::new, show);
        let mut allowed: Vec<_> = names().take(20).collect();
        allowed.sort_unstable();
        problems.add(join(path, "defaultVariant"), found, allowed.join(", "), repair);
    }
    found.map(Some)
}

/// The outer `None` is a problem, the inner one no targeting.
pub(super) fn read_targeting(
    entries: &Map<String, Value>,
    path: &str,
    reading: &mut Reading<'_>,
    problems: &mut Problems,
) -> Option<Option<Targeting>> {
    let path = join(path, "targeting");
    match entries.get("targeting") {
        None | Some(Value::Null) => Some(None),
        Some(Value::Object(rule)) if rule.is_empty() => Some(None),
        Some(rule @ Value::Object(_)) => Targeting::read(rule, &path, reading, problems).map(Some),
        Some(other) => {
            let repair = "write {\"if\": [condition, \"on\", \"off\"]}";
            problems.add(path, show(other), "an object: a rule in JSONLogic", repair);
            None
        }
    }
}

/// What a flag or a document says besides, over what holds around it.
pub(super) fn read_metadata(
    found: Option<&Value>,
    path: &str,
    around: &Arc<Value>,
    problems: &mut Problems,
) -> Option<Arc<Value>> {
    let own = match found {
        None | Some(Value::Null) => return Some(around.clone()),
        Some(Value::Object(own)) => own,
        Some(other) => {
            problems.add(join(path, "metadata"), show(other), "an object", "write {\"team\": \"checkout\"}");
            return None;
        }
    };
    let mut merged = around.as_object().cloned().unwrap_or_default();
    let mut right = true;
    for (name, value) in own {
        if name.is_empty() || !(value.is_string() || value.is_number() || value.is_boolean()) {
            let path = join(&join(path, "metadata"), name);
            problems.add(path, show(value), "a name with a string, number or boolean", "flatten it");
            right = false;
        }
        merged.insert(name.clone(), value.clone());
    }
    right.then(|| Arc::new(Value::Object(merged)))
}
