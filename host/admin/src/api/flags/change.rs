//! What a client of the API wants to change, for which version, and who it says it is.
//!
//! The admin token is the proof that somebody may change flags; the name beside it is what they call themselves.

use http::{HeaderMap, HeaderName, StatusCode, header};
use ostler_core::settings::nearest;
use ostler_release::flags::{Change, ChangeError, Note, State, Store};
use serde_json::Value;

use crate::api::answer::Problem;

/// Who makes the change.
const X_OSTLER_BY: HeaderName = HeaderName::from_static("x-ostler-by");

const KEYS: [&str; 5] = ["definition", "version", "why", "enabled", "to"];

/// The body of a change.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) definition: Option<Value>,
    version: Option<u64>,
    why: String,
    enabled: Option<bool>,
    to: Option<u64>,
}

impl Wanted {
    pub(super) fn read(body: Value) -> Result<Self, Problem> {
        let Value::Object(mut body) = body else {
            return Err(Problem::invalid(vec!["the body is not a JSON object".into()]));
        };
        let mut wrong = Vec::new();
        for key in body.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            let repair = nearest(key, KEYS.into_iter())
                .map_or("remove it".to_owned(), |known| format!("write {known}"));
            wrong.push(format!(
                "{key:?}: found an unknown key; allowed: {}; repair: {repair}",
                KEYS.join(", ")
            ));
        }
        let mut take = |key: &str| body.remove(key).filter(|value| !value.is_null());
        let mut read = |key: &str, value: Option<Value>, allowed: &str, is: fn(&Value) -> bool| {
            let wrong_kind = value.as_ref().is_some_and(|value| !is(value));
            if wrong_kind {
                wrong.push(format!("{key}: found something else; allowed: {allowed}"));
            }
            value.filter(|_| !wrong_kind)
        };
        let definition = take("definition");
        let version = read("version", take("version"), "a whole number", Value::is_u64);
        let to = read("to", take("to"), "a whole number", Value::is_u64);
        let why = read("why", take("why"), "a text", Value::is_string);
        let enabled = read("enabled", take("enabled"), "true or false", Value::is_boolean);
        let number = |value: Option<Value>| value.as_ref().and_then(Value::as_u64);
        let wanted = Wanted {
            definition,
            version: number(version),
            why: why.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned(),
            enabled: enabled.as_ref().and_then(Value::as_bool),
            to: number(to),
        };
        if wrong.is_empty() { Ok(wanted) } else { Err(Problem::invalid(wrong)) }
    }

    /// Who makes the change, why, and for which version: `If-Match`, `If-None-Match: *` or `version` in the body.
    pub(super) fn note(self, headers: &HeaderMap) -> Result<Note, Problem> {
        let who = match headers.get(X_OSTLER_BY).map(|name| name.to_str()) {
            None => "admin".to_owned(),
            Some(Ok(name)) if !name.trim().is_empty() => name.trim().to_owned(),
            Some(_) => {
                return Err(Problem::invalid(vec!["x-ostler-by: found what is no name in ASCII".into()]));
            }
        };
        let told = match (headers.get(header::IF_MATCH), headers.get(header::IF_NONE_MATCH)) {
            (Some(tag), _) => Some(version(tag.as_bytes()).ok_or_else(bad_tag)?),
            (None, Some(tag)) if tag.as_bytes() == b"*" => Some(0),
            (None, Some(_)) => return Err(bad_tag()),
            (None, None) => None,
        };
        if let (Some(told), Some(also)) = (told, self.version)
            && told != also
        {
            return Err(Problem::invalid(vec![format!("version: found {also} beside If-Match {told}")]));
        }
        Ok(Note { expected: told.or(self.version), who, why: self.why })
    }

    /// The state that a toggle leads to: the one it names, or the other one than now.
    pub(super) fn state(&self, store: &Store, key: &str) -> Result<State, Problem> {
        let now = store.flags().all().get(key).map(|flag| flag.state());
        match (self.enabled, now) {
            (Some(true), _) | (None, Some(State::Disabled)) => Ok(State::Enabled),
            (Some(false), _) | (None, Some(State::Enabled)) => Ok(State::Disabled),
            (None, None) => Err(super::no_such_flag(key)),
        }
    }

    /// The version that a rollback leads to: the one it names, or the one before the last, which is then the one it is made for.
    pub(super) fn to(&self, store: &Store, key: &str) -> Result<(u64, Option<u64>), Problem> {
        match (self.to, store.version(key)?) {
            (Some(to), _) => Ok((to, None)),
            (None, version) if version > 1 => Ok((version - 1, Some(version))),
            (None, _) => {
                let detail = format!("flag {key:?} has no version before the last one");
                Err(Problem::new(StatusCode::CONFLICT, "conflict", detail))
            }
        }
    }
}

/// The version in an entity tag.
fn version(tag: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(tag).ok()?.trim().strip_prefix('"')?.strip_suffix('"')?;
    digits.parse().ok()
}

fn bad_tag() -> Problem {
    Problem::invalid(vec![
        "found a tag that is no flag's; allowed: If-Match with the ETag of the flag, as \"3\"".into(),
    ])
}

/// Leaves a change in the log; the flag's history has it as well.
pub(super) fn tell(what: &str, change: &Change) {
    let Change { key, version, who, why, .. } = change;
    tracing::info!(target: "audit", flag = key, version, by = who, why, "flag {what}");
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        let text = error.to_string();
        match error {
            ChangeError::Refused(refused) => {
                let mut reasons: Vec<_> = refused.problems.iter().map(ToString::to_string).collect();
                if refused.more > 0 {
                    reasons.push(format!("and {} more", refused.more));
                }
                Problem::invalid(reasons)
            }
            ChangeError::NoSuchFlag { .. } | ChangeError::NoSuchVersion { .. } => {
                Problem::new(StatusCode::NOT_FOUND, "not_found", text)
            }
            ChangeError::NotOfTheApi { .. } | ChangeError::Conflict { .. } => {
                Problem::new(StatusCode::CONFLICT, "conflict", text)
            }
            ChangeError::Invalid(_) => Problem::invalid(vec![text]),
            ChangeError::SharedStoreGone | ChangeError::Unavailable(_) => {
                tracing::error!(error = text, "a flag could not be changed");
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", text)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    fn note(fields: &[(&'static str, &'static str)], body: Value) -> Option<Note> {
        let fields = fields
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        Wanted::read(body).ok()?.note(&fields.collect()).ok()
    }

    #[test]
    fn the_version_that_a_change_is_for_may_be_told_in_three_ways_that_agree() {
        let expected = |fields: &[_], body| note(fields, body).unwrap().expected;
        assert_eq!(expected(&[("if-match", "\"3\"")], json!({})), Some(3));
        assert_eq!(expected(&[("if-none-match", "*")], json!({})), Some(0));
        assert_eq!(expected(&[], json!({ "version": 4 })), Some(4));
        assert_eq!(expected(&[("if-match", "\"4\"")], json!({ "version": 4 })), Some(4));
        assert_eq!(expected(&[], json!({})), None);
        for (fields, body) in [
            (&[("if-match", "\"3\"")][..], json!({ "version": 4 })),
            (&[("if-match", "3")], json!({})),
            (&[("if-match", "*")], json!({})),
            (&[("if-none-match", "\"3\"")], json!({})),
            (&[], json!({ "version": "4" })),
            (&[], json!({ "version": -1 })),
            (&[], json!({ "wy": "because" })),
            (&[("x-ostler-by", " ")], json!({})),
        ] {
            assert_eq!(note(fields, body.clone()), None, "{fields:?} {body}");
        }
    }
}
