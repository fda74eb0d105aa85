//! Responses, compared with what their operation says it answers.
//!
//! **Invariant:** what is told of a response goes to the log, and holds none of its values.

use http::response::Parts;
use http::{HeaderName, StatusCode, header};
use serde_json::Value;

use crate::body::read_json;
use crate::compile::{At, Compile};
use crate::media::{MediaRange, MediaType};
use crate::parameter::header_text;
use crate::schema::Schema;
use crate::shape::Shape;
use crate::source::Broken;
use crate::style::{Coding, Style, build, split};
use crate::violation::{Place, Violation, Violations};

/// What a response of some statuses looks like.
pub(crate) struct ResponseRules {
    status: Statuses,
    headers: Vec<HeaderRule>,
    content: Vec<(MediaRange, Option<Schema>)>,
}

/// Which statuses are meant, the more exact first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Statuses {
    One(u16),
    /// `2XX`
    Class(u16),
    Default,
}

struct HeaderRule {
    name: HeaderName,
    required: bool,
    explode: bool,
    shape: Shape,
    schema: Option<Schema>,
}

/// All responses of the operation at `at`.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn compile(compile: &Compile<'_>, at: &At<'_>) -> Result<Vec<ResponseRules>, Broken> {
    let responses = compile.member(at, "responses")?;
    let responses = responses.map(|all| compile.members(&all)).transpose()?.unwrap_or_default();
    let known = responses.into_iter().filter(|(status, _)| !status.starts_with("x-"));
    let mut rules: Vec<_> =
        known.map(|(status, at)| ResponseRules::compile(compile, status, &at)).collect::<Result<_, _>>()?;
    rules.sort_by_key(|rules| rules.status);
    Ok(rules)
}

/// What is wrong with a response; an operation that describes none takes all.
pub(crate) fn check(rules: &[ResponseRules], head: &Parts, body: Option<&[u8]>) -> Vec<Violation> {
    if rules.is_empty() {
        return Vec::new();
    }
    let mut violations = Violations::default();
    match rules.iter().find(|rules| rules.status.takes(head.status)) {
        Some(rules) => rules.check(head, body, &mut violations),
        None => violations.invalid(Violation::new(Place::Header, "status", format!("{} is not described", head.status.as_u16()))),
    }
    violations.list
}

impl ResponseRules {
    fn compile(compile: &Compile<'_>, status: &str, at: &At<'_>) -> Result<Self, Broken> {
        let status = Statuses::parse(status)
            .ok_or_else(|| at.broken("", format!("{status} is no status"), "a status, 2XX and the like, or default", "name the status"))?;
        let headers = compile.member(at, "headers")?.map(|all| compile.members(&all)).transpose()?.unwrap_or_default();
        let headers = headers.into_iter().filter(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        let content = compile.member(at, "content")?.map(|all| compile.members(&all)).transpose()?.unwrap_or_default();
        let range = |(range, at): (&str, At<'_>)| {
            let parsed = MediaRange::parse(range).ok_or_else(|| at.broken("", format!("{range} is no media type"), "media types", "name the media type"))?;
            Ok((parsed, compile.schema(&at)?))
        };
        Ok(ResponseRules {
            status,
            headers: headers.map(|(name, at)| HeaderRule::compile(compile, name, &at)).collect::<Result<_, _>>()?,
            content: content.into_iter().map(range).collect::<Result<_, _>>()?,
        })
    }

    fn check(&self, head: &Parts, body: Option<&[u8]>, violations: &mut Violations) {
        self.headers.iter().for_each(|rule| rule.check(head, violations));
        let Some(body) = body.filter(|body| !body.is_empty() && !self.content.is_empty()) else { return };
        let media = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).and_then(MediaType::parse);
        let Some(media) = media else {
            return violations.invalid(Violation::new(Place::Header, "content-type", "is missing, or no media type"));
        };
        let ranked = self.content.iter().map(|(range, schema)| (range.rank(&media.essence), schema));
        match ranked.max_by_key(|(rank, _)| *rank) {
            Some((1.., schema)) if media.is_json() => {
                if let (Some(value), Some(schema)) = (read_json(body, violations), schema) {
                    schema.check(&value, Place::Body, "", violations);
                }
            }
            Some((1.., _)) => {}
            _ => {
                let allowed: Vec<_> = self.content.iter().map(|(range, _)| range.as_str()).collect();
                violations.invalid(Violation::new(Place::Header, "content-type", "is not described").allowed(allowed));
            }
        }
    }
}

impl Statuses {
    fn parse(text: &str) -> Option<Self> {
        match text.as_bytes() {
            b"default" => Some(Statuses::Default),
            [class @ b'1'..=b'5', b'X' | b'x', b'X' | b'x'] => Some(Statuses::Class(u16::from(class - b'0'))),
            [b'1'..=b'5', _, _] => text.parse().ok().map(Statuses::One),
            _ => None,
        }
    }

    fn takes(self, status: StatusCode) -> bool {
        match self {
            Statuses::One(one) => one == status.as_u16(),
            Statuses::Class(class) => class == status.as_u16() / 100,
            Statuses::Default => true,
        }
    }
}

impl HeaderRule {
    fn compile(compile: &Compile<'_>, name: &str, at: &At<'_>) -> Result<Self, Broken> {
        let parsed = HeaderName::try_from(name);
        let name = parsed.map_err(|_| at.broken("", name, "the name of a header field", "name the field"))?;
        let (required, explode) = (at.flag("required").unwrap_or(false), at.flag("explode").unwrap_or(false));
        Ok(HeaderRule { name, required, explode, shape: compile.shape(at), schema: compile.schema(at)? })
    }

    fn check(&self, head: &Parts, violations: &mut Violations) {
        let read = |text: String| {
            let pieces = split(Style::Simple, self.explode, self.shape.form(), self.name.as_str(), &text)?;
            build(&self.shape, pieces, Coding::Plain)
        };
        let value: Result<Option<Value>, _> =
            header_text(&head.headers, &self.name).and_then(|text| text.map(read).transpose());
        let name = self.name.as_str();
        match (value, &self.schema) {
            (Ok(None), _) if self.required => violations.invalid(Violation::new(Place::Header, name, "is missing")),
            (Ok(Some(value)), Some(schema)) => schema.check(&value, Place::Header, name, violations),
            (Ok(_), _) => {}
            (Err(unreadable), _) => violations.invalid(Violation::new(Place::Header, name, unreadable.problem)),
        }
    }
}
