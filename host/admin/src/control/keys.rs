//! API keys and sessions: who changes what, in the log, without a secret.

use std::time::Duration;

use ostler_core::settings::{Node, Problems, Section};
use ostler_identity::keys::{KeysError, NewKey, Record, Shown};
use serde_json::Value;

use super::{Control, Refusal};

/// Longest life and longest grace: ten years.
const LONGEST: Duration = Duration::from_secs(3_650 * 24 * 3_600);

/// Grace of a rotation that names none.
const GRACE: Duration = Duration::from_secs(24 * 3_600);

/// Characters of a name, subject, tenant, role or scope.
const TEXT_MAX: usize = 200;

/// Roles, and scopes, of one key.
const LIST_MAX: usize = 100;

impl Control {
    /// All API keys.
    pub(crate) fn keys(&self) -> Vec<Record> {
        self.0.services.identity.keys.list()
    }

    /// One API key.
    pub(crate) fn key(&self, id: &str) -> Result<Record, Refusal> {
        Ok(self.0.services.identity.keys.get(id)?)
    }

    /// Makes an API key of what a client of the admin API asks for.
    pub(crate) async fn create_key(&self, wanted: &Value) -> Result<Shown, Refusal> {
        let takers = self.key_takers().await;
        let new = read(wanted, |section| new_key(section, &takers))?;
        let shown = self.0.services.identity.keys.create(new).await?;
        tell("created", &shown.record);
        Ok(shown)
    }

    /// Gives an API key a new secret.
    pub(crate) async fn rotate_key(&self, id: &str, wanted: &Value) -> Result<Shown, Refusal> {
        let grace = read(wanted, |section| section.duration("grace", Duration::ZERO..=LONGEST))?;
        let shown = self.0.services.identity.keys.rotate(id, grace.unwrap_or(GRACE)).await?;
        tell("rotated", &shown.record);
        Ok(shown)
    }

    /// Ends an API key for ever.
    pub(crate) async fn revoke_key(&self, id: &str) -> Result<Record, Refusal> {
        let record = self.0.services.identity.keys.revoke(id).await?;
        tell("revoked", &record);
        Ok(record)
    }

    /// Names of `[auth.NAME]` that take API keys.
    async fn key_takers(&self) -> Vec<String> {
        let gate = self.0.state.lock().await.gate.clone();
        gate.map(|gate| gate.takes_api_keys()).unwrap_or_default()
    }
}

fn read<T>(wanted: &Value, reads: impl FnOnce(&mut Section<'_>) -> T) -> Result<T, Refusal> {
    let problems = Problems::new("key");
    let node = Node::from_json(wanted);
    let mut section = node.section("", &problems);
    let value = reads(&mut section);
    section.finish();
    let told: Vec<_> = problems.into_vec().iter().map(super::problem_line).collect();
    if told.is_empty() { Ok(value) } else { Err(Refusal::Invalid(told)) }
}

fn new_key(section: &mut Section<'_>, takers: &[String]) -> NewKey {
    let day = Duration::from_secs(1);
    section.missing("name", "a text that says what the key is for");
    let name = text(section, "name").unwrap_or_default();
    let authenticator = text(section, "authenticator");
    let authenticator = match (authenticator, takers) {
        (None, [only]) => only.clone(),
        (Some(named), takers) if takers.contains(&named) => named,
        (named, takers) => {
            let found = named.map_or_else(|| "nothing".into(), |named| format!("{named:?}"));
            let allowed = match takers {
                [] => "the name of an [auth.NAME] with kind = \"api-key\"".to_owned(),
                takers => takers.join(" or "),
            };
            let repair = if takers.is_empty() { "add one to the configuration" } else { "name one of them" };
            section.problem("authenticator", found, allowed, repair);
            String::new()
        }
    };
    NewKey {
        name,
        authenticator,
        subject: text(section, "subject"),
        tenant: text(section, "tenant"),
        roles: texts(section, "roles"),
        scopes: texts(section, "scopes"),
        life: section.duration("life", day..=LONGEST),
    }
}

fn text(section: &mut Section<'_>, key: &'static str) -> Option<String> {
    let text = section.string(key)?.value;
    is_text(&text).then_some(()).or_else(|| {
        let allowed = format!("1 to {TEXT_MAX} characters on one line");
        section.problem(key, format!("{text:?}"), allowed, "");
        None
    })?;
    Some(text)
}

fn texts(section: &mut Section<'_>, key: &'static str) -> Vec<String> {
    let texts: Vec<_> = section.strings(key).into_iter().map(|text| text.value).collect();
    // A blank within would be two scopes to whoever reads them as OAuth 2 writes them.
    let sane = |text: &String| is_text(text) && !text.contains(char::is_whitespace);
    if texts.len() > LIST_MAX || !texts.iter().all(sane) {
        let allowed = format!("at most {LIST_MAX} texts of 1 to {TEXT_MAX} characters without blanks");
        section.problem(key, format!("{texts:?}"), allowed, "");
    }
    texts
}

fn is_text(text: &str) -> bool {
    let length = text.chars().count();
    (1..=TEXT_MAX).contains(&length) && !text.chars().any(char::is_control)
}

/// Who has the admin token changes keys; which request it was is in the admin line with the same time.
fn tell(what: &str, record: &Record) {
    let Record { id, name, authenticator, subject, .. } = record;
    tracing::info!(target: "audit", key = id, name, authenticator, subject, "API key {what}");
}

impl From<KeysError> for Refusal {
    fn from(error: KeysError) -> Self {
        let text = error.to_string();
        match error {
            KeysError::Unknown(_) => Refusal::NotFound(text),
            KeysError::Revoked(_) | KeysError::TooMany => Refusal::Conflict(text),
            KeysError::Database(_) | KeysError::Random(_) => Refusal::Unavailable(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_new(wanted: Value, takers: &[&str]) -> Result<NewKey, Vec<String>> {
        let takers: Vec<_> = takers.iter().map(ToString::to_string).collect();
        read(&wanted, |section| new_key(section, &takers)).map_err(Refusal::reasons)
    }

    #[test]
    fn the_only_authenticator_need_not_be_named() {
        assert_eq!(read_new(json!({ "name": "n" }), &["keys"]).unwrap().authenticator, "keys");
        let told = read_new(json!({ "name": "n" }), &["a", "b"]).unwrap_err();
        assert!(told[0].contains("a or b"), "{told:?}");
        let told = read_new(json!({ "name": "n", "authenticator": "c" }), &[]).unwrap_err();
        assert!(told[0].contains("add one to the configuration"), "{told:?}");
    }

    #[test]
    fn impossible_keys_are_told_whole() {
        let wanted = json!({ "name": "a\nb", "roles": ["a b"], "scopes": "x", "life": "0s", "secret": "mine" });
        assert_eq!(read_new(wanted, &["keys"]).unwrap_err().len(), 5);
        let long = "x".repeat(TEXT_MAX + 1);
        assert_eq!(read_new(json!({ "name": "n", "subject": long }), &["keys"]).unwrap_err().len(), 1);
    }
}
