//! Which claims of a token become which parts of a principal.
//!
//! A claim is named by its name, or by a path such as `realm_access.roles`; a name that holds dots is tried whole first.
//! **Invariant:** a claim of an unexpected form refuses the token, rather than to give or take something.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ostler_core::Principal;
use ostler_core::principal::{Assurance, Method};
use ostler_core::settings::Section;
use serde_json::{Map, Value};

use super::Reason;
use super::jwt::token::time;

/// Longest subject, tenant, role or scope, in bytes.
const TEXT_MAX: usize = 512;
/// Roles, and scopes, of one principal.
const LIST_MAX: usize = 256;

/// Names of claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mapping {
    /// `subject`. Default: `sub`.
    subject: String,
    /// `tenant`. Default: none.
    tenant: Option<String>,
    /// `roles`: a list, or a text with spaces between. Default: none.
    roles: Option<String>,
    /// `scopes`: the same. Default: `scope`, else `scp`.
    scopes: Option<String>,
}

impl Mapping {
    pub(crate) fn read(section: &mut Section<'_>) -> Self {
        let text = |section: &mut Section<'_>, key| {
            let text = section.string(key)?.value;
            if text.is_empty() {
                section.problem(key, "\"\"", "the name of a claim, as \"realm_access.roles\"", "remove it");
            }
            Some(text)
        };
        Mapping {
            subject: text(section, "subject").unwrap_or_else(|| "sub".into()),
            tenant: text(section, "tenant"),
            roles: text(section, "roles"),
            scopes: text(section, "scopes"),
        }
    }

    /// The principal that `claims` speak of.
    pub(crate) fn principal(
        &self,
        name: &Arc<str>,
        method: Method,
        claims: Map<String, Value>,
        now_ms: i64,
    ) -> Result<Principal, Reason> {
        let subject = text(find(&claims, &self.subject).ok_or(Reason::Claims)?)?;
        let tenant = self.tenant.as_ref().and_then(|path| find(&claims, path)).map(text).transpose()?;
        let roles = list(self.roles.as_ref().and_then(|path| find(&claims, path)))?;
        let scopes = list(match &self.scopes {
            Some(path) => find(&claims, path),
            None => claims.get("scope").or_else(|| claims.get("scp")),
        })?;
        let proved_at = time(&claims, "auth_time")?;
        let at = proved_at.or(time(&claims, "iat")?).unwrap_or(now_ms).min(now_ms);
        Ok(Principal {
            subject,
            tenant,
            roles,
            scopes,
            authenticator: name.clone(),
            method,
            authenticated_at: system(at),
            assurance: assurance(&claims, proved_at.map(|at| at.min(now_ms)))?,
            claims: Arc::new(Value::Object(claims)),
        })
    }
}

fn find<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    let mut names = path.split('.');
    let first = claims.get(names.next()?)?;
    names.try_fold(first, |value, name| value.get(name))
}

/// `amr`, `acr` and `auth_time`. A second factor counts from `auth_time` only: `iat` is as new as the last refresh.
fn assurance(claims: &Map<String, Value>, proved_at: Option<i64>) -> Result<Assurance, Reason> {
    // Of RFC 8176: what is not a thing known.
    const SECOND: [&str; 8] = ["mfa", "otp", "hwk", "swk", "sms", "tel", "fpt", "face"];
    let amr = list(claims.get("amr"))?;
    let acr = claims.get("acr").map(text).transpose()?;
    let second = amr.iter().any(|method| SECOND.contains(&&**method));
    Ok(Assurance { amr, acr, second_factor_at: proved_at.filter(|_| second).map(system) })
}

fn system(ms: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(ms.unsigned_abs())
}

fn text(value: &Value) -> Result<Arc<str>, Reason> {
    let text = value.as_str().ok_or(Reason::Claims)?;
    let sane = !text.is_empty() && text.len() <= TEXT_MAX && !text.chars().any(char::is_control);
    if sane { Ok(text.into()) } else { Err(Reason::Claims) }
}

fn list(value: Option<&Value>) -> Result<Vec<Arc<str>>, Reason> {
    let found: Vec<Arc<str>> = match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(words)) => words.split_ascii_whitespace().map(Into::into).collect(),
        Some(Value::Array(items)) => items.iter().map(text).collect::<Result<_, _>>()?,
        Some(_) => return Err(Reason::Claims),
    };
    if found.len() > LIST_MAX { Err(Reason::Claims) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use ostler_core::settings::{Node, Problems};
    use serde_json::json;

    use super::*;

    fn principal(keys: &str, claims: Value) -> Result<Principal, Reason> {
        let problems = Problems::new("t");
        let node = Node::from_toml(keys, &problems);
        let mapping = Mapping::read(&mut node.section("auth.t", &problems));
        assert!(problems.into_vec().is_empty());
        let Value::Object(claims) = claims else { panic!("an object") };
        mapping.principal(&"t".into(), Method::Jwt, claims, 1_000_000)
    }

    fn words(list: &[Arc<str>]) -> Vec<&str> {
        list.iter().map(|word| &**word).collect()
    }

    #[test]
    fn claims_are_found_by_name_and_by_path() {
        let claims = json!({
            "sub": "anna", "org": {"id": "acme"}, "realm_access": {"roles": ["a", "b"]},
            "https://x.test/roles": "c d", "scope": "read  write", "auth_time": 900, "iat": 950, "amr": ["pwd", "otp"], "acr": "2",
        });
        let one = principal("tenant = 'org.id'\nroles = 'realm_access.roles'", claims.clone()).unwrap();
        assert_eq!((&*one.subject, one.tenant.as_deref()), ("anna", Some("acme")));
        assert_eq!((words(&one.roles), words(&one.scopes)), (vec!["a", "b"], vec!["read", "write"]));
        assert_eq!(one.authenticated_at, UNIX_EPOCH + Duration::from_secs(900));
        assert_eq!(one.assurance.second_factor_at, Some(one.authenticated_at));
        assert_eq!(one.assurance.acr.as_deref(), Some("2"));
        let other = principal("roles = 'https://x.test/roles'\nsubject = 'org.id'", claims).unwrap();
        assert_eq!((&*other.subject, words(&other.roles), other.tenant), ("acme", vec!["c", "d"], None));
    }

    #[test]
    fn a_second_factor_without_its_time_is_none() {
        let one = principal("", json!({"sub": "a", "amr": ["mfa"], "iat": 999, "scp": ["x"]})).unwrap();
        assert_eq!((one.assurance.second_factor_at, words(&one.scopes)), (None, vec!["x"]));
    }

    #[test]
    fn claims_of_the_wrong_form_refuse_the_token() {
        for (keys, claims) in [
            ("", json!({})),
            ("", json!({"sub": 7})),
            ("", json!({"sub": ""})),
            ("", json!({"sub": "a\nb"})),
            ("", json!({"sub": "a".repeat(513)})),
            ("", json!({"sub": "a", "scope": {"a": 1}})),
            ("", json!({"sub": "a", "scope": [1]})),
            ("roles = 'r'", json!({"sub": "a", "r": vec!["x"; 257]})),
            ("roles = 'r'", json!({"sub": "a", "r": true})),
            ("tenant = 't'", json!({"sub": "a", "t": ["x"]})),
            ("", json!({"sub": "a", "auth_time": "now"})),
            ("", json!({"sub": "a", "acr": 1})),
        ] {
            assert_eq!(principal(keys, claims.clone()), Err(Reason::Claims), "{claims}");
        }
    }
}
