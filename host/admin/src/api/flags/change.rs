//! What a client of the API wants to change, for which version, and who it says it is.

use http::{HeaderMap, StatusCode, header};
use ostler_core::settings::Section;
use ostler_release::flags::{Change, ChangeError, Note, State, Store};
use serde_json::Value;

use crate::api::answer::Problem;
use crate::api::body::keys;
use crate::api::by::By;

/// Keys of one kind of change each.
pub(super) const DEFINITION: &str = "definition";
pub(super) const ENABLED: &str = "enabled";
pub(super) const TO: &str = "to";

/// The body of a change.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) definition: Option<Value>,
    version: Option<u64>,
    by: By,
    enabled: Option<bool>,
    to: Option<u64>,
}

impl Wanted {
    /// Reads a body, which may hold the key `own` beside those that every change has.
    pub(super) fn read(mut body: Value, own: Option<&'static str>) -> Result<Self, Problem> {
        let has = |key: &str| own == Some(key);
        // A flag's own definition is read where flags are.
        let definition =
            body.as_object_mut().filter(|_| has(DEFINITION)).and_then(|body| body.remove(DEFINITION));
        keys(&body, |section| Wanted {
            definition: definition.filter(|definition| !definition.is_null()),
            version: version(section, "version"),
            by: By::read(section),
            enabled: has(ENABLED).then(|| section.boolean(ENABLED)).flatten(),
            to: has(TO).then(|| version(section, TO)).flatten(),
        })
    }

    /// Who makes the change, why, and for which version: `If-Match`, `If-None-Match: *` or `version` in the body.
    pub(super) fn note(self, headers: &HeaderMap) -> Result<Note, Problem> {
        let told = match (headers.get(header::IF_MATCH), headers.get(header::IF_NONE_MATCH)) {
            (Some(tag), _) => Some(tagged(tag.as_bytes()).ok_or_else(bad_tag)?),
            (None, Some(tag)) if tag.as_bytes() == b"*" => Some(0),
            (None, Some(_)) => return Err(bad_tag()),
            (None, None) => None,
        };
        if let (Some(told), Some(also)) = (told, self.version)
            && told != also
        {
            return Err(Problem::invalid(vec![format!("version: found {also} beside If-Match {told}")]));
        }
        let By { who, why } = self.by;
        Ok(Note { expected: told.or(self.version), who, why })
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

/// A version of a flag.
fn version(section: &mut Section<'_>, key: &'static str) -> Option<u64> {
    section.integer(key, 0..=i64::MAX).map(i64::unsigned_abs)
}

/// The version in an entity tag.
fn tagged(tag: &[u8]) -> Option<u64> {
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
    use http::{HeaderName, HeaderValue};
    use serde_json::json;

    use super::*;

    fn note(fields: &[(&'static str, &'static str)], body: Value) -> Option<Note> {
        let fields = fields
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        Wanted::read(body, None).ok()?.note(&fields.collect()).ok()
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
            (&[], json!({ "who": "host" })),
            (&[], json!([])),
        ] {
            assert_eq!(note(fields, body.clone()), None, "{fields:?} {body}");
        }
    }

    #[test]
    fn a_change_takes_its_own_keys_and_no_other_change_s() {
        let refused = |body, own| format!("{:?}", Wanted::read(body, own).unwrap_err());
        let told = refused(json!({ "to": 3 }), Some(ENABLED));
        assert!(told.contains("allowed: version, who, why, enabled"), "{told}");
        assert!(refused(json!({ "definition": {} }), None).contains("an unknown key"));
        let wanted =
            Wanted::read(json!({ "definition": { "state": "ENABLED" }, "who": "ada" }), Some(DEFINITION))
                .unwrap();
        assert_eq!((wanted.definition, wanted.by.who.as_str()), (Some(json!({ "state": "ENABLED" })), "ada"));
        assert_eq!(Wanted::read(json!({ "to": 3, "enabled": null }), Some(TO)).unwrap().to, Some(3));
    }
}
