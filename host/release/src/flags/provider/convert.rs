//! Between OpenFeature's types of the `open-feature` crate and ours.
//!
//! That crate's context has no lists: a list of texts goes out as one text, joined with commas; what is deeper is left out. What
//! differs with each request ([`LEFT_OUT`]) stays here: no answer would be good for a second one.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use open_feature as of;
use open_feature::provider::ResolutionDetails;
use serde_json::{Map, Value};

use crate::flags::context::{Attribute, Context};
use crate::flags::resolution::{ErrorCode, Reason, Resolution, no_metadata};

/// Attributes that another provider is not told.
const LEFT_OUT: [&str; 3] = ["method", "path", "header"];

/// Their context as one of ours.
pub(super) struct Theirs<'c>(pub(super) &'c of::EvaluationContext);

impl Context for Theirs<'_> {
    fn targeting_key(&self) -> Option<Cow<'_, str>> {
        self.0.targeting_key.as_deref().map(Cow::Borrowed)
    }

    fn visit(&self, _: &dyn Fn(&str) -> bool, attribute: &mut dyn FnMut(&str, Attribute<'_>)) {
        use of::EvaluationContextFieldValue as Field;
        for (name, value) in &self.0.custom_fields {
            match value {
                Field::Bool(yes) => attribute(name, Attribute::Boolean(*yes)),
                Field::Int(number) => attribute(name, Attribute::Number(*number as f64)),
                Field::Float(number) => attribute(name, Attribute::Number(*number)),
                Field::String(text) => attribute(name, Attribute::Text(text)),
                Field::DateTime(at) => attribute(name, Attribute::Number(at.unix_timestamp() as f64)),
                Field::Struct(any) => {
                    if let Some(json) = any.downcast_ref::<Value>() {
                        attribute(name, Attribute::Json(json));
                    } else if let Some(fields) = any.downcast_ref::<of::StructValue>() {
                        attribute(name, Attribute::Json(&object(fields)));
                    }
                }
            }
        }
    }
}

/// Our context as one of theirs.
pub(super) fn context(ours: &dyn Context) -> of::EvaluationContext {
    use of::EvaluationContextFieldValue as Field;
    let mut custom_fields = HashMap::new();
    let goes_out = |name: &str| !LEFT_OUT.contains(&name);
    ours.visit(&goes_out, &mut |name, value| {
        if !goes_out(name) {
            return;
        }
        let field = match value {
            Attribute::Text(text) => Field::String(text.to_owned()),
            Attribute::Number(number) => Field::Float(number),
            Attribute::Boolean(yes) => Field::Bool(yes),
            Attribute::Texts(texts) => Field::String(texts.join(",")),
            Attribute::Json(Value::String(text)) => Field::String(text.clone()),
            Attribute::Json(Value::Bool(yes)) => Field::Bool(*yes),
            Attribute::Json(Value::Number(number)) => Field::Float(number.as_f64().unwrap_or_default()),
            Attribute::Json(_) => return,
        };
        custom_fields.insert(name.to_owned(), field);
    });
    of::EvaluationContext { targeting_key: ours.targeting_key().map(Cow::into_owned), custom_fields }
}

/// An object of theirs as JSON.
pub(super) fn object(fields: &of::StructValue) -> Value {
    Value::Object(
        fields.fields.iter().map(|(name, value)| (name.clone(), json(value))).collect::<Map<_, _>>(),
    )
}

fn json(value: &of::Value) -> Value {
    match value {
        of::Value::Bool(yes) => (*yes).into(),
        of::Value::Int(number) => (*number).into(),
        of::Value::Float(number) => (*number).into(),
        of::Value::String(text) => text.clone().into(),
        of::Value::Array(items) => items.iter().map(json).collect(),
        of::Value::Struct(fields) => object(fields),
    }
}

/// JSON as an object of theirs; `null` within it is left out, which they cannot say.
pub(super) fn fields(value: &Value) -> of::StructValue {
    let entries = value.as_object().into_iter().flatten();
    let read = |(name, value): (&String, &Value)| Some((name.clone(), theirs(value)?));
    of::StructValue { fields: entries.filter_map(read).collect() }
}

fn theirs(value: &Value) -> Option<of::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(yes) => of::Value::Bool(*yes),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => of::Value::Int(whole),
            None => of::Value::Float(number.as_f64()?),
        },
        Value::String(text) => of::Value::String(text.clone()),
        Value::Array(items) => of::Value::Array(items.iter().filter_map(theirs).collect()),
        Value::Object(_) => of::Value::Struct(fields(value)),
    })
}

/// What our evaluator says, as a provider has to say it.
pub(super) fn details<T>(
    key: &str,
    said: Resolution<Option<T>>,
) -> Result<ResolutionDetails<T>, of::EvaluationError> {
    let Resolution { value, variant, reason, error, message, metadata } = said;
    match (value, error) {
        (Some(value), None) => Ok(ResolutionDetails {
            value,
            variant: variant.map(|variant| variant.to_string()),
            reason: Some(their_reason(reason)),
            flag_metadata: Some(their_metadata(&metadata)),
        }),
        (_, Some(error)) => Err(of::EvaluationError { code: their_code(error), message }),
        // A provider of theirs cannot say "the default" otherwise.
        (None, None) => {
            let message =
                Some(format!("flag {key:?} gives the default of whoever asks: {}", reason.as_str()));
            Err(of::EvaluationError { code: of::EvaluationErrorCode::FlagNotFound, message })
        }
    }
}

/// What another provider says, as ours.
pub(super) fn resolution(
    said: Result<ResolutionDetails<Value>, of::EvaluationError>,
) -> Resolution<Option<Arc<Value>>> {
    match said {
        Ok(details) => Resolution {
            value: Some(Arc::new(details.value)),
            variant: details.variant.map(Arc::from),
            reason: details.reason.as_ref().map_or(Reason::Unknown, our_reason),
            error: None,
            message: None,
            metadata: no_metadata(),
        },
        Err(error) => {
            let message = error.message.unwrap_or_else(|| error.code.to_string());
            Resolution::failed(None, our_code(&error.code), message)
        }
    }
}

fn their_reason(reason: Reason) -> of::EvaluationReason {
    match reason {
        Reason::Static => of::EvaluationReason::Static,
        Reason::Default => of::EvaluationReason::Default,
        Reason::TargetingMatch => of::EvaluationReason::TargetingMatch,
        Reason::Split => of::EvaluationReason::Split,
        Reason::Disabled => of::EvaluationReason::Disabled,
        Reason::Unknown => of::EvaluationReason::Unknown,
        Reason::Error => of::EvaluationReason::Error,
        Reason::Cached => of::EvaluationReason::Cached,
        Reason::Stale => of::EvaluationReason::Other(reason.as_str().to_owned()),
    }
}

fn our_reason(reason: &of::EvaluationReason) -> Reason {
    match reason {
        of::EvaluationReason::Static => Reason::Static,
        of::EvaluationReason::Default => Reason::Default,
        of::EvaluationReason::TargetingMatch => Reason::TargetingMatch,
        of::EvaluationReason::Split => Reason::Split,
        of::EvaluationReason::Cached => Reason::Cached,
        of::EvaluationReason::Disabled => Reason::Disabled,
        of::EvaluationReason::Unknown => Reason::Unknown,
        of::EvaluationReason::Error => Reason::Error,
        of::EvaluationReason::Other(text) => Reason::parse(text).unwrap_or(Reason::Unknown),
    }
}

fn their_code(code: ErrorCode) -> of::EvaluationErrorCode {
    use of::EvaluationErrorCode as Theirs;
    match code {
        ErrorCode::ProviderNotReady => Theirs::ProviderNotReady,
        ErrorCode::FlagNotFound => Theirs::FlagNotFound,
        ErrorCode::ParseError => Theirs::ParseError,
        ErrorCode::TypeMismatch => Theirs::TypeMismatch,
        ErrorCode::TargetingKeyMissing => Theirs::TargetingKeyMissing,
        ErrorCode::InvalidContext => Theirs::InvalidContext,
        ErrorCode::General => Theirs::General("GENERAL".into()),
    }
}

fn our_code(code: &of::EvaluationErrorCode) -> ErrorCode {
    use of::EvaluationErrorCode as Theirs;
    match code {
        Theirs::ProviderNotReady => ErrorCode::ProviderNotReady,
        Theirs::FlagNotFound => ErrorCode::FlagNotFound,
        Theirs::ParseError => ErrorCode::ParseError,
        Theirs::TypeMismatch => ErrorCode::TypeMismatch,
        Theirs::TargetingKeyMissing => ErrorCode::TargetingKeyMissing,
        Theirs::InvalidContext => ErrorCode::InvalidContext,
        Theirs::General(_) => ErrorCode::General,
    }
}

fn their_metadata(metadata: &Value) -> of::FlagMetadata {
    let entries = metadata.as_object().into_iter().flatten();
    let read = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::Bool(yes) => of::FlagMetadataValue::Bool(*yes),
            Value::Number(number) => match number.as_i64() {
                Some(whole) => of::FlagMetadataValue::Int(whole),
                None => of::FlagMetadataValue::Float(number.as_f64()?),
            },
            Value::String(text) => of::FlagMetadataValue::String(text.clone()),
            _ => return None,
        };
        Some((name.clone(), value))
    };
    of::FlagMetadata { values: entries.filter_map(read).collect() }
}
