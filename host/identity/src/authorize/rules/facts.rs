//! What rules can see: the principal, the resource, and the request they belong to, as Cedar's entities and context.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cedar_policy::{Context, Entity, EntityId, EntityTypeName, EntityUid, RestrictedExpression as Value};
use ostler_core::Principal;
use serde_json::Value as Json;

use super::super::Asked;
use super::time;

/// Claims lie this deep at most; what lies deeper is not there for rules.
const CLAIMS_DEPTH: usize = 8;

/// Attributes of a principal, of a resource and of the context. Those that no rule's text names are left out, since each costs
/// about a microsecond.
const NAMES: [&str; 17] = [
    "subject",
    "tenant",
    "roles",
    "scopes",
    "method",
    "authenticator",
    "amr",
    "acr",
    "claims",
    "kind",
    "id",
    "now",
    "login_age",
    "mfa_age",
    "path",
    "address",
    "secure",
];

/// Makes of a question what the rules of one file can see.
pub(super) struct View {
    principal: EntityTypeName,
    action: EntityTypeName,
    resource: EntityTypeName,
    role: EntityTypeName,
    tenant: EntityTypeName,
    seen: Vec<&'static str>,
}

impl View {
    /// The view of rules with this text. None never: the names of the types are names.
    pub(super) fn new(text: &str) -> Option<Self> {
        let name = |text: &str| text.parse().ok();
        // A name may be written with escapes, as `context["\u{6e}ow"]`.
        let all = text.contains("\\u") || text.contains("\\x");
        Some(View {
            principal: name("Principal")?,
            action: name("Action")?,
            resource: name("Resource")?,
            role: name("Role")?,
            tenant: name("Tenant")?,
            seen: NAMES.into_iter().filter(|name| all || text.contains(name)).collect(),
        })
    }

    /// `Action::"orders:write"`.
    pub(super) fn action(&self, permission: &str) -> EntityUid {
        uid(&self.action, permission)
    }

    /// `Principal::"alice"`, a child of its roles and of its tenant.
    pub(super) fn principal(&self, principal: &Principal) -> Result<Entity, String> {
        let mut parents: HashSet<_> = principal.roles.iter().map(|role| uid(&self.role, role)).collect();
        parents.extend(principal.tenant.iter().map(|tenant| uid(&self.tenant, tenant)));
        let attributes = self.pairs(|name| match name {
            "subject" => Some(string(&principal.subject)),
            "tenant" => principal.tenant.as_deref().map(string),
            "roles" => Some(set(&principal.roles)),
            "scopes" => Some(set(&principal.scopes)),
            "method" => Some(string(principal.method.as_str())),
            "authenticator" => Some(string(&principal.authenticator)),
            "amr" => Some(set(&principal.assurance.amr)),
            "acr" => principal.assurance.acr.as_deref().map(string),
            "claims" => value(&principal.claims, 0),
            _ => None,
        });
        Entity::new(uid(&self.principal, &principal.subject), attributes.collect(), parents)
            .map_err(|error| error.to_string())
    }

    /// `Resource::"orders/17"`, with what lies before and after its first `/` as `kind` and `id`.
    pub(super) fn resource(&self, text: &str) -> Result<Entity, String> {
        let (kind, id) = text.split_once('/').unwrap_or((text, ""));
        let attributes = self.pairs(|name| match name {
            "kind" => Some(string(kind)),
            "id" => Some(string(id)),
            _ => None,
        });
        Entity::new(uid(&self.resource, text), attributes.collect(), HashSet::new())
            .map_err(|error| error.to_string())
    }

    /// The circumstances: `now` and `login_age` always, `mfa_age` if there was a second factor, the rest if a request is known.
    pub(super) fn context(&self, principal: &Principal, asked: &Asked<'_>) -> Result<Context, String> {
        let request = asked.request.as_ref();
        let pairs = self.pairs(|name| match name {
            "now" => Some(Value::new_datetime(time::text(asked.now))),
            "login_age" => Some(seconds_since(principal.authenticated_at, asked.now)),
            "mfa_age" => principal.assurance.second_factor_at.map(|at| seconds_since(at, asked.now)),
            "method" => request.map(|request| string(request.method)),
            "path" => request.map(|request| string(request.path)),
            "address" => request.map(|request| Value::new_ip(request.address.to_string())),
            "secure" => request.map(|request| Value::new_bool(request.secure)),
            _ => None,
        });
        Context::from_pairs(pairs).map_err(|error| error.to_string())
    }

    fn pairs(&self, value: impl Fn(&str) -> Option<Value>) -> impl Iterator<Item = (String, Value)> {
        self.seen.iter().filter_map(move |name| Some(((*name).to_owned(), value(name)?)))
    }
}

fn seconds_since(time: SystemTime, now: SystemTime) -> Value {
    let age = now.duration_since(time).unwrap_or(Duration::ZERO);
    Value::new_long(i64::try_from(age.as_secs()).unwrap_or(i64::MAX))
}

fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

fn string(text: &str) -> Value {
    Value::new_string(text.to_owned())
}

fn set(texts: &[Arc<str>]) -> Value {
    Value::new_set(texts.iter().map(|text| string(text)))
}

/// A claim as Cedar has it; null, numbers that are not whole and what lies too deep are not there.
fn value(json: &Json, depth: usize) -> Option<Value> {
    if depth > CLAIMS_DEPTH {
        return None;
    }
    match json {
        Json::Null => None,
        Json::Bool(yes) => Some(Value::new_bool(*yes)),
        Json::Number(number) => number.as_i64().map(Value::new_long),
        Json::String(text) => Some(string(text)),
        Json::Array(items) => Some(Value::new_set(items.iter().filter_map(|item| value(item, depth + 1)))),
        Json::Object(fields) => {
            let field = |(name, json): (&String, &Json)| Some((name.clone(), value(json, depth + 1)?));
            Value::new_record(fields.iter().filter_map(field)).ok()
        }
    }
}
