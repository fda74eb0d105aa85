//! Fields of a query or of a form body: `name=value` between `&`, as parameters of a style are found among them.
//!
//! **Invariant:** a field that its schema knows once may not be given twice, since plugins could read the other one.

use std::borrow::Cow;

use serde_json::Value;

use crate::shape::{Form, Shape};
use crate::style::{Coding, Pieces, Style, Unreadable, build, split};

/// Fields of one form.
pub(crate) const FIELDS_MAX: usize = 1000;

/// Fields in their order: the name decoded, the value as it came.
pub(crate) struct Fields<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Fields<'a> {
    /// The fields of `text`. What cannot be decoded as a name is no name that anybody knows.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let parts = text.split('&').filter(|part| !part.is_empty());
        let fields: Vec<_> = parts
            .take(FIELDS_MAX + 1)
            .map(|part| {
                let (name, value) = part.split_once('=').unwrap_or((part, ""));
                (Coding::Plus.decode(name).unwrap_or(Cow::Borrowed(name)), value)
            })
            .collect();
        (fields.len() <= FIELDS_MAX).then_some(Fields(fields))
    }

    /// Every field, name first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().map(|(name, raw)| (name.as_ref(), *raw))
    }

    /// The raw values of `name`.
    fn all<'b>(&'b self, name: &'b str) -> impl Iterator<Item = &'a str> + 'b {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, raw)| *raw)
    }

    /// The one raw value of `name`, if there is one.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&'a str>, Unreadable> {
        let mut all = self.all(name);
        let first = all.next();
        if all.next().is_some() { Err(Unreadable::new("is given twice")) } else { Ok(first) }
    }

    /// The value of the parameter `name`, written in `style`; none if it is not there.
    pub(crate) fn value(
        &self,
        name: &str,
        style: Style,
        explode: bool,
        shape: &Shape,
    ) -> Result<Option<Value>, Unreadable> {
        let form = shape.form();
        let pieces = match (style, form) {
            (Style::Deep, _) => return self.deep(name, shape),
            (Style::Form, Form::Object) if explode => return self.spread(shape),
            (_, Form::List) if explode => match self.all(name).collect::<Vec<_>>() {
                none if none.is_empty() => return Ok(None),
                // One empty value is how an empty list is written.
                one if one == [""] && shape.item().is_none_or(|item| item.scalar("").is_none()) => {
                    Pieces::List(Vec::new())
                }
                list => Pieces::List(list),
            },
            _ => match self.one(name)? {
                None => return Ok(None),
                Some(raw) => split(style, explode, form, name, raw)?,
            },
        };
        build(shape, pieces, Coding::Plus).map(Some)
    }

    /// `name[property]=value`.
    fn deep(&self, name: &str, shape: &Shape) -> Result<Option<Value>, Unreadable> {
        let mut pairs = Vec::new();
        for (known, raw) in &self.0 {
            let Some(inner) = known.strip_prefix(name).and_then(|rest| rest.strip_prefix('[')) else { continue };
            let property = inner.strip_suffix("[]").unwrap_or(inner);
            let property = property.strip_suffix(']').ok_or(Unreadable::new("a bracket is not closed"))?;
            if property.contains(['[', ']']) {
                return Err(Unreadable::new("objects inside objects cannot be written in a query"));
            }
            pairs.push((property.to_owned(), *raw));
        }
        self.build_pairs(shape, pairs)
    }

    /// `R=100&G=200`: the properties stand by themselves.
    fn spread(&self, shape: &Shape) -> Result<Option<Value>, Unreadable> {
        let own = |name: &str| shape.properties.contains_key(name) || (shape.properties.is_empty() && shape.additional.is_some());
        let pairs = self.0.iter().filter(|(name, _)| own(name)).map(|(name, raw)| (name.to_string(), *raw)).collect();
        self.build_pairs(shape, pairs)
    }

    /// An object of `pairs`, whose names are decoded already.
    fn build_pairs(&self, shape: &Shape, pairs: Vec<(String, &str)>) -> Result<Option<Value>, Unreadable> {
        if pairs.is_empty() {
            return Ok(None);
        }
        let encoded: Vec<_> = pairs.iter().map(|(name, raw)| (name.replace('%', "%25").replace('+', "%2B"), *raw)).collect();
        let pairs = encoded.iter().map(|(name, raw)| (name.as_str(), *raw)).collect();
        build(shape, Pieces::Pairs(pairs), Coding::Plus).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(query: &str, style: Style, explode: bool, schema: &Value) -> Result<Option<Value>, Unreadable> {
        Fields::parse(query).unwrap().value("f", style, explode, &Shape::of(&json!({}), schema))
    }

    #[test]
    fn queries_are_read_in_every_style() {
        let number = json!({"type": "integer"});
        let text = json!({"type": "string"});
        let numbers = json!({"type": "array", "items": {"type": "integer"}});
        let texts = json!({"type": "array", "items": {"type": "string"}});
        let object = json!({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "array", "items": {"type": "integer"}}}});
        let rows = [
            ("f=1", Style::Form, true, &number, Some(json!(1))),
            ("%66=1", Style::Form, true, &number, Some(json!(1))),
            ("g=1", Style::Form, true, &number, None),
            ("f=a+b%2Bc", Style::Form, true, &text, Some(json!("a b+c"))),
            ("f", Style::Form, true, &text, Some(json!(""))),
            ("f=1&f=2", Style::Form, true, &numbers, Some(json!([1, 2]))),
            ("f=", Style::Form, true, &numbers, Some(json!([]))),
            ("f=", Style::Form, true, &texts, Some(json!([""]))),
            ("f=1,2", Style::Form, false, &numbers, Some(json!([1, 2]))),
            ("f=1%202", Style::Space, false, &numbers, Some(json!([1, 2]))),
            ("f=1+2", Style::Space, false, &numbers, Some(json!([1, 2]))),
            ("f=1&f=2", Style::Space, true, &numbers, Some(json!([1, 2]))),
            ("f=1|2", Style::Pipe, false, &numbers, Some(json!([1, 2]))),
            ("f[a]=1&f%5Bb%5D=2&f[b]=3", Style::Deep, true, &object, Some(json!({"a": 1, "b": [2, 3]}))),
            ("f[b][]=2&f[b][]=3", Style::Deep, true, &object, Some(json!({"b": [2, 3]}))),
            ("g[a]=1", Style::Deep, true, &object, None),
            ("a=1&b=2&c=3", Style::Form, true, &object, Some(json!({"a": 1, "b": [2]}))),
            ("f=a,1", Style::Form, false, &object, Some(json!({"a": 1}))),
        ];
        for (query, style, explode, schema, expected) in rows {
            assert_eq!(value(query, style, explode, schema), Ok(expected), "{query} {style:?}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let number = json!({"type": "integer"});
        let object = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
        for (query, style, schema) in [
            ("f=1&f=2", Style::Form, &number),
            ("f=1&%66=2", Style::Form, &number),
            ("f=x", Style::Form, &number),
            ("f=%31%", Style::Form, &number),
            ("f[a]=1&f[a]=2", Style::Deep, &object),
            ("f[a][b]=1", Style::Deep, &object),
            ("f[a=1", Style::Deep, &object),
            ("f[a]=x", Style::Deep, &object),
            ("a=1&a=2", Style::Form, &object),
        ] {
            assert!(value(query, style, true, schema).is_err(), "{query}");
        }
        assert!(Fields::parse(&"a=1&".repeat(FIELDS_MAX + 1)).is_none());
    }
}
