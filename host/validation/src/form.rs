//! Form bodies, urlencoded and multipart: fields become an object by the types of their schema, and files are looked at.
//!
//! **Invariant:** of a file, the schema sees its presence and the answer its problems; never its content or name.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::compile::{At, Compile};
use crate::fields::Fields;
use crate::media::{MediaRange, is_json};
use crate::shape::{Form, Shape};
use crate::source::Broken;
use crate::style::{Coding, Style, Unreadable};
use crate::translate::{Version, follow};
use crate::violation::{Place, Violation, Violations};

/// What fields of a form must look like, beside its schema.
pub(crate) struct FormRules {
    pub(crate) fields: BTreeMap<String, FieldRule>,
    /// Of fields that are not named.
    pub(crate) other: FieldRule,
}

/// What one field must look like.
pub(crate) struct FieldRule {
    pub(crate) shape: Shape,
    /// `encoding.contentType`
    pub(crate) content: Vec<MediaRange>,
    /// If it is a file.
    pub(crate) file: Option<FileRule>,
    /// `encoding.style` and `explode`
    style: Option<(Style, bool)>,
}

/// What an uploaded file must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileRule {
    pub(crate) bytes_min: u64,
    pub(crate) bytes_max: u64,
    /// Whether the schema has to see a text as long as the file, since it bounds its length by itself.
    pub(crate) counted: bool,
}

impl FormRules {
    /// The rules of a media type object at `at`.
    ///
    /// # Errors
    /// What is wrong with its `encoding`.
    pub(crate) fn compile(compile: &Compile<'_>, at: &At<'_>) -> Result<Self, Broken> {
        let written = compile.written.pointer(&at.pointer).and_then(|media| media.get("schema")).unwrap_or(&Value::Null);
        let mut properties = BTreeMap::new();
        collect(compile.written, written, &mut properties, 8);
        let encoding = compile.member(at, "encoding")?;
        let field = |(name, schema): (&str, &Value)| -> Result<(String, FieldRule), Broken> {
            let encoding = encoding.as_ref().map(|all| compile.member(all, name)).transpose()?.flatten();
            Ok((name.to_owned(), FieldRule::compile(compile, schema, encoding.as_ref())?))
        };
        let fields = properties.into_iter().map(field).collect::<Result<_, _>>()?;
        let target = follow(compile.written, written).map_or(&Value::Null, |(_, target)| target);
        let other = FieldRule::compile(compile, target.get("additionalProperties").unwrap_or(&Value::Null), None)?;
        Ok(FormRules { fields, other })
    }

    /// The object that an urlencoded body is.
    pub(crate) fn urlencoded(&self, text: &str, violations: &mut Violations) -> Option<Value> {
        let Some(fields) = Fields::parse(text) else {
            violations.malformed(Violation::new(Place::Body, "", "has more than 1000 fields"));
            return None;
        };
        let mut object = Map::new();
        for (name, rule) in &self.fields {
            let (style, explode) = rule.style.unwrap_or((Style::Form, true));
            let value = if rule.style.is_none() && rule.shape.form() == Form::Object {
                fields.one(name).and_then(|raw| raw.map(json_field).transpose())
            } else {
                fields.value(name, style, explode, &rule.shape)
            };
            match value {
                Ok(value) => object.extend(value.map(|value| (name.clone(), value))),
                Err(unreadable) => violations.malformed(Violation {
                    allowed: unreadable.allowed,
                    ..Violation::new(Place::Body, &format!("/{name}"), unreadable.problem)
                }),
            }
        }
        self.unnamed(&fields, &mut object, violations);
        Some(Value::Object(object))
    }

    /// Fields that no property names: texts, or whatever `additionalProperties` says.
    fn unnamed(&self, fields: &Fields<'_>, object: &mut Map<String, Value>, violations: &mut Violations) {
        let spread = |name: &str| {
            let by = |(field, rule): (&String, &FieldRule)| match rule.style {
                Some((Style::Deep, _)) => name.strip_prefix(field.as_str()).is_some_and(|rest| rest.starts_with('[')),
                Some((Style::Form, true)) => rule.shape.properties.contains_key(name),
                _ => false,
            };
            self.fields.iter().any(by)
        };
        for (name, raw) in fields.iter().filter(|(name, _)| !self.fields.contains_key(*name) && !spread(name)) {
            let text = Coding::Plus.decode(raw).ok();
            let value = text.and_then(|text| self.other.shape.scalar(&text));
            let problem = match value {
                None => "cannot be read as the type asked for",
                Some(value) => match object.insert(name.to_owned(), value) {
                    None => continue,
                    Some(_) => "is given twice",
                },
            };
            violations.malformed(Violation::new(Place::Body, &format!("/{name}"), problem));
        }
    }

    /// The rule of the field `name`.
    pub(crate) fn rule(&self, name: &str) -> &FieldRule {
        self.fields.get(name).unwrap_or(&self.other)
    }
}

impl FieldRule {
    fn compile(compile: &Compile<'_>, schema: &Value, encoding: Option<&At<'_>>) -> Result<Self, Broken> {
        let mut content = Vec::new();
        for text in encoding.and_then(|at| at.text("contentType")).into_iter().flat_map(|list| list.split(',')) {
            let Some(range) = MediaRange::parse(text) else {
                let at = encoding.map(|at| at.broken("contentType", text, "media types, with commas between", "mend it"));
                return Err(at.unwrap_or_else(|| Broken::new("", text, "media types", "mend it")));
            };
            content.push(range);
        }
        let style = match encoding.and_then(|at| at.text("style")) {
            Some("deepObject") => Some(Style::Deep),
            Some("spaceDelimited") => Some(Style::Space),
            Some("pipeDelimited") => Some(Style::Pipe),
            Some(_) => Some(Style::Form),
            None => None,
        };
        let explode = encoding.and_then(|at| at.flag("explode"));
        let style = style.map(|style| (style, explode.unwrap_or(style == Style::Form)));
        let shape = Shape::of(compile.written, schema);
        Ok(FieldRule { file: file(compile, schema), shape, content, style })
    }

    /// Whether a part of this field is JSON where it does not say what it is.
    pub(crate) fn is_json(&self) -> bool {
        if !self.content.is_empty() {
            return self.content.iter().all(|range| is_json(range.as_str()));
        }
        let item = self.shape.item().filter(|_| self.shape.form() == Form::List).unwrap_or(&self.shape);
        self.file.is_none() && item.form() == Form::Object
    }
}

fn json_field(raw: &str) -> Result<Value, Unreadable> {
    let text = Coding::Plus.decode(raw)?;
    crate::json::read(text.as_bytes()).map_err(|_| Unreadable::new("is not JSON that can be read in one way"))
}

/// The properties of a schema, those of its parts as well.
fn collect<'a>(root: &'a Value, schema: &'a Value, into: &mut BTreeMap<&'a str, &'a Value>, depth: usize) {
    let (Some(depth), Ok((_, schema))) = (depth.checked_sub(1), follow(root, schema)) else { return };
    let properties = schema.get("properties").and_then(Value::as_object);
    into.extend(properties.into_iter().flatten().map(|(name, schema)| (name.as_str(), schema)));
    for keyword in ["allOf", "anyOf", "oneOf"] {
        let parts = schema.get(keyword).and_then(Value::as_array);
        parts.into_iter().flatten().for_each(|part| collect(root, part, into, depth));
    }
}

/// Whether a field of this schema is a file (OpenAPI 3.0 section 4.7.14.2, 3.1 section 4.8.14.4).
fn file(compile: &Compile<'_>, schema: &Value) -> Option<FileRule> {
    let (_, schema) = follow(compile.written, schema).ok()?;
    if let Some(items) = schema.get("items") {
        return file(compile, items);
    }
    let binary = schema.get("format").and_then(Value::as_str) == Some("binary");
    let media = compile.version == Version::V31 && schema.get("contentMediaType").is_some() && schema.get("contentEncoding").is_none();
    let number = |key: &str| schema.get(key).and_then(Value::as_u64);
    (binary || media).then(|| FileRule {
        bytes_min: number("minLength").unwrap_or(0),
        bytes_max: number("maxLength").unwrap_or(u64::MAX),
        counted: !binary,
    })
}
