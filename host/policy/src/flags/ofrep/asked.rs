//! What a client asks with: the context of a question.
//!
//! **Invariant:** any bytes are a context within its bounds, or a refusal that repeats none of them.

use ostler_release::flags::{Attributes, ErrorCode};
use serde_json::Value;

use super::{ATTRIBUTES_MAX, DEPTH_MAX};

/// Why a question is not answered.
#[derive(Debug, PartialEq)]
pub(super) struct Refused {
    pub(super) code: ErrorCode,
    pub(super) details: String,
}

/// The context in the body of a question; one without is about nobody in particular.
pub(super) fn context(body: &[u8]) -> Result<Attributes, Refused> {
    if body.is_empty() {
        return Ok(Attributes::default());
    }
    let mut asked: Value = serde_json::from_slice(body).map_err(|error| {
        let details = format!("the body is not JSON: line {}, column {}", error.line(), error.column());
        Refused { code: ErrorCode::ParseError, details }
    })?;
    let asked = asked.as_object_mut().ok_or_else(|| Refused {
        code: ErrorCode::ParseError,
        details: "the body is not a JSON object".to_owned(),
    })?;
    let context = asked.remove("context").unwrap_or_default();
    if context.is_null() {
        return Ok(Attributes::default());
    }
    let invalid = |details: String| Refused { code: ErrorCode::InvalidContext, details };
    if depth(&context) > DEPTH_MAX {
        return Err(invalid(format!("the context is nested deeper than {DEPTH_MAX}")));
    }
    let attributes = Attributes::from_json(context).map_err(invalid)?;
    if attributes.values.len() > ATTRIBUTES_MAX {
        return Err(invalid(format!("the context has more than {ATTRIBUTES_MAX} attributes")));
    }
    Ok(attributes)
}

/// How deep lists and objects nest; serde_json reads none deeper than 128.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(entries) => 1 + entries.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
