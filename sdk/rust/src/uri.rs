//! Paths and queries: percent-decoding, `name=value` pairs, path patterns.

/// Decoded `name=value` pairs of a query or a form, in the order they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// Reads `a=1&b=two+words` (WHATWG URL, "application/x-www-form-urlencoded parsing").
    pub(crate) fn parse(text: &str) -> Self {
        let pair = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name, true), decode(value, true))
        };
        Pairs(text.split('&').filter(|part| !part.is_empty()).map(pair).collect())
    }

    /// The first value under `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// All pairs in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// What the placeholders of a pattern stood for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathMatch(Vec<(String, String)>);

impl PathMatch {
    /// The decoded text behind `{name}`; empty if the pattern has no such placeholder.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

/// Holds `path` against `pattern`: `{id}` stands for one non-empty segment, a final `{*rest}` for all that follows
/// (which may be empty). Everything else must be equal, trailing slashes too.
pub(crate) fn match_path(pattern: &str, path: &str) -> Option<PathMatch> {
    let mut found = Vec::new();
    let mut rest = path;
    let mut parts = pattern.split('/').peekable();
    while let Some(part) = parts.next() {
        if let Some(name) = placeholder(part).and_then(|name| name.strip_prefix('*')) {
            found.push((name.to_owned(), decode(rest, false)));
            return Some(PathMatch(found));
        }
        let (segment, tail) = match rest.split_once('/') {
            Some((segment, tail)) => (segment, Some(tail)),
            None => (rest, None),
        };
        match placeholder(part) {
            Some(_) if segment.is_empty() => return None,
            Some(name) => found.push((name.to_owned(), decode(segment, false))),
            None if part == segment => {}
            None => return None,
        }
        match (tail, parts.peek().is_some()) {
            (Some(tail), true) => rest = tail,
            (None, false) => return Some(PathMatch(found)),
            _ => return None,
        }
    }
    None
}

fn placeholder(part: &str) -> Option<&str> {
    part.strip_prefix('{')?.strip_suffix('}')
}

/// Undoes percent-encoding. A `%` that begins no escape stays; bytes that are no UTF-8 become U+FFFD.
pub(crate) fn decode(text: &str, plus_is_space: bool) -> String {
    if !text.bytes().any(|byte| byte == b'%' || (plus_is_space && byte == b'+')) {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%').then(|| bytes.get(at + 1..at + 3).and_then(hex_pair)).flatten();
        match (escaped, bytes[at]) {
            (Some(byte), _) => {
                decoded.push(byte);
                at += 2;
            }
            (None, b'+') if plus_is_space => decoded.push(b' '),
            (None, byte) => decoded.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex_pair(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| (byte as char).to_digit(16);
    Some((digit(digits[0])? << 4 | digit(digits[1])?) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_take_whole_decoded_segments() {
        let found = match_path("/users/{id}/posts/{post}", "/users/a%20b/posts/7").unwrap();
        assert_eq!((found.get("id"), found.get("post"), found.get("other")), ("a b", "7", ""));
        assert_eq!(match_path("/files/{*rest}", "/files/a/b%2Fc").unwrap().get("rest"), "a/b/c");
        assert_eq!(match_path("/files/{*rest}", "/files/").unwrap().get("rest"), "");
    }

    #[test]
    fn what_differs_does_not_match() {
        let cases = [
            ("/a", "/b"),
            ("/a", "/a/"),
            ("/a/", "/a"),
            ("/{x}", "/"),
            ("/{x}", "/a/b"),
            ("/a/{x}", "/a"),
            ("/", ""),
        ];
        for (pattern, path) in cases {
            assert_eq!(match_path(pattern, path), None, "{pattern} {path}");
        }
    }

    #[test]
    fn broken_escapes_stay_as_they_are() {
        for (text, decoded) in
            [("%", "%"), ("%4", "%4"), ("%zz", "%zz"), ("%41%", "A%"), ("%ff", "\u{fffd}"), ("+", "+")]
        {
            assert_eq!(decode(text, false), decoded, "{text}");
        }
    }

    #[test]
    fn pairs_are_decoded_and_the_first_wins() {
        let pairs = Pairs::parse("a=1&a=2&b=two+words&c&&d=%3D");
        assert_eq!(pairs.get("a"), Some("1"));
        assert_eq!(pairs.get("b"), Some("two words"));
        assert_eq!(pairs.get("c"), Some(""));
        assert_eq!(pairs.get("d"), Some("="));
        assert_eq!(pairs.get("e"), None);
        assert_eq!(pairs.iter().count(), 5);
    }
}
