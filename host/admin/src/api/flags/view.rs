//! Flags and their changes as the API shows them.

use ostler_release::flags::{Change, Flag, Resolution, Source};
use serde_json::{Value, json};

/// A flag among all.
pub(super) fn line(flag: &Flag, last: Option<&Change>) -> Value {
    let variants: Vec<_> = flag.variants().iter().map(|(name, _)| &**name).collect();
    json!({
        "key": &**flag.key(),
        "state": flag.state().as_str(),
        "variants": variants,
        "default_variant": flag.default_variant().map(|name| &**name),
        "targeted": flag.is_targeted(),
        "defined_in": flag.source().to_string(),
        "version": flag.source().version(),
        "changed_at_ms": last.map(|last| last.at),
        "who": last.map(|last| &last.who),
    })
}

/// A flag alone, with its definition.
pub(super) fn whole(flag: &Flag, last: Option<&Change>) -> Value {
    one(flag.key(), flag.source(), flag.definition(), last)
}

/// A flag as a change has defined it.
pub(super) fn defined(change: &Change) -> Value {
    let source = Source::Api { version: change.version };
    one(&change.key, &source, change.definition.as_deref().unwrap_or_default(), Some(change))
}

fn one(key: &str, source: &Source, definition: &str, last: Option<&Change>) -> Value {
    json!({
        "key": key,
        "version": source.version(),
        "defined_in": source.to_string(),
        "definition": serde_json::from_str::<Value>(definition).unwrap_or_default(),
        "changed_at_ms": last.map(|last| last.at),
        "who": last.map(|last| &last.who),
        "why": last.map(|last| &last.why),
    })
}

/// One change.
pub(super) fn change(change: &Change) -> Value {
    let read = |text: &String| serde_json::from_str::<Value>(text).unwrap_or_default();
    json!({
        "key": change.key,
        "version": change.version,
        "definition": change.definition.as_ref().map(read),
        "at_ms": change.at,
        "who": change.who,
        "why": change.why,
    })
}

/// What a flag said.
pub(super) fn said<T: serde::Serialize>(key: &str, said: &Resolution<Option<T>>) -> Value {
    json!({
        "key": key,
        "value": said.value,
        "variant": said.variant.as_deref(),
        "reason": said.reason.as_str(),
        "error_code": said.error.map(|error| error.as_str()),
        "error_message": said.message,
        "metadata": said.metadata.as_ref(),
    })
}
