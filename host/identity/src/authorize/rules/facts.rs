//! What rules can see: the principal, the resource, and the request they belong to, as Cedar's entities and context.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use cedar_policy::{Context, Entity, EntityId, EntityTypeName, EntityUid, RestrictedExpression as Value};
use ostler_core::Principal;
use serde_json::Value as Json;

use super::super::Asked;
use super::time;

/// Claims lie this deep at most; what lies deeper is not there for rules.
const CLAIMS_DEPTH: usize = 8;

/// Names of the entities' types, parsed once.
pub(super) struct Types {
    principal: EntityTypeName,
    action: EntityTypeName,
    resource: EntityTypeName,
    role: EntityTypeName,
    tenant: EntityTypeName,
}

type Attributes = HashMap<String, Value>;

impl Types {
    /// None never: the names are names.
    pub(super) fn new() -> Option<Self> {
        let name = |text: &str| text.parse().ok();
        Some(Types {
            principal: name("Principal")?,
            action: name("Action")?,
            resource: name("Resource")?,
            role: name("Role")?,
            tenant: name("Tenant")?,
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
        let set = |texts: &[std::sync::Arc<str>]| Value::new_set(texts.iter().map(|text| string(text)));
        let mut attributes = Attributes::from([
            ("subject".to_owned(), string(&principal.subject)),
            ("roles".to_owned(), set(&principal.roles)),
            ("scopes".to_owned(), set(&principal.scopes)),
            ("method".to_owned(), string(principal.method.as_str())),
            ("authenticator".to_owned(), string(&principal.authenticator)),
            ("amr".to_owned(), set(&principal.assurance.amr)),
        ]);
        attributes.extend(principal.tenant.iter().map(|tenant| ("tenant".to_owned(), string(tenant))));
        attributes.extend(principal.assurance.acr.iter().map(|acr| ("acr".to_owned(), string(acr))));
        attributes.extend(value(&principal.claims, 0).map(|claims| ("claims".to_owned(), claims)));
        Entity::new(uid(&self.principal, &principal.subject), attributes, parents)
            .map_err(|error| error.to_string())
    }

    /// `Resource::"orders/17"`, with what lies before and after its first `/` as `kind` and `id`.
    pub(super) fn resource(&self, text: &str) -> Result<Entity, String> {
        let (kind, id) = text.split_once('/').unwrap_or((text, ""));
        let attributes = Attributes::from([("kind".to_owned(), string(kind)), ("id".to_owned(), string(id))]);
        Entity::new(uid(&self.resource, text), attributes, HashSet::new()).map_err(|error| error.to_string())
    }
}

/// The circumstances: `now` and `login_age` always, `mfa_age` if there was a second factor, the rest if a request is known.
pub(super) fn context(principal: &Principal, asked: &Asked<'_>) -> Result<Context, String> {
    let now = asked.now;
    let mut pairs = vec![
        ("now".to_owned(), Value::new_datetime(time::text(now))),
        ("login_age".to_owned(), seconds_since(principal.authenticated_at, now)),
    ];
    let proved = principal.assurance.second_factor_at;
    pairs.extend(proved.map(|at| ("mfa_age".to_owned(), seconds_since(at, now))));
    if let Some(request) = &asked.request {
        pairs.push(("method".to_owned(), string(request.method)));
        pairs.push(("path".to_owned(), string(request.path)));
        pairs.push(("address".to_owned(), Value::new_ip(request.address.to_string())));
        pairs.push(("secure".to_owned(), Value::new_bool(request.secure)));
    }
    Context::from_pairs(pairs).map_err(|error| error.to_string())
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
