//! What a rule sees: `$flagd`, `targetingKey`, and those attributes of the context that it may look at.

use std::time::{SystemTime, UNIX_EPOCH};

use datalogic_rs::DataValue;
use datalogic_rs::bumpalo::Bump;
use datalogic_rs::bumpalo::collections::Vec;
use datalogic_rs::datavalue::NumberValue;
use serde_json::Value;

use super::rules::Needs;
use crate::flags::context::{Attribute, Context};

const OURS: &str = "$flagd";
const SUBJECT: &str = "targetingKey";

/// Puts the context into `arena`.
pub(super) fn build<'a>(arena: &'a Bump, key: &str, context: &dyn Context, needs: &Needs) -> DataValue<'a> {
    let mut entries = Vec::with_capacity_in(2 + needs.names.len(), arena);
    let ours = [
        ("flagKey", DataValue::from_str_in(key, arena)),
        ("timestamp", DataValue::from_i64(if needs.see(OURS) { now() } else { 0 })),
    ];
    entries.push((OURS, DataValue::Object(arena.alloc(ours))));
    let subject =
        context.targeting_key().map_or(DataValue::Null, |subject| DataValue::from_str_in(&subject, arena));
    entries.push((SUBJECT, subject));
    if needs.all || needs.names.iter().any(|name| **name != *OURS && **name != *SUBJECT) {
        context.visit(&|name| needs.see(name), &mut |name, value| {
            if needs.see(name) && name != OURS && name != SUBJECT {
                entries.push((arena.alloc_str(name), attribute(value, arena)));
            }
        });
    }
    DataValue::Object(entries.into_bump_slice())
}

/// What [`build`] has put first: the flag's key, and the subject unless it is nobody.
pub(super) fn flag_and_subject<'v>(root: &'v DataValue<'_>) -> Option<(&'v str, &'v str)> {
    match root.as_object()? {
        [(_, DataValue::Object([(_, flag), _])), (_, DataValue::String(subject)), ..]
            if !subject.is_empty() =>
        {
            Some((flag.as_str()?, subject))
        }
        _ => None,
    }
}

impl Needs {
    fn see(&self, name: &str) -> bool {
        self.all || self.names.iter().any(|known| **known == *name)
    }
}

fn attribute<'a>(value: Attribute<'_>, arena: &'a Bump) -> DataValue<'a> {
    match value {
        Attribute::Text(text) => DataValue::from_str_in(text, arena),
        Attribute::Number(number) => DataValue::from_f64(number),
        Attribute::Boolean(yes) => DataValue::Bool(yes),
        Attribute::Texts(texts) => {
            let text = |index: usize| DataValue::from_str_in(&texts[index], arena);
            DataValue::Array(arena.alloc_slice_fill_with(texts.len(), text))
        }
        Attribute::Json(value) => json(value, arena),
    }
}

fn json<'a>(value: &Value, arena: &'a Bump) -> DataValue<'a> {
    match value {
        Value::Null => DataValue::Null,
        Value::Bool(yes) => DataValue::Bool(*yes),
        Value::Number(number) => DataValue::Number(match number.as_i64() {
            Some(whole) => NumberValue::from_i64(whole),
            None => NumberValue::from_f64(number.as_f64().unwrap_or(f64::NAN)),
        }),
        Value::String(text) => DataValue::from_str_in(text, arena),
        Value::Array(items) => {
            DataValue::Array(arena.alloc_slice_fill_with(items.len(), |index| json(&items[index], arena)))
        }
        Value::Object(map) => {
            let mut entries = Vec::with_capacity_in(map.len(), arena);
            entries.extend(map.iter().map(|(key, value)| (&*arena.alloc_str(key), json(value, arena))));
            DataValue::Object(entries.into_bump_slice())
        }
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
