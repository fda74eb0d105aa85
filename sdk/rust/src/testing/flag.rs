//! Flags in memory: each has one value, whatever the context.

use serde_json::{Map, Value as Json};

use crate::bindings::ostler::plugin::flags::{Details, ErrorCode, Value};

/// Most attributes a handler may add, as on the host.
const ATTRIBUTES: usize = 64;
/// Most bytes of them, names and values together, as on the host.
const ATTRIBUTE_BYTES: usize = 16 * 1024;

/// One flag.
pub(crate) struct Flag {
    pub(crate) value: Value,
    pub(crate) variant: Option<String>,
}

/// What a host answers on a flag, and the default that was passed with it.
pub(crate) fn resolve(flag: Option<&Flag>, key: &str, default: Value) -> Details {
    match flag {
        None => refuse(default, ErrorCode::FlagNotFound, format!("flag {key:?} is not there")),
        Some(flag) if kind(&flag.value) != kind(&default) => {
            let text = format!("flag {key:?} is {}, not {}", kind(&flag.value), kind(&default));
            refuse(default, ErrorCode::TypeMismatch, text)
        }
        Some(flag) => Details {
            value: flag.value.clone(),
            variant: flag.variant.clone(),
            reason: "STATIC".into(),
            error_code: None,
            error_message: None,
            metadata: "{}".into(),
        },
    }
}

/// Adds attributes to `context`, all or none. Whether they were added.
pub(crate) fn add(context: &mut Map<String, Json>, attributes: &[(String, String)]) -> bool {
    let read = |(name, json): &(String, String)| Some((name.clone(), serde_json::from_str(json).ok()?));
    let Some(added) = attributes.iter().map(read).collect::<Option<Vec<_>>>() else { return false };
    let mut after = context.clone();
    after.extend(added);
    let bytes: usize = after.iter().map(|(name, value)| name.len() + value.to_string().len()).sum();
    if after.len() > ATTRIBUTES || bytes > ATTRIBUTE_BYTES {
        return false;
    }
    *context = after;
    true
}

/// Whether a metric may be called so.
pub(crate) fn is_metric(name: &str) -> bool {
    let sane = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(sane)
}

fn refuse(default: Value, code: ErrorCode, message: String) -> Details {
    Details {
        value: default,
        variant: None,
        reason: "ERROR".into(),
        error_code: Some(code),
        error_message: Some(message),
        metadata: "{}".into(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Boolean(_) => "a boolean",
        Value::String(_) => "a string",
        Value::Number(_) => "a number",
        Value::Object(_) => "an object",
    }
}
