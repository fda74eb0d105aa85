//! `multipart/form-data` (RFC 7578), read strictly: the plugin's parser must find the same parts as this one did.
//!
//! So: no text before the first or after the last boundary, one last boundary, one name and one plain file name per part, no
//! `filename*`, no transfer encodings.
//!
//! **Invariant:** parts, fields of their heads and bytes are bounded before they are read.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderMap, header};
use multer::{Field, Multipart};
use serde_json::{Map, Value};

use crate::file;
use crate::form::{FieldRule, FileRule, FormRules};
use crate::media::{MediaType, is_token, parameter};
use crate::shape::{Form, Shape};
use crate::violation::{Place, Violation, Violations};

/// Parts of one body.
pub(crate) const PARTS_MAX: usize = 1000;
/// Characters of a boundary (RFC 2046 section 5.1.1).
const BOUNDARY_MAX: usize = 70;

/// What a part says of itself.
#[derive(Debug, PartialEq)]
struct Disposition {
    name: String,
    file_name: Option<String>,
}

/// The object that `body` is: fields by their name, files as texts without their content.
pub(crate) async fn read(
    rules: &FormRules,
    media: &MediaType,
    body: &Bytes,
    violations: &mut Violations,
) -> Option<Value> {
    let boundary = match framed(media, body) {
        Ok(boundary) => boundary,
        Err(problem) => {
            violations.malformed(Violation::new(Place::Body, "", problem));
            return None;
        }
    };
    let whole = futures::stream::once(std::future::ready(Ok::<_, Infallible>(body.clone())));
    let mut parts = Multipart::new(whole, boundary);
    let mut object = Map::new();
    for count in 0.. {
        let field = match parts.next_field().await {
            Ok(Some(field)) if count < PARTS_MAX => field,
            Ok(None) => return Some(Value::Object(object)),
            other => {
                let problem = if other.is_ok() { "has more than 1000 parts" } else { "is not multipart/form-data to its end" };
                violations.malformed(Violation::new(Place::Body, "", problem));
                return None;
            }
        };
        part(rules, field, &mut object, violations).await;
        if violations.is_full() {
            return None;
        }
    }
    None
}

/// The boundary, if the body is framed by it in one way only.
fn framed(media: &MediaType, body: &[u8]) -> Result<String, &'static str> {
    let boundary = media.parameter("boundary").ok_or("its content type names no boundary")?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    if boundary.is_empty() || boundary.len() > BOUNDARY_MAX || !boundary.bytes().all(allowed) || boundary.ends_with(' ') {
        return Err("its boundary is not 1 to 70 of the characters of RFC 2046");
    }
    let (first, last) = (format!("--{boundary}"), format!("--{boundary}--"));
    if !body.starts_with(first.as_bytes()) {
        return Err("does not begin with its boundary");
    }
    let end = body.strip_suffix(b"\r\n").unwrap_or(body);
    if !end.ends_with(last.as_bytes()) {
        return Err("does not end with its last boundary");
    }
    match memchr::memmem::find(body, last.as_bytes()) {
        Some(at) if at + last.len() == end.len() => Ok(boundary.to_owned()),
        _ => Err("has its last boundary more than once"),
    }
}

async fn part(rules: &FormRules, field: Field<'_>, object: &mut Map<String, Value>, violations: &mut Violations) {
    let head = disposition(field.headers()).and_then(|own| Ok((own, declared(field.headers())?)));
    let (own, declared) = match head {
        Ok(known) => known,
        Err(problem) => return violations.malformed(Violation::new(Place::Body, "", problem)),
    };
    let at = format!("/{}", crate::source::escaped(&own.name));
    let Ok(content) = field.bytes().await else {
        return violations.malformed(Violation::new(Place::Body, &at, "breaks off"));
    };
    let rule = rules.rule(&own.name);
    let Some(value) = value(rule, &own, declared.as_ref(), &content, &at, violations) else { return };
    let is_list = rule.shape.form() == Form::List;
    match object.entry(own.name).or_insert_with(|| if is_list { Value::Array(Vec::new()) } else { Value::Null }) {
        Value::Array(list) if is_list => list.push(value),
        place @ Value::Null if !value.is_null() => *place = value,
        _ => violations.malformed(Violation::new(Place::Body, &at, "is given twice")),
    }
}

/// What a part stands for; problems go to `violations`.
fn value(
    rule: &FieldRule,
    own: &Disposition,
    declared: Option<&MediaType>,
    content: &Bytes,
    at: &str,
    violations: &mut Violations,
) -> Option<Value> {
    if let Some(name) = &own.file_name
        && let Err(problem) = file::check_name(name)
    {
        violations.invalid(Violation::new(Place::Body, at, problem));
    }
    if let Some(bounds) = rule.file {
        return Some(uploaded(rule, bounds, declared, content, at, violations));
    }
    if own.file_name.is_some() || !rule.content.is_empty() {
        check_type(rule, declared, content, at, violations);
    }
    if rule.is_json() || declared.is_some_and(MediaType::is_json) {
        return match crate::json::read(content) {
            Ok(value) => Some(value),
            Err(problem) => {
                violations.malformed(Violation::new(Place::Body, at, format!("is not JSON: {problem}")));
                None
            }
        };
    }
    text(rule, own, content, at, violations)
}

fn text(rule: &FieldRule, own: &Disposition, content: &[u8], at: &str, violations: &mut Violations) -> Option<Value> {
    let any = Shape::any();
    let shape = if rule.shape.form() == Form::List { rule.shape.item().unwrap_or(&any) } else { &rule.shape };
    let Ok(text) = std::str::from_utf8(content) else {
        // A file that no schema speaks of may be anything.
        if own.file_name.is_some() {
            return Some(Value::String(String::new()));
        }
        violations.malformed(Violation::new(Place::Body, at, "is not UTF-8"));
        return None;
    };
    let value = shape.scalar(text);
    if value.is_none() {
        let problem = Violation::new(Place::Body, at, "cannot be read as the type asked for");
        violations.malformed(problem.allowed(shape.told()));
    }
    value
}

fn uploaded(
    rule: &FieldRule,
    bounds: FileRule,
    declared: Option<&MediaType>,
    content: &Bytes,
    at: &str,
    violations: &mut Violations,
) -> Value {
    check_type(rule, declared, content, at, violations);
    let bytes = content.len() as u64;
    if bytes > bounds.bytes_max {
        violations.invalid(Violation::new(Place::Body, at, "has more bytes than allowed").allowed(bounds.bytes_max));
    }
    if bytes < bounds.bytes_min {
        violations.invalid(Violation::new(Place::Body, at, "has fewer bytes than needed").allowed(bounds.bytes_min));
    }
    Value::String(if bounds.counted { "x".repeat(content.len()) } else { String::new() })
}

fn check_type(rule: &FieldRule, declared: Option<&MediaType>, content: &[u8], at: &str, violations: &mut Violations) {
    // RFC 7578 section 4.4: text/plain is what a part is that does not say.
    let plain = MediaType::parse(if rule.file.is_some() { "application/octet-stream" } else { "text/plain" });
    let Some(declared) = declared.or(plain.as_ref()) else { return };
    if let Err(problem) = file::check_type(declared, &rule.content, content) {
        let allowed: Vec<_> = rule.content.iter().map(|range| range.as_str()).collect();
        let violation = Violation::new(Place::Body, at, problem);
        violations.invalid(if allowed.is_empty() { violation } else { violation.allowed(allowed) });
    }
}

fn declared(headers: &HeaderMap) -> Result<Option<MediaType>, &'static str> {
    if headers.get("content-transfer-encoding").is_some_and(|value| !matches!(value.as_bytes(), b"binary" | b"8bit" | b"7bit")) {
        return Err("a part has a transfer encoding, which forms do not have (RFC 7578 section 4.7)");
    }
    let mut all = headers.get_all(header::CONTENT_TYPE).into_iter();
    let Some(value) = all.next() else { return Ok(None) };
    let parsed = value.to_str().ok().and_then(MediaType::parse).filter(|_| all.next().is_none());
    parsed.map(Some).ok_or("a part has a content type that cannot be read")
}

/// Reads `form-data; name="x"; filename="y"`.
fn disposition(headers: &HeaderMap) -> Result<Disposition, &'static str> {
    let broken = "a part's content-disposition cannot be read in one way";
    let mut all = headers.get_all(header::CONTENT_DISPOSITION).into_iter();
    let value = all.next().filter(|_| all.next().is_none()).ok_or(broken)?;
    let text = std::str::from_utf8(value.as_bytes()).map_err(|_| broken)?;
    let (kind, mut rest) = text.split_at(text.find(';').unwrap_or(text.len()));
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err("a part is not form-data");
    }
    let (mut name, mut file_name) = (None, None);
    while let Some(after) = rest.trim_start().strip_prefix(';') {
        let (key, value, after) = disposition_parameter(after.trim_start()).ok_or(broken)?;
        let place = match key.as_str() {
            "name" => &mut name,
            "filename" => &mut file_name,
            "filename*" => return Err("a part has filename*, which forms do not have (RFC 7578 section 4.2)"),
            _ => return Err(broken),
        };
        if place.replace(value).is_some() {
            return Err(broken);
        }
        rest = after;
    }
    match name {
        Some(name) if rest.trim().is_empty() => Ok(Disposition { name, file_name }),
        _ => Err(broken),
    }
}

/// As [`parameter`], but a backslash is refused: browsers mean it, others escape with it.
fn disposition_parameter(text: &str) -> Option<(String, String, &str)> {
    let quoted = text.split_once('=').is_some_and(|(_, value)| value.starts_with('"'));
    let (key, value, rest) = parameter(text)?;
    let written = &text[..text.len() - rest.len()];
    (!written.contains('\\') && (quoted || is_token(&value))).then_some((key, value, rest))
}
