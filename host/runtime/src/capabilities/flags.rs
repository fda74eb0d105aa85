//! `ostler:plugin/flags`: feature flags, with what is known of the exchange as context.
//!
//! **Invariant:** a question never fails and never traps; a flag without targeting costs no look at the exchange; what a plugin
//! adds to the context ends with its exchange.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use ostler_core::Exchange;
use ostler_observe::Exposure;
use ostler_release::flags::provider::Kind;
use ostler_release::flags::{self, Attribute, Context, Resolution};
use serde_json::Value as Json;

use crate::bindings::flags::{Details, ErrorCode, Host, Value};
use crate::guest::{Env, Guest};

/// Attributes that a plugin may add to the context of one exchange.
const ADDED_MAX: usize = 64;

/// Bytes of their names and values together.
const ADDED_BYTES: usize = 16 << 10;

/// How deep an added value may nest.
const ADDED_DEPTH: usize = 16;

/// What a plugin has added to the context of its exchange.
#[derive(Debug, Default)]
pub(crate) struct Added {
    targeting_key: Option<String>,
    attributes: BTreeMap<String, Json>,
    bytes: usize,
}

/// The exchange as flags see it.
struct Asker<'a> {
    env: &'a Env,
    exchange: Option<&'a Exchange>,
    added: &'a Added,
}

impl Added {
    /// Adds all of `attributes`, or none if they are not JSON or beyond the bounds.
    fn add(&mut self, attributes: Vec<(String, String)>) -> bool {
        let bytes: usize = attributes.iter().map(|(name, json)| name.len() + json.len()).sum();
        if attributes.len() > ADDED_MAX || self.bytes + bytes > ADDED_BYTES {
            return false;
        }
        let mut read = Vec::with_capacity(attributes.len());
        for (name, json) in attributes {
            match serde_json::from_str::<Json>(&json) {
                Ok(value) if nests(&value, ADDED_DEPTH) => read.push((name, value)),
                _ => return false,
            }
        }
        let names = read.iter().filter(|(name, _)| !self.attributes.contains_key(name)).count();
        let keys_are_texts = read.iter().all(|(name, value)| name != "targetingKey" || value.is_string());
        if self.attributes.len() + names > ADDED_MAX || !keys_are_texts {
            return false;
        }
        self.bytes += bytes;
        for (name, value) in read {
            match value {
                Json::String(key) if name == "targetingKey" => self.targeting_key = Some(key),
                value => _ = self.attributes.insert(name, value),
            }
        }
        true
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        if self.bytes > 0 {
            *self = Added::default();
        }
    }
}

/// Whether lists and objects nest at most `depth` deep.
fn nests(value: &Json, depth: usize) -> bool {
    match value {
        Json::Array(items) => depth > 0 && items.iter().all(|item| nests(item, depth - 1)),
        Json::Object(entries) => depth > 0 && entries.values().all(|value| nests(value, depth - 1)),
        _ => true,
    }
}

impl Context for Asker<'_> {
    fn targeting_key(&self) -> Option<Cow<'_, str>> {
        if let Some(key) = &self.added.targeting_key {
            return Some(key.into());
        }
        let exchange = self.exchange?;
        let known = exchange.principal.as_ref().map(|principal| &*principal.subject);
        let known = known.or(exchange.visitor.as_ref().map(|visitor| visitor.as_str())).map(Cow::Borrowed);
        Some(known.unwrap_or_else(|| exchange.client.to_string().into()))
    }

    fn visit(&self, _: &dyn Fn(&str) -> bool, attribute: &mut dyn FnMut(&str, Attribute<'_>)) {
        let added = &self.added.attributes;
        // What the plugin says comes first, as the nearest word does in OpenFeature; each name is told once.
        for (name, value) in added {
            attribute(name, Attribute::Json(value));
        }
        let mut own = |name: &str, value: Attribute<'_>| {
            if !added.contains_key(name) {
                attribute(name, value);
            }
        };
        own("plugin", Attribute::Text(&self.env.plugin));
        own("release", Attribute::Text(&self.env.release));
        let Some(exchange) = self.exchange else { return };
        own("address", Attribute::Text(&exchange.client.to_string()));
        own("route", Attribute::Text(&exchange.route));
        own("method", Attribute::Text(exchange.head.method.as_str()));
        own("path", Attribute::Text(exchange.head.uri.path()));
        if let Some(host) = exchange.head.host() {
            own("host", Attribute::Text(host));
        }
        let Some(principal) = &exchange.principal else { return };
        own("subject", Attribute::Text(&principal.subject));
        own("roles", Attribute::Texts(&principal.roles));
        if let Some(tenant) = &principal.tenant {
            own("tenant", Attribute::Text(tenant));
        }
    }

    /// A release in isolation sends nothing to anybody.
    fn may_ask(&self) -> bool {
        self.env.isolation.is_none()
    }
}

impl Guest {
    /// The exchange as flags see it.
    fn asker(&self) -> Asker<'_> {
        Asker { env: &self.env, exchange: self.exchange.as_ref(), added: &self.flag_context }
    }

    /// Waits for what another provider says, if one is asked in place of this host's flags.
    fn prepare_flag(&self, key: &str, kind: Kind) -> impl Future<Output = ()> + Send + use<> {
        let prepared =
            self.env.flags.is_other().then(|| Box::pin(self.env.flags.prepare(key, kind, &self.asker())));
        async move {
            if let Some(prepared) = prepared {
                prepared.await;
            }
        }
    }

    /// Asks with the exchange's context, and counts the answer, also for the flag's experiment if it is under one.
    fn ask_flag<T>(
        &mut self,
        key: &str,
        ask: impl FnOnce(&flags::Flags, &dyn Context) -> Resolution<T>,
    ) -> Resolution<T> {
        let asker = self.asker();
        let said = ask(&self.env.flags, &asker);
        // A key that is no flag's may be anything, and is not told.
        let flag = if said.error == Some(flags::ErrorCode::FlagNotFound) { "" } else { key };
        let variant = said.variant.as_deref().unwrap_or_default();
        let exposure = Exposure { flag, variant, reason: said.reason.as_str(), asked_by: "plugin" };
        self.env.observe.exposures.note(&exposure, || asker.targeting_key().map(Cow::into_owned));
        if said.metadata["experiment"] == true && said.error.is_none() && !variant.is_empty() {
            self.exposed(key, variant);
        }
        said
    }

    fn boolean_flag(&mut self, key: &str, default: bool) -> Resolution<bool> {
        self.ask_flag(key, |flags, context| flags.boolean(key, default, context))
    }

    fn string_flag(&mut self, key: &str, default: String) -> Resolution<String> {
        self.ask_flag(key, |flags, context| flags.string(key, default, context))
    }

    fn number_flag(&mut self, key: &str, default: f64) -> Resolution<f64> {
        self.ask_flag(key, |flags, context| flags.number(key, default, context))
    }

    /// `default` comes back as it is: whoever passed it knows what it means.
    fn object_flag(&mut self, key: &str, default: String) -> Resolution<String> {
        let said = self.ask_flag(key, |flags, context| flags.object(key, Arc::default(), context));
        let shown = if said.value.is_object() { said.value.to_string() } else { default };
        said.map(|_| shown)
    }
}

impl Host for Guest {
    async fn get_boolean(&mut self, key: String, default: bool) -> wasmtime::Result<bool> {
        self.prepare_flag(&key, Kind::Boolean).await;
        Ok(self.boolean_flag(&key, default).value)
    }

    async fn get_string(&mut self, key: String, default: String) -> wasmtime::Result<String> {
        self.prepare_flag(&key, Kind::String).await;
        Ok(self.string_flag(&key, default).value)
    }

    async fn get_number(&mut self, key: String, default: f64) -> wasmtime::Result<f64> {
        self.prepare_flag(&key, Kind::Number).await;
        Ok(self.number_flag(&key, default).value)
    }

    async fn get_object(&mut self, key: String, default: String) -> wasmtime::Result<String> {
        self.prepare_flag(&key, Kind::Object).await;
        Ok(self.object_flag(&key, default).value)
    }

    async fn resolve(&mut self, key: String, default: Value) -> wasmtime::Result<Details> {
        let kind = match default {
            Value::Boolean(_) => Kind::Boolean,
            Value::String(_) => Kind::String,
            Value::Number(_) => Kind::Number,
            Value::Object(_) => Kind::Object,
        };
        self.prepare_flag(&key, kind).await;
        Ok(match default {
            Value::Boolean(default) => details(self.boolean_flag(&key, default).map(Value::Boolean)),
            Value::String(default) => details(self.string_flag(&key, default).map(Value::String)),
            Value::Number(default) => details(self.number_flag(&key, default).map(Value::Number)),
            Value::Object(default) => details(self.object_flag(&key, default).map(Value::Object)),
        })
    }

    async fn add_context(&mut self, attributes: Vec<(String, String)>) -> wasmtime::Result<bool> {
        Ok(self.flag_context.add(attributes))
    }
}

fn details(said: Resolution<Value>) -> Details {
    Details {
        value: said.value,
        variant: said.variant.as_deref().map(str::to_owned),
        reason: said.reason.as_str().to_owned(),
        error_code: said.error.map(error_code),
        error_message: said.message,
        metadata: said.metadata.to_string(),
    }
}

fn error_code(error: flags::ErrorCode) -> ErrorCode {
    match error {
        flags::ErrorCode::ProviderNotReady => ErrorCode::ProviderNotReady,
        flags::ErrorCode::FlagNotFound => ErrorCode::FlagNotFound,
        flags::ErrorCode::ParseError => ErrorCode::ParseError,
        flags::ErrorCode::TypeMismatch => ErrorCode::TypeMismatch,
        flags::ErrorCode::TargetingKeyMissing => ErrorCode::TargetingKeyMissing,
        flags::ErrorCode::InvalidContext => ErrorCode::InvalidContext,
        flags::ErrorCode::General => ErrorCode::General,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, json)| ((*name).to_owned(), (*json).to_owned())).collect()
    }

    #[test]
    fn what_is_added_is_all_taken_or_none_of_it() {
        let mut added = Added::default();
        assert!(added.add(pairs(&[
            ("plan", "\"gold\""),
            ("targetingKey", "\"u1\""),
            ("cart", "{\"total\": 3}")
        ])));
        assert_eq!((added.targeting_key.as_deref(), added.attributes.len()), (Some("u1"), 2));
        for broken in [
            &[("a", "1"), ("b", "gold")][..],
            &[("a", "")],
            &[("targetingKey", "7")],
            &[("a", "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]")],
        ] {
            assert!(!added.add(pairs(broken)), "{broken:?}");
        }
        assert_eq!(added.attributes.len(), 2);
        added.clear();
        assert_eq!((added.targeting_key, added.attributes.len(), added.bytes), (None, 0, 0));
    }

    #[test]
    fn a_context_is_bounded_however_it_is_added() {
        let mut added = Added::default();
        let deep = format!("{}{}", "[".repeat(4_000), "]".repeat(4_000));
        assert!(!added.add(pairs(&[("a", &deep)])));
        assert!(!added.add(pairs(&[("a", &format!("\"{}\"", "x".repeat(ADDED_BYTES)))])));
        let names: Vec<_> = (0..=ADDED_MAX).map(|number| (format!("n{number}"), "1".to_owned())).collect();
        assert!(!added.add(names.clone()));
        for one in names.chunks(1).take(ADDED_MAX) {
            assert!(added.add(one.to_vec()));
        }
        assert!(!added.add(names[ADDED_MAX..].to_vec()) && added.add(names[..1].to_vec()));
        let again = (0..10_000).take_while(|_| added.add(names[..1].to_vec())).count();
        assert!(again < ADDED_BYTES, "{again}");
    }
}
