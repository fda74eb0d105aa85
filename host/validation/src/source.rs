//! Documents as files: YAML or JSON, bounded before and while they are read, and where in them a place stands.
//!
//! **Invariant:** aliases, depth and size of a document are bounded; a bomb is an error, not an outage.

use std::fmt;
use std::io::Read;
use std::path::Path;

use ostler_core::gate::Flaw;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::Spanned;

/// Bytes of one document.
pub(crate) const DOCUMENT_BYTES_MAX: u64 = 4 << 20;
/// Mappings and lists inside each other in a document.
const DOCUMENT_DEPTH: usize = 64;
/// Values of a document, aliases followed.
const DOCUMENT_VALUES: usize = 200_000;

/// What is wrong with a document, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    /// JSON Pointer into the document.
    pub(crate) pointer: String,
    /// Line, if it is known without looking for the pointer.
    pub(crate) line: Option<u64>,
    pub(crate) problem: String,
    pub(crate) allowed: &'static str,
    pub(crate) repair: &'static str,
}

/// A document that could be read.
pub(crate) struct Source {
    pub(crate) value: Value,
    text: String,
}

impl Broken {
    pub(crate) fn new(
        pointer: impl Into<String>,
        problem: impl Into<String>,
        allowed: &'static str,
        repair: &'static str,
    ) -> Self {
        Broken { pointer: pointer.into(), line: None, problem: problem.into(), allowed, repair }
    }
}

impl Source {
    /// Reads the document at `path`.
    ///
    /// # Errors
    /// What keeps it from being read; without `line` where the file itself is the matter.
    pub(crate) fn read(path: &Path) -> Result<Self, Broken> {
        let text = text(path)?;
        let value = parse(&text)?;
        Ok(Source { value, text })
    }

    /// Line of what `pointer` leads to, or of the last thing on the way that there is.
    pub(crate) fn line(&self, pointer: &str) -> Option<u64> {
        let root: Node = serde_saphyr::from_str_with_options(&self.text, options()).ok()?;
        let mut node = &root;
        let mut line = node.0.referenced.line();
        for token in tokens(pointer) {
            let Some((at, next)) = node.0.value.step(&token) else { break };
            (line, node) = (at, next);
        }
        Some(line)
    }
}

/// `broken`, which stands in `place` of the document at `path`, as a flaw of `key`.
pub(crate) fn flaw(path: &Path, key: &str, line: usize, broken: &Broken, place: Option<u64>) -> Flaw {
    let place = place.map(|line| format!(":{line}")).unwrap_or_default();
    let pointer = if broken.pointer.is_empty() { String::new() } else { format!(" at {}", broken.pointer) };
    let found = format!("{}{place}{pointer}: {}", path.display(), broken.problem);
    Flaw::new(line, key, found, broken.allowed, broken.repair)
}

/// The parts of a JSON Pointer (RFC 6901), also of one in a URI fragment.
pub(crate) fn tokens(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~"))
}

/// `token` as a part of a JSON Pointer.
pub(crate) fn escaped(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

fn text(path: &Path) -> Result<String, Broken> {
    let unreadable = |error: std::io::Error| {
        let repair = "name a file, relative to the configuration file, that the host may read";
        Broken::new("", format!("cannot be read: {error}"), "a file of YAML or JSON", repair)
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(DOCUMENT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > DOCUMENT_BYTES_MAX {
        return Err(Broken::new("", "is larger than 4 MiB", "at most 4 MiB", "split the document by plugin"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count() as u64;
        let broken = Broken::new("", "is not UTF-8", "UTF-8", "save the file as UTF-8");
        Broken { line: Some(line), ..broken }
    })
}

/// YAML 1.2 contains JSON, so that one parser serves both.
fn parse(text: &str) -> Result<Value, Broken> {
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
        let line = error.location().map(|location| location.line());
        let message = error.without_snippet().to_string();
        let message = message.lines().next().unwrap_or_default().to_owned();
        let repair = "mend the document there";
        Broken { line, ..Broken::new("", message, "YAML 1.2 or JSON without bombs", repair) }
    })
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_documents: 1,
            max_depth: DOCUMENT_DEPTH,
            max_nodes: DOCUMENT_VALUES,
            max_events: 4 * DOCUMENT_VALUES,
        },
        // As YAML 1.2 has it: `no` is a text, as in a list of countries.
        strict_booleans: true,
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: DOCUMENT_VALUES,
            max_replay_stack_depth: 16,
        },
    }
}

/// The document once more, with its lines.
struct Node(Spanned<Inner>);

enum Inner {
    Scalar,
    List(Vec<Node>),
    Map(Vec<(Spanned<String>, Node)>),
}

impl Inner {
    fn step(&self, token: &str) -> Option<(u64, &Node)> {
        match self {
            Inner::Scalar => None,
            Inner::List(items) => {
                let node = items.get(token.parse::<usize>().ok()?)?;
                Some((node.0.referenced.line(), node))
            }
            Inner::Map(members) => {
                let (key, node) = members.iter().find(|(key, _)| key.value == token)?;
                Some((key.referenced.line(), node))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Node)
    }
}

impl<'de> Deserialize<'de> for Inner {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InnerVisitor)
    }
}

struct InnerVisitor;

impl<'de> Visitor<'de> for InnerVisitor {
    type Value = Inner;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_unit<E>(self) -> Result<Inner, E> {
        Ok(Inner::Scalar)
    }

    fn visit_none<E>(self) -> Result<Inner, E> {
        Ok(Inner::Scalar)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Inner, E> {
        Ok(Inner::Scalar)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Inner, E> {
        Ok(Inner::Scalar)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Inner, E> {
        Ok(Inner::Scalar)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Inner, E> {
        Ok(Inner::Scalar)
    }

    fn visit_str<E>(self, _: &str) -> Result<Inner, E> {
        Ok(Inner::Scalar)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Inner, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Inner::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Inner, A::Error> {
        let mut list = Vec::new();
        while let Some(member) = members.next_entry()? {
            list.push(member);
        }
        Ok(Inner::Map(list))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Result<Source, Broken> {
        let value = parse(text)?;
        Ok(Source { value, text: text.to_owned() })
    }

    #[test]
    fn pointers_lead_to_lines_in_yaml_and_json() {
        let yaml = "openapi: 3.1.0\npaths:\n  /a:\n    get:\n      responses:\n        200: {description: x}\n      parameters:\n      - name: a\n        in: query\n";
        let source = source(yaml).unwrap();
        assert_eq!(source.value["paths"]["/a"]["get"]["responses"]["200"]["description"], "x");
        assert_eq!(source.line("/paths/~1a/get"), Some(4));
        assert_eq!(source.line("/paths/~1a/get/responses/200"), Some(6));
        assert_eq!(source.line("/paths/~1a/get/parameters/0/in"), Some(9));
        assert_eq!(source.line("/paths/~1a/get/nothing/more"), Some(4));
        let json = self::source("{\n \"a\": {\n  \"b\": [1,\n   2]}}").unwrap();
        assert_eq!(json.line("/a/b/1"), Some(4));
    }

    #[test]
    fn broken_documents_name_their_line() {
        assert_eq!(source("a: 1\nb: [1, 2\nc: 3\n").err().unwrap().line.map(|line| line >= 2), Some(true));
        assert_eq!(source("a: 1\nb: 2\na: 3\n").err().unwrap().line, Some(3));
        assert_eq!(
            source("a: [n, no, on, y]").unwrap().value,
            serde_json::json!({"a": ["n", "no", "on", "y"]})
        );
        assert!(source("").is_ok_and(|source| source.value.is_null()));
    }

    #[test]
    fn a_billion_laughs_are_refused() {
        let mut bomb = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
        for level in 1..10 {
            let aliases = format!("*a{}, ", level - 1).repeat(10);
            bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        let started = std::time::Instant::now();
        assert!(source(&bomb).is_err());
        assert!(source(&"[".repeat(100_000)).is_err());
        assert!(source(&"- ".repeat(100_000)).is_err());
        assert!(source("a: &a [*a]\n").is_err());
        assert!(started.elapsed().as_secs() < 30);
    }
}
