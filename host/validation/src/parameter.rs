//! Parameters in path, query, headers and cookies.
//!
//! **Invariant:** what reaches a plugin was read once, here, by the document's types.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, header};
use serde_json::Value;

use crate::compile::{At, Compile};
use crate::fields::Fields;
use crate::media::is_json;
use crate::schema::Schema;
use crate::shape::Shape;
use crate::source::Broken;
use crate::style::{Coding, Style, Unreadable, build, split};
use crate::violation::{Place, Violation, Violations};

/// One parameter.
pub(crate) struct Parameter {
    pub(crate) name: Arc<str>,
    pub(crate) place: Place,
    required: bool,
    /// `allowEmptyValue`
    may_be_empty: bool,
    style: Style,
    explode: bool,
    reader: Reader,
    schema: Option<Schema>,
    default: Option<Value>,
    header: Option<HeaderName>,
}

enum Reader {
    Text(Shape),
    Json,
}

/// Where parameters are looked for.
pub(crate) struct Texts<'a> {
    /// Variables of the path, as they came.
    pub(crate) path: &'a [(&'a str, &'a str)],
    pub(crate) query: Fields<'a>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) cookies: Vec<(&'a str, &'a str)>,
}

impl Parameter {
    /// The parameter at `at`; none for what OpenAPI says is to be ignored.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn compile(compile: &Compile<'_>, at: &At<'_>) -> Result<Option<Self>, Broken> {
        let missing = |key| at.broken(key, "is missing or of another type", "a text", "add it to the parameter");
        let name = at.text("name").ok_or_else(|| missing("name"))?;
        let place = match at.text("in").ok_or_else(|| missing("in"))? {
            "path" => Place::Path,
            "query" => Place::Query,
            "header" => Place::Header,
            "cookie" => Place::Cookie,
            other => return Err(at.broken("in", other, "path, query, header or cookie", "say where it stands")),
        };
        // OpenAPI 3.1 section 4.8.12.1: these three are described elsewhere.
        if place == Place::Header && ["accept", "content-type", "authorization"].iter().any(|own| name.eq_ignore_ascii_case(own)) {
            return Ok(None);
        }
        let style = style(at, place)?;
        let content = compile.member(at, "content")?;
        let content = content.map(|content| compile.members(&content)).transpose()?.and_then(|mut all| all.pop());
        let (reader, schema, explode) = match &content {
            Some((media, inner)) if is_json(&media.to_ascii_lowercase()) => (Reader::Json, compile.schema(inner)?, false),
            Some((_, inner)) => (Reader::Text(Shape::any()), compile.schema(inner)?, false),
            None => {
                let explode = at.flag("explode").unwrap_or(style == Style::Form);
                (Reader::Text(compile.shape(at)), compile.schema(at)?, explode)
            }
        };
        Ok(Some(Parameter {
            name: name.into(),
            place,
            required: at.flag("required").unwrap_or(false) || place == Place::Path,
            may_be_empty: at.flag("allowEmptyValue").unwrap_or(false),
            style,
            explode,
            reader,
            schema,
            default: compile.resolve(At { pointer: String::new(), value: at.value.get("schema").unwrap_or(&Value::Null) })?.value.get("default").cloned(),
            header: header_name(at, place, name)?,
        }))
    }

    /// Reads and checks this parameter; its value goes to `into`.
    pub(crate) fn check(&self, texts: &Texts<'_>, into: &mut Vec<(Arc<str>, Value)>, violations: &mut Violations) {
        let value = match self.read(texts) {
            Ok(Some(value)) => value,
            Ok(None) if self.required => {
                return violations.malformed(Violation::new(self.place, &self.name, "is missing"));
            }
            Ok(None) => {
                return into.extend(self.default.clone().map(|default| (self.name.clone(), default)));
            }
            Err(unreadable) => {
                let violation = Violation { allowed: unreadable.allowed, ..Violation::new(self.place, &self.name, unreadable.problem) };
                return violations.malformed(violation);
            }
        };
        let empty = self.may_be_empty && value.as_str() == Some("");
        if let (Some(schema), false) = (&self.schema, empty) {
            schema.check(&value, self.place, &self.name, violations);
        }
        into.push((self.name.clone(), value));
    }

    fn read(&self, texts: &Texts<'_>) -> Result<Option<Value>, Unreadable> {
        if let (Place::Query, Reader::Text(shape)) = (self.place, &self.reader) {
            if self.may_be_empty && texts.query.one(&self.name) == Ok(Some("")) {
                return Ok(Some(Value::String(String::new())));
            }
            return texts.query.value(&self.name, self.style, self.explode, shape);
        }
        let joined;
        let raw = match self.place {
            Place::Path => texts.path.iter().find(|(name, _)| *name == &*self.name).map(|(_, raw)| *raw),
            Place::Query => texts.query.one(&self.name)?,
            Place::Cookie => one_cookie(&texts.cookies, &self.name)?,
            Place::Header | Place::Body => {
                joined = self.header.as_ref().map(|name| header_text(texts.headers, name)).transpose()?.flatten();
                joined.as_deref()
            }
        };
        let Some(raw) = raw else { return Ok(None) };
        self.value(raw).map(Some)
    }

    fn value(&self, raw: &str) -> Result<Value, Unreadable> {
        let coding = match self.place {
            Place::Header | Place::Body => Coding::Plain,
            Place::Query => Coding::Plus,
            Place::Path | Place::Cookie => Coding::Percent,
        };
        match &self.reader {
            Reader::Json => {
                let text = coding.decode(raw)?;
                crate::json::read(text.as_bytes()).map_err(|_| Unreadable::new("is not JSON that can be read in one way"))
            }
            Reader::Text(shape) => {
                // A cookie cannot be given more than once, so that exploding it means nothing.
                let explode = self.explode && self.place != Place::Cookie;
                build(shape, split(self.style, explode, shape.form(), &self.name, raw)?, coding)
            }
        }
    }
}

/// The cookies of a request, in their order (RFC 6265 section 4.2.1).
pub(crate) fn cookies(headers: &HeaderMap) -> Vec<(&str, &str)> {
    let texts = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.map(|(name, value)| (name, value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))).collect()
}

fn one_cookie<'a>(cookies: &[(&str, &'a str)], name: &str) -> Result<Option<&'a str>, Unreadable> {
    let mut all = cookies.iter().filter(|(known, _)| *known == name).map(|(_, value)| *value);
    let first = all.next();
    if all.next().is_some() { Err(Unreadable::new("is given twice")) } else { Ok(first) }
}

/// The lines of a field are one list (RFC 9110 section 5.3).
pub(crate) fn header_text(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Unreadable> {
    let mut all = headers.get_all(name).into_iter().peekable();
    if all.peek().is_none() {
        return Ok(None);
    }
    let texts: Result<Vec<&str>, _> = all.map(|value| std::str::from_utf8(value.as_bytes())).collect();
    let texts = texts.map_err(|_| Unreadable::new("is not UTF-8"))?;
    let parts = texts.iter().flat_map(|text| text.split(',')).map(str::trim);
    Ok(Some(parts.collect::<Vec<_>>().join(",")))
}

fn style(at: &At<'_>, place: Place) -> Result<Style, Broken> {
    let default = if matches!(place, Place::Query | Place::Cookie) { "form" } else { "simple" };
    let style = match (at.text("style").unwrap_or(default), place) {
        ("simple", Place::Path | Place::Header) => Style::Simple,
        ("label", Place::Path) => Style::Label,
        ("matrix", Place::Path) => Style::Matrix,
        ("form", Place::Query | Place::Cookie) => Style::Form,
        ("spaceDelimited", Place::Query) => Style::Space,
        ("pipeDelimited", Place::Query) => Style::Pipe,
        ("deepObject", Place::Query) => Style::Deep,
        (other, _) => {
            let allowed = "simple, label or matrix in a path; simple in a header; form, spaceDelimited, pipeDelimited or deepObject in a query; form in a cookie";
            return Err(at.broken("style", format!("{other} does not go with {}", place.as_str()), allowed, "name one of these"));
        }
    };
    Ok(style)
}

fn header_name(at: &At<'_>, place: Place, name: &str) -> Result<Option<HeaderName>, Broken> {
    if place != Place::Header {
        return Ok(None);
    }
    let parsed = HeaderName::try_from(name);
    parsed.map(Some).map_err(|_| at.broken("name", name, "the name of a header field", "name the field"))
}
