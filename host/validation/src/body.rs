//! Request bodies by media type.
//!
//! **Invariant:** a body passes only as a media type of the document, and no encoding hides it from the check.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, header};
use ostler_core::{Error, Kind};
use serde_json::Value;

use crate::compile::{At, Compile};
use crate::file;
use crate::form::FormRules;
use crate::json;
use crate::media::{MediaRange, MediaType, is_json};
use crate::multipart;
use crate::schema::Schema;
use crate::shape::Shape;
use crate::source::Broken;
use crate::violation::{Place, Violation, Violations};

/// What bodies an operation takes.
#[derive(Default)]
pub(crate) struct BodyRules {
    pub(crate) required: bool,
    /// The more exact ranges first.
    pub(crate) content: Vec<Content>,
}

/// What a body of one media range must look like.
pub(crate) struct Content {
    pub(crate) range: MediaRange,
    schema: Option<Schema>,
    reader: Reader,
    /// Most bytes, as far as the document says.
    pub(crate) bytes_max: Option<u64>,
}

/// How a body of the range becomes a value.
enum Reader {
    /// By what it declares itself to be: JSON, or a text of this shape.
    Declared(Shape),
    Form(FormRules),
    Multipart(FormRules),
    /// Not at all; its type is looked at.
    Binary,
}

impl BodyRules {
    /// The rules of a request body object at `at`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn compile(compile: &Compile<'_>, at: &At<'_>) -> Result<Self, Broken> {
        let content = compile.member(at, "content")?;
        let content = content.map(|content| compile.members(&content)).transpose()?.unwrap_or_default();
        let compiled = content.into_iter().map(|(range, at)| Content::compile(compile, range, &at));
        Ok(BodyRules { required: at.flag("required").unwrap_or(false), content: compiled.collect::<Result<_, _>>()? })
    }

    /// Rules for JSON of one schema.
    pub(crate) fn json(schema: Schema, required: bool) -> Self {
        let content = Content {
            range: MediaRange::JSON,
            schema: Some(schema),
            reader: Reader::Declared(Shape::any()),
            bytes_max: None,
        };
        BodyRules { required, content: vec![content] }
    }

    /// What `media` must look like, by the most exact range that takes it.
    pub(crate) fn content(&self, media: &MediaType) -> Option<&Content> {
        let ranked = self.content.iter().map(|content| (content.range.rank(&media.essence), content));
        ranked.filter(|(rank, _)| *rank > 0).max_by_key(|(rank, _)| *rank).map(|(_, content)| content)
    }

    /// That a body is of a type that is not taken.
    pub(crate) fn unsupported(&self, detail: &'static str) -> Error {
        let ranges: Vec<_> = self.content.iter().map(|content| content.range.as_str()).collect();
        let error = Error::new(Kind::UnsupportedMediaType, detail).member("accept", ranges.clone().into());
        match HeaderValue::from_str(&ranges.join(", ")) {
            Ok(accept) if !ranges.is_empty() => error.field(header::ACCEPT, accept),
            _ => error,
        }
    }
}

impl Content {
    fn compile(compile: &Compile<'_>, range: &str, at: &At<'_>) -> Result<Self, Broken> {
        let range = MediaRange::parse(range).ok_or_else(|| {
            at.broken("", format!("{range} is no media type"), "media types and ranges, as application/json", "name the media type")
        })?;
        let written = compile.written.pointer(&at.pointer).and_then(|media| media.get("schema"));
        let written = written.and_then(|schema| crate::translate::follow(compile.written, schema).ok()).map(|(_, schema)| schema);
        let binary = written.is_none_or(|schema| {
            schema.get("format").and_then(Value::as_str) == Some("binary") || schema.as_object().is_some_and(serde_json::Map::is_empty)
        });
        let reader = match range.as_str() {
            "application/x-www-form-urlencoded" => Reader::Form(FormRules::compile(compile, at)?),
            "multipart/form-data" => Reader::Multipart(FormRules::compile(compile, at)?),
            json if is_json(json) => Reader::Declared(Shape::any()),
            _ if binary => Reader::Binary,
            _ => Reader::Declared(compile.shape(at)),
        };
        let max = written.filter(|_| matches!(reader, Reader::Binary)).and_then(|schema| schema.get("maxLength"));
        Ok(Content { range, schema: compile.schema(at)?, reader, bytes_max: max.and_then(Value::as_u64) })
    }

    /// Compares a body with this.
    pub(crate) async fn check(&self, media: &MediaType, body: &Bytes, violations: &mut Violations) {
        let value = match &self.reader {
            Reader::Declared(_) if media.is_json() => read_json(body, violations),
            Reader::Declared(shape) => self.text(shape, media, body, violations),
            Reader::Form(rules) => match std::str::from_utf8(body) {
                Ok(text) => rules.urlencoded(text, violations),
                Err(_) => return violations.malformed(Violation::new(Place::Body, "", "is not UTF-8")),
            },
            Reader::Multipart(rules) => Box::pin(multipart::read(rules, media, body, violations)).await,
            Reader::Binary if media.is_json() => return drop(read_json(body, violations)),
            Reader::Binary => {
                if let Err(problem) = file::check_type(media, &[], body) {
                    violations.invalid(Violation::new(Place::Body, "", problem));
                }
                return;
            }
        };
        if let (Some(schema), Some(value)) = (&self.schema, value) {
            schema.check(&value, Place::Body, "", violations);
        }
    }

    /// Text is compared as a value; of other formats (XML, CSV) only the media type is checked.
    fn text(&self, shape: &Shape, media: &MediaType, body: &[u8], violations: &mut Violations) -> Option<Value> {
        if !media.essence.starts_with("text/") || !media.is_utf8() {
            return None;
        }
        let Ok(text) = std::str::from_utf8(body) else {
            violations.malformed(Violation::new(Place::Body, "", "is not UTF-8"));
            return None;
        };
        let value = shape.scalar(text);
        if value.is_none() && media.essence == "text/plain" {
            let violation = Violation::new(Place::Body, "", "cannot be read as the type asked for");
            violations.malformed(violation.allowed(shape.told()));
        }
        value
    }
}

/// The body as JSON.
pub(crate) fn read_json(body: &[u8], violations: &mut Violations) -> Option<Value> {
    match json::read(body) {
        Ok(value) => Some(value),
        Err(problem) => {
            violations.malformed(Violation::new(Place::Body, "", format!("is not JSON: {problem}")));
            None
        }
    }
}

/// What a request says its body is; none if it says nothing.
///
/// # Errors
/// `Malformed` if it cannot be read.
pub(crate) fn declared(head: &Parts) -> Result<Option<MediaType>, Error> {
    let mut all = head.headers.get_all(header::CONTENT_TYPE).into_iter();
    let Some(value) = all.next() else { return Ok(None) };
    let media = value.to_str().ok().and_then(MediaType::parse).filter(|_| all.next().is_none());
    let Some(media) = media else {
        let mut violations = Violations::default();
        let violation = Violation::new(Place::Header, "content-type", "is not one media type");
        violations.malformed(violation.allowed("type/subtype; parameter=value"));
        return Err(violations.into_result().err().unwrap_or_else(|| Error::new(Kind::Malformed, "content-type")));
    };
    Ok(Some(media))
}

/// Whether the body is in a form that no check sees through.
pub(crate) fn is_encoded(head: &Parts) -> bool {
    head.headers.get_all(header::CONTENT_ENCODING).into_iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}
