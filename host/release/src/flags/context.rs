//! Of whom a flag is asked: a targeting key and named attributes.
//!
//! **Invariant:** nothing here is called for a flag without targeting, so that such a flag costs no look at the exchange.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

/// Of whom a flag is asked.
pub trait Context {
    /// Who shares fall on: the same key always gets the same variant of a `fractional` flag.
    fn targeting_key(&self) -> Option<Cow<'_, str>>;

    /// Calls `attribute` with each attribute that `wants` names, each name once; others may be told as well, and what costs
    /// something to tell is better left out. `targetingKey` and `$flagd` are the engine's own names and are passed over.
    fn visit(&self, wants: &dyn Fn(&str) -> bool, attribute: &mut dyn FnMut(&str, Attribute<'_>));

    /// Whether another provider may be asked on its behalf; where not, what it said before counts, or the default.
    fn may_ask(&self) -> bool {
        true
    }
}

/// The value of one attribute.
#[derive(Debug, Clone, Copy)]
pub enum Attribute<'a> {
    /// A text.
    Text(&'a str),
    /// A number.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// A list of texts.
    Texts(&'a [Arc<str>]),
    /// Anything that JSON can say.
    Json(&'a Value),
}

/// Nobody in particular: no key, no attributes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

/// A context that owns what it says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributes {
    /// See [`Context::targeting_key`].
    pub targeting_key: Option<String>,
    /// The attributes by name.
    pub values: BTreeMap<String, Value>,
}

impl Context for Nobody {
    fn targeting_key(&self) -> Option<Cow<'_, str>> {
        None
    }

    fn visit(&self, _: &dyn Fn(&str) -> bool, _: &mut dyn FnMut(&str, Attribute<'_>)) {}
}

impl Attributes {
    /// The context that a JSON object says, as OFREP carries it: `targetingKey` and any other attributes.
    ///
    /// # Errors
    /// What is wrong with it: not an object, or a `targetingKey` that is no text.
    pub fn from_json(context: Value) -> Result<Self, String> {
        let Value::Object(mut values) = context else {
            return Err("the context is not a JSON object".into());
        };
        let targeting_key = match values.remove("targetingKey") {
            None | Some(Value::Null) => None,
            Some(Value::String(key)) => Some(key),
            Some(_) => return Err("targetingKey is not a text".into()),
        };
        Ok(Attributes { targeting_key, values: values.into_iter().collect() })
    }
}

impl Context for Attributes {
    fn targeting_key(&self) -> Option<Cow<'_, str>> {
        self.targeting_key.as_deref().map(Cow::Borrowed)
    }

    fn visit(&self, _: &dyn Fn(&str) -> bool, attribute: &mut dyn FnMut(&str, Attribute<'_>)) {
        for (name, value) in &self.values {
            attribute(name, Attribute::Json(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_context_is_an_object_whose_key_is_a_text() {
        let context = Attributes::from_json(json!({"targetingKey": "u1", "age": 3})).unwrap();
        assert_eq!((context.targeting_key().as_deref(), &context.values["age"]), (Some("u1"), &json!(3)));
        assert!(Attributes::from_json(json!([])).is_err());
        assert!(Attributes::from_json(json!({"targetingKey": 7})).is_err());
    }
}
