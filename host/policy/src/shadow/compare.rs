//! How two answers to one request differ: in status, content type or the shape of the body.
//!
//! **Invariant:** what is told of a body are names and types, never values; a name that could be data is not told.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{Response, header};
use ostler_core::{Body, Error};
use serde_json::Value;

use super::listen::{Heard, joined};
use super::{ANSWER_BYTES, Answered, Head};

/// Differences that are told of one answer.
const TOLD: usize = 8;

/// Characters of a member's name that may be told.
const NAME: usize = 32;

/// An answer, as far as it is compared.
pub(super) struct Answer {
    pub(super) status: u16,
    /// None if that says nothing.
    pub(super) took: Option<Duration>,
    content_type: Option<String>,
    body: Heard,
}

/// In what answers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// The status.
    Status,
    /// The content type.
    ContentType,
    /// Members and types of JSON; how long anything else is.
    Body,
}

/// What members a value has, and of which types; of all elements of a list together.
#[derive(Default)]
struct Shape {
    /// Bits of the types that occur.
    types: u8,
    members: BTreeMap<String, Shape>,
    elements: Option<Box<Shape>>,
}

impl Answer {
    /// What a release said, with its body as far as it is compared.
    pub(super) async fn of(told: Answered, took: Duration) -> Self {
        match told {
            Ok(response) => {
                let (status, content_type) = (response.status().as_u16(), content_type(&response));
                Answer { status, took: Some(took), content_type, body: hear(response.into_body()).await }
            }
            Err(error) => Answer { took: Some(took), ..Answer::failed(&error) },
        }
    }

    /// What users were answered.
    pub(super) fn heard(head: Head, body: Heard) -> Self {
        Answer { status: head.status, took: head.took, content_type: head.content_type, body }
    }

    fn failed(error: &Error) -> Self {
        let status = error.kind.facts().status.as_u16();
        Answer { status, took: None, content_type: None, body: Heard::Broken }
    }

    fn is_json(&self) -> bool {
        let json = |kind: &String| kind == "application/json" || kind.ends_with("+json");
        self.content_type.as_ref().is_some_and(json)
    }
}

/// The kind of content, without parameters; none for content that is encoded.
pub(super) fn content_type(response: &Response<Body>) -> Option<String> {
    let headers = response.headers();
    let essence = headers.get(header::CONTENT_TYPE)?.to_str().ok()?.split(';').next()?.trim();
    let encoded = if headers.contains_key(header::CONTENT_ENCODING) { " (encoded)" } else { "" };
    Some(format!("{}{encoded}", essence.chars().take(64).collect::<String>().to_ascii_lowercase()))
}

/// All that differs, the gravest first.
pub(super) fn differences(stable: &Answer, candidate: &Answer) -> Vec<(Aspect, String)> {
    if stable.status != candidate.status {
        return vec![(Aspect::Status, format!("{} became {}", stable.status, candidate.status))];
    }
    if stable.content_type != candidate.content_type && candidate.body != Heard::Broken {
        let name = |kind: &Option<String>| kind.as_deref().unwrap_or("none").to_owned();
        let text = format!("{} became {}", name(&stable.content_type), name(&candidate.content_type));
        return vec![(Aspect::ContentType, text)];
    }
    let bodies = match (&stable.body, &candidate.body) {
        (Heard::Whole(stable_body), Heard::Whole(body)) => {
            of_bodies(&joined(stable_body), &joined(body), stable.is_json())
        }
        (Heard::Whole(_), Heard::Long) => vec!["it became longer than is compared".into()],
        (Heard::Long, Heard::Whole(_)) => vec!["it became shorter".into()],
        (Heard::Whole(_) | Heard::Long, Heard::Broken) if stable.status < 500 => {
            vec!["it broke off".into()]
        }
        // Of what users did not get nothing can be said.
        _ => Vec::new(),
    };
    bodies.into_iter().map(|text| (Aspect::Body, text)).collect()
}

fn of_bodies(stable: &[u8], candidate: &[u8], json: bool) -> Vec<String> {
    if stable == candidate {
        return Vec::new();
    }
    if !json {
        let class = |bytes: &[u8]| usize::BITS - bytes.len().leading_zeros();
        let near = class(stable).abs_diff(class(candidate)) <= 1 && stable.is_empty() == candidate.is_empty();
        let text = format!("{} bytes became {}", stable.len(), candidate.len());
        return if near { Vec::new() } else { vec![text] };
    }
    match (serde_json::from_slice(stable), serde_json::from_slice(candidate)) {
        (Ok(stable), Ok(candidate)) => {
            let mut told = Vec::new();
            diff("$", &Shape::of(&stable), &Shape::of(&candidate), &mut told);
            told
        }
        (Ok::<Value, _>(_), Err::<Value, _>(_)) => vec!["it is no JSON any more".into()],
        (Err(_), Ok(_)) => vec!["it has become JSON".into()],
        (Err(_), Err(_)) => Vec::new(),
    }
}

impl Shape {
    fn of(value: &Value) -> Self {
        let mut shape = Shape::default();
        shape.add(value);
        shape
    }

    fn add(&mut self, value: &Value) {
        self.types |= match value {
            Value::Null => 1,
            Value::Bool(_) => 2,
            Value::Number(_) => 4,
            Value::String(_) => 8,
            Value::Array(elements) => {
                if !elements.is_empty() {
                    let all = self.elements.get_or_insert_default();
                    elements.iter().for_each(|element| all.add(element));
                }
                16
            }
            Value::Object(members) => {
                for (name, member) in members {
                    self.members.entry(name.clone()).or_default().add(member);
                }
                32
            }
        };
    }

    fn types(&self) -> String {
        let names = ["null", "boolean", "number", "text", "list", "object"];
        let there = names.into_iter().enumerate().filter(|(bit, _)| self.types & 1 << bit != 0);
        there.map(|(_, name)| name).collect::<Vec<_>>().join(" or ")
    }
}

fn diff(path: &str, stable: &Shape, candidate: &Shape, told: &mut Vec<String>) {
    let mut tell = |text: String| {
        // Below names that are not told many are called the same.
        if told.len() < TOLD && !told.contains(&text) {
            told.push(text);
        }
    };
    if stable.types != candidate.types {
        tell(format!("{path}: {} became {}", stable.types(), candidate.types()));
        return;
    }
    for name in stable.members.keys().filter(|name| !candidate.members.contains_key(*name)) {
        tell(format!("{path}.{}: is missing", shown(name)));
    }
    for name in candidate.members.keys().filter(|name| !stable.members.contains_key(*name)) {
        tell(format!("{path}.{}: is new", shown(name)));
    }
    for (name, member) in &stable.members {
        if let Some(other) = candidate.members.get(name) {
            diff(&format!("{path}.{}", shown(name)), member, other, told);
        }
    }
    if let (Some(one), Some(other)) = (&stable.elements, &candidate.elements) {
        diff(&format!("{path}[]"), one, other, told);
    }
}

/// A member's name, if it looks like one that a programmer gave: in a map, names are data.
fn shown(name: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let fits = (1..=NAME).contains(&name.len()) && name.bytes().all(plain) && digits <= 2;
    if fits { name } else { "*" }
}

async fn hear(mut body: Body) -> Heard {
    use http_body_util::BodyExt;
    let (mut heard, mut bytes) = (Vec::new(), 0);
    loop {
        match body.frame().await {
            None => return Heard::Whole(heard),
            Some(Err(_)) => return Heard::Broken,
            Some(Ok(frame)) => {
                let Ok(data) = frame.into_data() else { continue };
                bytes += data.len();
                if bytes > ANSWER_BYTES || heard.len() > ANSWER_BYTES / 64 {
                    return Heard::Long;
                }
                heard.push(data);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(stable: &str, candidate: &str) -> Vec<String> {
        of_bodies(stable.as_bytes(), candidate.as_bytes(), true)
    }

    #[test]
    fn values_may_differ_and_members_and_types_may_not() {
        assert_eq!(told(r#"{"a":1,"b":["x"]}"#, r#"{"b":["y","z"],"a":2}"#), [""; 0]);
        assert_eq!(told(r#"{"a":[]}"#, r#"{"a":[1]}"#), [""; 0]);
        assert_eq!(
            told(
                r#"{"a":1,"b":{"c":"x"},"l":[{"p":1},{"q":2}]}"#,
                r#"{"a":"1","b":{"d":"x"},"l":[{"p":null}]}"#
            ),
            [
                "$.a: number became text",
                "$.b.c: is missing",
                "$.b.d: is new",
                "$.l[].q: is missing",
                "$.l[].p: number became null"
            ]
        );
        assert_eq!(told("[]", "{}"), ["$: list became object"]);
        assert_eq!(told("{}", "oops"), ["it is no JSON any more"]);
        assert_eq!(told("{", "["), [""; 0]);
    }

    #[test]
    fn neither_values_nor_names_that_could_be_data_are_told() {
        let secret = "sk_live_4eC39HqLyjWDarjtT1zdp7dc";
        for (stable, candidate) in [
            (format!(r#"{{"{secret}":1}}"#), "{}".to_owned()),
            (format!(r#"{{"a":"{secret}"}}"#), r#"{"a":1}"#.to_owned()),
            (r#"{"me@example.com":1}"#.to_owned(), r#"{"2026-11-24":1}"#.to_owned()),
        ] {
            let told = told(&stable, &candidate).join(" ");
            assert!(!told.is_empty() && !told.contains("sk_live") && !told.contains('@'), "{told}");
            assert!(!told.contains("2026"), "{told}");
        }
    }

    #[test]
    fn hostile_bodies_are_told_of_in_a_few_words() {
        let deep = "[".repeat(100_000);
        assert_eq!(told("[]", &deep), ["it is no JSON any more"]);
        let wide = |from: usize| {
            let names: Vec<_> = (from..from + 5_000)
                .map(|n| format!("\"k{}\":1", char::from_u32(0x4e00 + n as u32).unwrap()))
                .collect();
            format!("{{{}}}", names.join(","))
        };
        assert!(told(&wide(0), &wide(6_000)).len() <= TOLD);
    }

    #[test]
    fn what_is_no_json_is_compared_by_its_length() {
        let told = |stable: usize, candidate: usize| {
            of_bodies(&vec![b'a'; stable], &vec![b'b'; candidate], false).len()
        };
        assert_eq!((told(1_000, 1_500), told(1_000, 10), told(10, 0), told(0, 1)), (0, 1, 1, 1));
    }
}
