//! Feature flags of the host, by whose variants a handler behaves. Asking never fails: a flag that is missing or of another type
//! gives the default, and [`resolve`] says why.
//!
//! ```
//! # use ostler_sdk::testing::Host;
//! # let _host = Host::new().flag("new-checkout", true).install();
//! use ostler_sdk::flags;
//! flags::add_context([("plan", "pro")]);
//! let checkout = if flags::get_boolean("new-checkout", false) { "new" } else { "old" };
//! # assert_eq!(checkout, "new");
//! ```

use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::bindings::ostler::plugin::flags as wit;
use crate::host::flags as host;

/// A value of one of the four types of flags.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// On or off.
    Boolean(bool),
    /// A text.
    String(String),
    /// A number; integers too.
    Number(f64),
    /// A JSON object.
    Object(Map<String, Json>),
}

/// Why a flag gave the default, as the OpenFeature specification names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// The host's provider of flags is not there yet.
    ProviderNotReady,
    /// No flag of this key, or one that is switched off without a default of its own.
    FlagNotFound,
    /// The definition could not be evaluated.
    ParseError,
    /// The flag's value is of another type than the default.
    TypeMismatch,
    /// The flag tells users apart, and the context has no `targetingKey`.
    TargetingKeyMissing,
    /// The context is not what the flag needs.
    InvalidContext,
    /// Anything else.
    General,
}

/// A flag's answer, with what led to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Details {
    /// The value; the default that was passed if there was an error.
    pub value: Value,
    /// Name of the variant; none for the default that was passed.
    pub variant: Option<String>,
    /// `STATIC`, `DEFAULT`, `TARGETING_MATCH`, `SPLIT`, `CACHED`, `DISABLED`, `UNKNOWN`, `STALE` or `ERROR`.
    pub reason: String,
    /// What went wrong, if anything did.
    pub error_code: Option<ErrorCode>,
    /// The same in words.
    pub error_message: Option<String>,
    /// What the flag's definition says of itself.
    pub metadata: Map<String, Json>,
}

/// The boolean flag `key`, or `default`.
pub fn get_boolean(key: &str, default: bool) -> bool {
    host::get_boolean(key, default)
}

/// The string flag `key`, or `default`.
pub fn get_string(key: &str, default: &str) -> String {
    host::get_string(key, default)
}

/// The number flag `key`, or `default`.
pub fn get_number(key: &str, default: f64) -> f64 {
    host::get_number(key, default)
}

/// The object flag `key`, or `default`.
pub fn get_object(key: &str, default: Map<String, Json>) -> Map<String, Json> {
    let value = host::get_object(key, &Json::Object(default.clone()).to_string());
    serde_json::from_str(&value).unwrap_or(default)
}

/// The flag `key` of the type of `default`, with variant, reason and what went wrong.
pub fn resolve(key: &str, default: impl Into<Value>) -> Details {
    let default = default.into();
    let details = host::resolve(key, &default.clone().into());
    Details {
        value: Value::read(details.value).unwrap_or(default),
        variant: details.variant,
        reason: details.reason,
        error_code: details.error_code.map(ErrorCode::from),
        error_message: details.error_message,
        metadata: serde_json::from_str(&details.metadata).unwrap_or_default(),
    }
}

/// Adds attributes to what the host says of the exchange (`targetingKey`, `subject`, `tenant`, `roles`, `address`, `route`,
/// `method`, `path`, `host`, `plugin`, `release`), for the rest of this exchange; `targetingKey` may be set as well.
///
/// False, and nothing added, if they are more than 64 or 16 KiB, or one has no JSON form.
pub fn add_context<N: Into<String>, V: Serialize>(attributes: impl IntoIterator<Item = (N, V)>) -> bool {
    let text = |(name, value): (N, V)| serde_json::to_string(&value).map(|json| (name.into(), json));
    match attributes.into_iter().map(text).collect::<Result<Vec<_>, _>>() {
        Ok(attributes) => host::add_context(&attributes),
        Err(_) => false,
    }
}

impl Value {
    /// None if an object's text is no JSON object.
    fn read(value: wit::Value) -> Option<Self> {
        Some(match value {
            wit::Value::Boolean(value) => Value::Boolean(value),
            wit::Value::String(value) => Value::String(value),
            wit::Value::Number(value) => Value::Number(value),
            wit::Value::Object(value) => Value::Object(serde_json::from_str(&value).ok()?),
        })
    }
}

impl From<Value> for wit::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::Boolean(value) => wit::Value::Boolean(value),
            Value::String(value) => wit::Value::String(value),
            Value::Number(value) => wit::Value::Number(value),
            Value::Object(value) => wit::Value::Object(Json::Object(value).to_string()),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Boolean(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::String(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::String(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Value::Number(value)
    }
}

impl From<Map<String, Json>> for Value {
    fn from(value: Map<String, Json>) -> Self {
        Value::Object(value)
    }
}

impl From<wit::ErrorCode> for ErrorCode {
    fn from(code: wit::ErrorCode) -> Self {
        match code {
            wit::ErrorCode::ProviderNotReady => ErrorCode::ProviderNotReady,
            wit::ErrorCode::FlagNotFound => ErrorCode::FlagNotFound,
            wit::ErrorCode::ParseError => ErrorCode::ParseError,
            wit::ErrorCode::TypeMismatch => ErrorCode::TypeMismatch,
            wit::ErrorCode::TargetingKeyMissing => ErrorCode::TargetingKeyMissing,
            wit::ErrorCode::InvalidContext => ErrorCode::InvalidContext,
            wit::ErrorCode::General => ErrorCode::General,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Host;
    use serde_json::json;

    fn object(value: Json) -> Map<String, Json> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_flag_says_what_the_test_says() {
        let host = Host::new()
            .flag("on", true)
            .flag("color", "green")
            .flag("most", 12.0)
            .flag("limits", object(json!({ "a": 1 })))
            .install();
        assert!(get_boolean("on", false));
        assert_eq!(get_string("color", "red"), "green");
        assert_eq!(get_number("most", 1.0), 12.0);
        assert_eq!(get_object("limits", Map::new()), object(json!({ "a": 1 })));
        host.set_flag("on", false);
        assert!(!get_boolean("on", true));
    }

    #[test]
    fn a_missing_flag_and_another_type_give_the_default_and_the_reason() {
        let _host = Host::new().flag("color", "green").install();
        assert!(get_boolean("none", true) && !get_boolean("none", false));
        assert_eq!(get_number("color", 3.0), 3.0);
        assert_eq!(get_object("color", object(json!({ "b": 2 }))), object(json!({ "b": 2 })));
        let missing = resolve("none", "red");
        assert_eq!((missing.value, missing.variant), (Value::String("red".into()), None));
        assert_eq!((missing.reason.as_str(), missing.error_code), ("ERROR", Some(ErrorCode::FlagNotFound)));
        assert_eq!(resolve("color", true).error_code, Some(ErrorCode::TypeMismatch));
    }

    #[test]
    fn the_detailed_form_names_the_variant() {
        let _host = Host::new().flag_variant("color", "grass", "green").install();
        let details = resolve("color", "red");
        assert_eq!(details.value, Value::String("green".into()));
        assert_eq!((details.variant.as_deref(), details.reason.as_str()), (Some("grass"), "STATIC"));
        assert_eq!((details.error_code, details.error_message), (None, None));
    }

    #[test]
    fn attributes_are_added_whole_or_not_at_all() {
        let host = Host::new().install();
        assert!(add_context([("plan", json!("pro")), ("seats", json!(12))]));
        assert!(add_context([("plan", "free")]));
        assert!(!add_context((0..65).map(|number| (format!("a{number}"), number))));
        assert!(!add_context([("long", "x".repeat(16 * 1024))]));
        assert_eq!(Json::Object(host.flag_context()), json!({ "plan": "free", "seats": 12 }));
    }
}
