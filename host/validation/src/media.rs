//! Media types: what a request declares, and the ranges that a document allows (RFC 9110 section 8.3.1).
//!
//! **Invariant:** the more exact range wins, whatever the order in the document.

use std::borrow::Cow;

/// What a `Content-Type` field says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MediaType {
    /// `type/subtype` in lower case.
    pub(crate) essence: String,
    parameters: Vec<(String, String)>,
}

/// What a document allows: `application/json`, `application/*`, `application/*+json`, `*/*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MediaRange(Cow<'static, str>);

impl MediaType {
    /// Reads a field's value; none if it is no media type.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (essence, mut rest) = text.split_at(text.find(';').unwrap_or(text.len()));
        let essence = essence.trim().to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/')?;
        if !is_token(kind) || !is_token(subtype) {
            return None;
        }
        let mut parameters: Vec<(String, String)> = Vec::new();
        while let Some(after) = rest.trim_start().strip_prefix(';') {
            let after = after.trim_start();
            if after.is_empty() || after.starts_with(';') {
                rest = after;
                continue;
            }
            let (name, value, after) = parameter(after)?;
            if parameters.iter().any(|(known, _)| *known == name) {
                return None;
            }
            parameters.push((name, value));
            rest = after;
        }
        rest.trim().is_empty().then_some(MediaType { essence, parameters })
    }

    /// The value of a parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether its content is JSON.
    pub(crate) fn is_json(&self) -> bool {
        is_json(&self.essence)
    }

    /// Whether its text is in UTF-8 (or ASCII), as far as it says so.
    pub(crate) fn is_utf8(&self) -> bool {
        let charset = self.parameter("charset");
        charset.is_none_or(|charset| ["utf-8", "utf8", "us-ascii"].iter().any(|known| charset.eq_ignore_ascii_case(known)))
    }
}

impl MediaRange {
    /// JSON and nothing else.
    pub(crate) const JSON: Self = MediaRange(Cow::Borrowed("application/json"));

    /// Reads a key of `content`; parameters are left out.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let essence = text.split(';').next()?.trim().to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/')?;
        (is_token(kind) && is_token(subtype)).then_some(MediaRange(Cow::Owned(essence)))
    }

    /// As written, in lower case.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// How exactly it names `essence`: 0 not at all, 4 to the letter.
    pub(crate) fn rank(&self, essence: &str) -> u8 {
        if self.0 == essence {
            return 4;
        }
        if self.0 == "*/*" {
            return 1;
        }
        match self.0.split_once("/*") {
            Some((kind, "")) if is_of(essence, kind) => 2,
            Some((kind, suffix)) if suffix.starts_with('+') && is_of(essence, kind) && essence.ends_with(suffix) => 3,
            _ => 0,
        }
    }
}

fn is_of(essence: &str, kind: &str) -> bool {
    essence.split_once('/').is_some_and(|(own, _)| own == kind)
}

/// Whether content of `essence` is JSON.
pub(crate) fn is_json(essence: &str) -> bool {
    essence == "application/json" || essence == "text/json" || essence.ends_with("+json")
}

/// One parameter and what comes after it.
pub(crate) fn parameter(text: &str) -> Option<(String, String, &str)> {
    let (name, rest) = text.split_once('=')?;
    let name = name.trim_end().to_ascii_lowercase();
    if !is_token(&name) {
        return None;
    }
    if let Some(quoted) = rest.strip_prefix('"') {
        let (value, rest) = unquote(quoted)?;
        return Some((name, value, rest));
    }
    let end = rest.find(';').unwrap_or(rest.len());
    let value = rest[..end].trim_end();
    is_token(value).then(|| (name, value.to_owned(), &rest[end..]))
}

/// The rest of a quoted string, and what comes after it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            char => value.push(char),
        }
    }
    None
}

/// RFC 9110 section 5.6.2.
pub(crate) fn is_token(text: &str) -> bool {
    let is = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_read_or_refused() {
        let media = MediaType::parse("Application/JSON; Charset=\"UTF-8\"; x=y").unwrap();
        assert_eq!(media.essence, "application/json");
        assert!(media.is_json() && media.is_utf8());
        assert_eq!(media.parameter("x"), Some("y"));
        assert!(!MediaType::parse("application/json; charset=utf-16").unwrap().is_utf8());
        assert!(MediaType::parse("text/plain;").is_some());
        for broken in ["", "json", "a/", "/b", "a b/c", "a/b; x", "a/b; x=\"y", "a/b; x=1; x=2", "a/b, c/d", "a/b; =1"] {
            assert!(MediaType::parse(broken).is_none(), "{broken}");
        }
    }

    #[test]
    fn more_exact_ranges_rank_higher() {
        let rank = |range: &str, essence| MediaRange::parse(range).unwrap().rank(essence);
        assert_eq!(rank("application/json; charset=utf-8", "application/json"), 4);
        assert_eq!(rank("application/*+json", "application/problem+json"), 3);
        assert_eq!(rank("application/*+json", "application/json"), 0);
        assert_eq!(rank("application/*", "application/json"), 2);
        assert_eq!(rank("*/*", "application/json"), 1);
        assert_eq!(rank("text/*", "application/json"), 0);
        assert_eq!(rank("application/json", "application/problem+json"), 0);
    }
}
