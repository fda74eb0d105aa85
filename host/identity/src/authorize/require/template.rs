//! Resources such as `orders/{id}`, whose `{id}` is a segment of a request's path.

use percent_encoding::percent_decode_str;

use super::super::permission::{RESOURCE_MAX, is_segment};

/// A resource with places to fill.
pub(super) struct Template(Vec<Piece>);

enum Piece {
    Text(Box<str>),
    Place(Place),
}

/// Where a parameter stands in a path.
pub(super) struct Place {
    /// Of its segment, counted from the one after the first `/`.
    index: usize,
    prefix: Box<str>,
    suffix: Box<str>,
    /// Whether it is all that follows (`{*rest}`).
    pub(super) rest: bool,
}

impl Template {
    /// A template whose parameters are those of `pattern`. An error says what is allowed.
    pub(super) fn new(text: &str, pattern: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        for segment in text.split('/') {
            let name = segment.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
            pieces.push(match name {
                Some(name) => {
                    let known =
                        || format!("segments that are texts or parameters of {pattern}: {}", names(pattern));
                    Piece::Place(Place::find(name, pattern).ok_or_else(known)?)
                }
                None if is_segment(segment) && !segment.contains(['*', '{', '}']) => {
                    Piece::Text(segment.into())
                }
                None => {
                    return Err("segments joined by \"/\", each a text or a parameter such as {id}".into());
                }
            });
        }
        Ok(Template(pieces))
    }

    /// The resource that `path` names; none if one of its segments cannot name anything.
    pub(super) fn fill(&self, path: &str) -> Option<String> {
        let mut resource = String::new();
        for (place, piece) in self.0.iter().enumerate() {
            if place > 0 {
                resource.push('/');
            }
            match piece {
                Piece::Text(text) => resource.push_str(text),
                Piece::Place(place) => resource.push_str(&place.take(path)?),
            }
        }
        (resource.len() <= RESOURCE_MAX).then_some(resource)
    }
}

impl Place {
    /// Where `pattern` has `{name}` or `{*name}`.
    pub(super) fn find(name: &str, pattern: &str) -> Option<Self> {
        parameters(pattern).find(|(own, _)| *own == name).map(|(_, place)| place)
    }

    /// What stands there in `path`, decoded once; none if it cannot be one segment of a resource (or, of `{*rest}`, several).
    pub(super) fn take(&self, path: &str) -> Option<String> {
        let mut segments = path.strip_prefix('/')?.split('/').skip(self.index);
        let first = segments.next()?.strip_prefix(&*self.prefix)?.strip_suffix(&*self.suffix)?;
        let mut taken = segment(first)?;
        if self.rest {
            for further in segments {
                taken.push('/');
                taken.push_str(&segment(further)?);
            }
        }
        Some(taken)
    }
}

/// The parameters of a pattern, for messages.
pub(super) fn names(pattern: &str) -> String {
    let names: Vec<_> = parameters(pattern).map(|(name, _)| format!("{{{name}}}")).collect();
    if names.is_empty() { format!("(none: {pattern} has no parameter)") } else { names.join(", ") }
}

fn segment(text: &str) -> Option<String> {
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    is_segment(&decoded).then(|| decoded.into_owned())
}

/// Names and places of a pattern's parameters; `{{` and `}}` stand for braces (matchit).
fn parameters(pattern: &str) -> impl Iterator<Item = (&str, Place)> {
    let segments = pattern.strip_prefix('/').unwrap_or(pattern).split('/');
    segments.enumerate().filter_map(|(index, segment)| {
        let start = brace(segment)?;
        let (prefix, inner) = (&segment[..start], &segment[start + 1..]);
        let (name, suffix) = inner.split_once('}')?;
        let (rest, name) = match name.strip_prefix('*') {
            Some(name) => (true, name),
            None => (false, name),
        };
        let plain = |text: &str| text.replace("{{", "{").replace("}}", "}").into_boxed_str();
        Some((name, Place { index, prefix: plain(prefix), suffix: plain(suffix), rest }))
    })
}

/// Where a parameter begins: at the first `{` that is not doubled.
fn brace(segment: &str) -> Option<usize> {
    let bytes = segment.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'{', Some(b'{')) => at += 2,
            (b'{', _) => return Some(at),
            _ => at += 1,
        }
    }
    None
}
