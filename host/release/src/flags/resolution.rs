//! What a flag answered, and why.
//!
//! Reasons and error codes are those of the OpenFeature specification, section 2.3 (flag evaluation) and its types.

use std::sync::{Arc, LazyLock};

use serde_json::Value;

/// What asking for a flag gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolution<T> {
    /// The variant's value, or the default that was passed.
    pub value: T,
    /// Name of the variant; none for the default that was passed.
    pub variant: Option<Arc<str>>,
    /// Why it is this value.
    pub reason: Reason,
    /// What went wrong; then the value is the default that was passed.
    pub error: Option<ErrorCode>,
    /// The same in words.
    pub message: Option<String>,
    /// What the definition says besides: an object of texts, numbers and booleans.
    pub metadata: Arc<Value>,
}

/// Why a flag has this value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is the specification's word of the same name")]
pub enum Reason {
    Static,
    Default,
    TargetingMatch,
    Split,
    Cached,
    Disabled,
    Unknown,
    Stale,
    Error,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is the specification's word of the same name")]
pub enum ErrorCode {
    ProviderNotReady,
    FlagNotFound,
    ParseError,
    TypeMismatch,
    TargetingKeyMissing,
    InvalidContext,
    General,
}

static NO_METADATA: LazyLock<Arc<Value>> = LazyLock::new(|| Arc::new(Value::Object(Default::default())));

/// The metadata of a definition that has none.
pub(super) fn no_metadata() -> Arc<Value> {
    NO_METADATA.clone()
}

impl<T> Resolution<T> {
    /// The default that was passed, for what went wrong.
    pub fn failed(value: T, error: ErrorCode, message: impl Into<String>) -> Self {
        let (error, message) = (Some(error), Some(message.into()));
        Resolution { value, variant: None, reason: Reason::Error, error, message, metadata: no_metadata() }
    }

    /// The same of another value.
    pub fn map<U>(self, value: impl FnOnce(T) -> U) -> Resolution<U> {
        let Resolution { value: old, variant, reason, error, message, metadata } = self;
        Resolution { value: value(old), variant, reason, error, message, metadata }
    }
}

impl Reason {
    /// All, in the order of the specification.
    pub const ALL: [Self; 9] = [
        Self::Static,
        Self::Default,
        Self::TargetingMatch,
        Self::Split,
        Self::Cached,
        Self::Disabled,
        Self::Unknown,
        Self::Stale,
        Self::Error,
    ];

    /// As the specification and OFREP write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Static => "STATIC",
            Reason::Default => "DEFAULT",
            Reason::TargetingMatch => "TARGETING_MATCH",
            Reason::Split => "SPLIT",
            Reason::Cached => "CACHED",
            Reason::Disabled => "DISABLED",
            Reason::Unknown => "UNKNOWN",
            Reason::Stale => "STALE",
            Reason::Error => "ERROR",
        }
    }

    /// The reason that is written so.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

impl ErrorCode {
    /// All, in the order of the specification.
    pub const ALL: [Self; 7] = [
        Self::ProviderNotReady,
        Self::FlagNotFound,
        Self::ParseError,
        Self::TypeMismatch,
        Self::TargetingKeyMissing,
        Self::InvalidContext,
        Self::General,
    ];

    /// As the specification and OFREP write it.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorCode::ProviderNotReady => "PROVIDER_NOT_READY",
            ErrorCode::FlagNotFound => "FLAG_NOT_FOUND",
            ErrorCode::ParseError => "PARSE_ERROR",
            ErrorCode::TypeMismatch => "TYPE_MISMATCH",
            ErrorCode::TargetingKeyMissing => "TARGETING_KEY_MISSING",
            ErrorCode::InvalidContext => "INVALID_CONTEXT",
            ErrorCode::General => "GENERAL",
        }
    }

    /// The code that is written so.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_as_it_is_written() {
        assert!(Reason::ALL.into_iter().all(|reason| Reason::parse(reason.as_str()) == Some(reason)));
        assert!(ErrorCode::ALL.into_iter().all(|code| ErrorCode::parse(code.as_str()) == Some(code)));
        assert_eq!((Reason::parse("static"), ErrorCode::parse("")), (None, None));
    }
}
