//! Reads a JSONLogic rule: every operator known, `$ref` replaced, flagd's own operators and meters put in.
//!
//! **Invariant:** what leaves here is at most [`NODES_MAX`] values of at most [`DEFINITION_MAX`] bytes of text, at most [`DEPTH_MAX`]
//! deep, and repeats nothing unmetered.

use std::collections::BTreeSet;
use std::sync::Arc;

use datalogic_rs::datavalue::{NumberValue, OwnedDataValue};
use ostler_core::settings::nearest;
use serde_json::{Map, Value};

use crate::flags::problem::{Problems, join, quote, show};
use crate::flags::{DEFINITION_MAX, DEPTH_MAX, FILE_TEXT_MAX, NODES_MAX};

/// `$evaluators` of a document: rules by name, for `$ref`.
pub(in crate::flags) type Evaluators = Map<String, Value>;

/// What JSONLogic has; `log` is missing, since a question writes nothing.
const OPERATORS: [&str; 35] = [
    "var",
    "missing",
    "missing_some",
    "if",
    "?:",
    "==",
    "===",
    "!=",
    "!==",
    "!",
    "!!",
    "or",
    "and",
    ">",
    ">=",
    "<",
    "<=",
    "max",
    "min",
    "+",
    "-",
    "*",
    "/",
    "%",
    "map",
    "reduce",
    "filter",
    "all",
    "none",
    "some",
    "merge",
    "in",
    "cat",
    "substr",
    "sem_ver",
];

/// flagd's own, with the names that ours have in the engine, which knows some of them otherwise.
const OURS: [(&str, &str); 3] = [
    ("fractional", "flagd:fractional"),
    ("starts_with", "flagd:starts_with"),
    ("ends_with", "flagd:ends_with"),
];

/// Those that evaluate their second argument for each item of the first.
const LOOPS: [&str; 6] = ["map", "reduce", "filter", "all", "none", "some"];

/// Those whose result may be larger than what they are given.
const GROWING: [&str; 2] = ["cat", "merge"];

/// Most arguments of those: what one of them adds before it is weighed.
const GROWING_ARGUMENTS_MAX: usize = 64;

/// The name of [`super::meter::Step`].
pub(super) const STEP: &str = "ostler:step";

/// The name of [`super::meter::Weigh`].
pub(super) const WEIGH: &str = "ostler:weigh";

/// Which attributes a rule may look at.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// All of them, since it makes names as it goes.
    pub(super) all: bool,
    /// Else these.
    pub(super) names: Box<[Box<str>]>,
}

/// Reads the rules of one document.
pub(in crate::flags) struct Reading<'e> {
    evaluators: &'e Arc<Evaluators>,
    /// Values that the document may still have.
    nodes: usize,
    /// Bytes of text that it may still have.
    text: usize,
}

/// Reads one rule.
struct Rule<'r, 'p> {
    evaluators: &'r Evaluators,
    problems: &'p mut Problems,
    /// Names of the `$ref`s that led here.
    within: Vec<&'r str>,
    nodes: usize,
    /// Bytes of texts, as JSON writes them.
    text: usize,
    all: bool,
    names: BTreeSet<Box<str>>,
}

impl<'e> Reading<'e> {
    pub(in crate::flags) fn new(evaluators: &'e Arc<Evaluators>, nodes: usize) -> Self {
        Reading { evaluators, nodes, text: FILE_TEXT_MAX }
    }

    /// What the `$ref`s of a rule name, if it has any.
    pub(in crate::flags) fn evaluators_of(&self, rule: Option<&Value>) -> Option<Arc<Evaluators>> {
        rule.is_some_and(has_reference).then(|| self.evaluators.clone())
    }

    /// Counts so much as part of the document.
    pub(in crate::flags) fn spend(
        &mut self,
        nodes: usize,
        text: usize,
        path: &str,
        problems: &mut Problems,
    ) -> Option<()> {
        let left = self.nodes.checked_sub(nodes).zip(self.text.checked_sub(text));
        let Some((nodes, text)) = left else {
            let repair = "split the file, or shorten its rules";
            problems.add(path, "too many rules", "rules and metadata of bounded size", repair);
            return None;
        };
        (self.nodes, self.text) = (nodes, text);
        Some(())
    }

    pub(super) fn read(
        &mut self,
        rule: &Value,
        path: &str,
        problems: &mut Problems,
    ) -> Option<(OwnedDataValue, Needs)> {
        let mut reads = Rule {
            evaluators: self.evaluators,
            problems,
            within: Vec::new(),
            nodes: 0,
            text: 0,
            all: false,
            names: BTreeSet::new(),
        };
        let read = reads.value(rule, path, 0)?;
        let (nodes, text, all) = (reads.nodes, reads.text, reads.all);
        let names = std::mem::take(&mut reads.names).into_iter().collect();
        self.spend(nodes, text, path, problems)?;
        Some((read, Needs { all, names }))
    }
}

impl<'r> Rule<'r, '_> {
    fn value(&mut self, value: &'r Value, path: &str, depth: usize) -> Option<OwnedDataValue> {
        self.nodes += 1;
        if let Value::String(text) = value {
            self.text += written(text);
        }
        if self.nodes > NODES_MAX || depth > DEPTH_MAX || self.text > DEFINITION_MAX {
            let allowed = format!(
                "at most {NODES_MAX} values, {DEPTH_MAX} deep, {DEFINITION_MAX} bytes, with what $ref brings"
            );
            let repair = "shorten the rule; long lists belong into the context";
            self.problems.add(path, "a rule that is too large", allowed, repair);
            return None;
        }
        Some(match value {
            Value::Null => OwnedDataValue::Null,
            Value::Bool(yes) => OwnedDataValue::Bool(*yes),
            Value::Number(read) => OwnedDataValue::Number(number(read)),
            Value::String(text) => OwnedDataValue::String(text.clone()),
            Value::Array(items) => OwnedDataValue::Array(self.list(items, path, depth)?),
            Value::Object(entries) => self.operation(entries, path, depth)?,
        })
    }

    fn list(&mut self, items: &'r [Value], path: &str, depth: usize) -> Option<Vec<OwnedDataValue>> {
        let item = |(index, item)| self.value(item, &format!("{path}[{index}]"), depth + 1);
        items.iter().enumerate().map(item).collect()
    }

    fn operation(
        &mut self,
        entries: &'r Map<String, Value>,
        path: &str,
        depth: usize,
    ) -> Option<OwnedDataValue> {
        let mut all = entries.iter();
        let (Some((name, value)), None) = (all.next(), all.next()) else {
            let found = format!("an object of {}", entries.len());
            self.problems.add(path, found, "an object of one operator", "write one operator per object");
            return None;
        };
        if name == "$ref" {
            return self.reference(value, path, depth);
        }
        let below = join(path, name);
        if OPERATORS.contains(&name.as_str()) {
            let arguments = self.arguments(name, value, &below, depth)?;
            return Some(operation(name, arguments));
        }
        if let Some((_, ours)) = OURS.iter().find(|(known, _)| known == name) {
            return Some(operation(ours, self.value(value, &below, depth + 1)?));
        }
        self.unknown(name, path);
        None
    }

    fn unknown(&mut self, name: &str, path: &str) {
        let known = || OPERATORS.into_iter().chain(OURS.map(|(name, _)| name));
        let repair = match nearest(name, known()) {
            Some(known) => format!("write {known}"),
            None => "write one of these".to_owned(),
        };
        let allowed = known().collect::<Vec<_>>().join(" ");
        self.problems.add(path, format!("the operator {}", quote(name)), allowed, repair);
    }

    /// The arguments of an operator of JSONLogic, metered where it repeats or grows.
    fn arguments(
        &mut self,
        name: &str,
        value: &'r Value,
        path: &str,
        depth: usize,
    ) -> Option<OwnedDataValue> {
        self.note_names(name, value);
        let before = self.nodes;
        let read = self.value(value, path, depth + 1)?;
        if LOOPS.contains(&name) {
            return self.looped(read, path, before);
        }
        if GROWING.contains(&name)
            && let OwnedDataValue::Array(items) = &read
            && items.len() > GROWING_ARGUMENTS_MAX
        {
            let (found, allowed) =
                (items.len().to_string(), format!("at most {GROWING_ARGUMENTS_MAX} arguments"));
            self.problems.add(path, found, allowed, "nest it");
            return None;
        }
        Some(read)
    }

    fn looped(&mut self, read: OwnedDataValue, path: &str, before: usize) -> Option<OwnedDataValue> {
        let cost = i64::try_from(self.nodes - before).unwrap_or(i64::MAX);
        match read {
            OwnedDataValue::Array(mut items) if (2..=3).contains(&items.len()) => {
                let body = std::mem::take(&mut items[1]);
                let cost = OwnedDataValue::Number(NumberValue::from_i64(cost));
                items[1] = raw(STEP, OwnedDataValue::Array(vec![body, cost]));
                Some(OwnedDataValue::Array(items))
            }
            _ => {
                let repair = "write {\"map\": [{\"var\": \"list\"}, rule]}";
                self.problems.add(
                    path,
                    "no list and rule",
                    "a list of the list and the rule for each",
                    repair,
                );
                None
            }
        }
    }

    /// What a rule may look at, for [`Needs`].
    fn note_names(&mut self, name: &str, value: &Value) {
        match name {
            "var" => match value.as_array().map_or(Some(value), |items| items.first()) {
                Some(Value::String(path)) if !path.is_empty() => {
                    let root = path.split('.').next().unwrap_or(path);
                    self.names.insert(root.into());
                }
                _ => self.all = true,
            },
            "missing" | "missing_some" => self.all = true,
            _ => {}
        }
    }

    fn reference(&mut self, value: &'r Value, path: &str, depth: usize) -> Option<OwnedDataValue> {
        let evaluators = self.evaluators;
        let found = value.as_str().and_then(|name| evaluators.get_key_value(name));
        let Some((name, rule)) = found else {
            let repair =
                match value.as_str().and_then(|name| nearest(name, evaluators.keys().map(String::as_str))) {
                    Some(known) => format!("write {}", quote(known)),
                    None => "define it in $evaluators".to_owned(),
                };
            self.problems.add(join(path, "$ref"), show(value), "the name of one of $evaluators", repair);
            return None;
        };
        if self.within.contains(&name.as_str()) {
            let found = format!("{}, which leads back to itself", quote(name));
            self.problems.add(
                join(path, "$ref"),
                found,
                "rules that end",
                "take the circle out of $evaluators",
            );
            return None;
        }
        self.within.push(name);
        let read = self.value(rule, &join("$evaluators", name), depth + 1);
        self.within.pop();
        read
    }
}

/// A rule with every `$ref` replaced. Only for what was read without a problem, so that it ends.
pub(in crate::flags) fn standing_alone(rule: &Value, evaluators: &Evaluators) -> Value {
    let replaced = |value| standing_alone(value, evaluators);
    match rule {
        Value::Array(items) => items.iter().map(replaced).collect(),
        Value::Object(entries) => match entries.get("$ref").and_then(Value::as_str) {
            Some(name) => evaluators.get(name).map_or(Value::Null, replaced),
            None => entries.iter().map(|(name, value)| (name.clone(), replaced(value))).collect(),
        },
        plain => plain.clone(),
    }
}

/// Bytes of `text` in JSON.
fn written(text: &str) -> usize {
    let byte = |byte: u8| match byte {
        b'"' | b'\\' => 2,
        0..0x20 => 6,
        _ => 1,
    };
    2 + text.bytes().map(byte).sum::<usize>()
}

fn has_reference(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_reference),
        Value::Object(entries) => entries.contains_key("$ref") || entries.values().any(has_reference),
        _ => false,
    }
}

/// An operation, weighed if it may grow.
fn operation(name: &str, arguments: OwnedDataValue) -> OwnedDataValue {
    let plain = raw(name, arguments);
    match GROWING.contains(&name) {
        true => raw(WEIGH, OwnedDataValue::Array(vec![plain])),
        false => plain,
    }
}

fn raw(name: &str, arguments: OwnedDataValue) -> OwnedDataValue {
    OwnedDataValue::Object(vec![(name.to_owned(), arguments)])
}

fn number(number: &serde_json::Number) -> NumberValue {
    match number.as_i64() {
        Some(whole) => NumberValue::from_i64(whole),
        None => NumberValue::from_f64(number.as_f64().unwrap_or(f64::NAN)),
    }
}
