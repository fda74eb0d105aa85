//! Facts about the exchange being answered: who asks, with which parameters, until when.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::bindings::ostler::plugin::context as wit;
use crate::error::Error;
use crate::host;

/// By which route the request came, and which release answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// `x-request-id` of the reply.
    pub request_id: String,
    /// Path pattern of the route that matched.
    pub route: String,
    /// Name of this plugin.
    pub plugin: String,
    /// Digest of the component that runs: `sha256:...`.
    pub release: String,
    /// Address of the client, without port.
    pub client_address: String,
}

/// Who was proved to ask, by the route's `auth`. Nothing here is taken from what a client claims of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Principal {
    /// Its identifier, such as a token's `sub`.
    pub subject: String,
    /// The tenant it belongs to.
    pub tenant: Option<String>,
    /// Names of its roles.
    pub roles: Vec<String>,
    /// Scopes it was granted.
    pub scopes: Vec<String>,
    /// How it proved itself: `jwt`, `introspection`, `session`, `api-key`, `mtls` or `basic`.
    pub method: String,
    /// When it proved itself, to the millisecond.
    pub authenticated_at: SystemTime,
    /// The other claims of its token.
    pub claims: Map<String, Value>,
}

impl Principal {
    /// A principal with no more than a subject, known by a JWT; for tests.
    pub fn new(subject: impl Into<String>) -> Self {
        Principal {
            subject: subject.into(),
            tenant: None,
            roles: Vec::new(),
            scopes: Vec::new(),
            method: "jwt".into(),
            authenticated_at: UNIX_EPOCH,
            claims: Map::new(),
        }
    }

    /// Sets the tenant.
    pub fn with_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Adds a role.
    pub fn with_role(mut self, role: impl Into<String>) -> Self {
        self.roles.push(role.into());
        self
    }

    /// Adds a scope.
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Sets a claim. Panics if `value` has no JSON form.
    pub fn with_claim(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        self.claims.insert(name.into(), serde_json::json!(value));
        self
    }

    /// Whether it has `role`. What roles may do is the configuration's to say: [`authz`](crate::authz) asks that.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own == role)
    }

    /// Whether it was granted `scope`.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| own == scope)
    }

    /// A claim read as a `T`; none if its token has no such claim, or another kind of value there.
    pub fn claim<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        T::deserialize(self.claims.get(name)?).ok()
    }
}

impl From<wit::Principal> for Principal {
    fn from(principal: wit::Principal) -> Self {
        Principal {
            subject: principal.subject,
            tenant: principal.tenant,
            roles: principal.roles,
            scopes: principal.scopes,
            method: principal.method,
            authenticated_at: UNIX_EPOCH + Duration::from_millis(principal.authenticated_at_ms),
            // The contract says: an object.
            claims: serde_json::from_str(&principal.claims).unwrap_or_default(),
        }
    }
}

/// The exchange being answered.
pub fn current() -> Context {
    let exchange = host::context::get();
    Context {
        request_id: exchange.request_id,
        route: exchange.route,
        plugin: exchange.plugin,
        release: exchange.release,
        client_address: exchange.client_address,
    }
}

/// How long until the host ends the call.
pub fn deadline_left() -> Duration {
    Duration::from_millis(host::context::deadline_left_ms())
}

/// Who asks; none on a route that lets everybody in.
pub fn principal() -> Option<Principal> {
    host::context::get_principal().map(Principal::from)
}

/// Parameters of path, query, header and cookies by name, as the route's OpenAPI document types them. Empty without a
/// document.
pub fn parameters() -> Map<String, Value> {
    let parameters = host::context::get_parameters().into_iter();
    parameters.map(|(name, json)| (name, serde_json::from_str(&json).unwrap_or_default())).collect()
}

/// The parameter `name` as a `T`; none if the request has none. One that is no `T` is an error (500), since the route's
/// document let it in.
pub fn parameter<T: DeserializeOwned>(name: &str) -> Result<Option<T>, Error> {
    let parameters = host::context::get_parameters();
    let Some((_, json)) = parameters.into_iter().find(|(known, _)| known == name) else { return Ok(None) };
    let wrong = |error| Error::internal(format!("parameter {name} is not what the handler expects: {error}"));
    serde_json::from_str(&json).map(Some).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Host;

    #[test]
    fn the_exchange_is_that_of_the_host() {
        let _host = Host::new().client_address("192.0.2.7").deadline_left(Duration::from_secs(3)).install();
        assert_eq!(current().client_address, "192.0.2.7");
        assert_eq!(deadline_left(), Duration::from_secs(3));
    }

    #[test]
    fn the_principal_is_as_it_was_proved() {
        let mut ada = Principal::new("ada").with_tenant("acme").with_role("clerk").with_scope("orders");
        ada.authenticated_at = UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        let ada = ada.with_claim("email", "ada@acme.test").with_claim("level", 3);
        let _host = Host::new().principal(ada.clone()).install();
        let found = principal().unwrap();
        assert_eq!(found, ada);
        assert!(found.has_role("clerk") && !found.has_role("boss"));
        assert!(found.has_scope("orders") && !found.has_scope("order"));
        assert_eq!((found.claim::<u8>("level"), found.claim::<u8>("email")), (Some(3), None));
    }

    #[test]
    fn nobody_is_known_where_everybody_is_let_in() {
        let _host = Host::new().install();
        assert_eq!(principal(), None);
        assert!(parameters().is_empty());
    }

    #[test]
    fn parameters_have_the_type_of_their_document() {
        let _host = Host::new().parameter("limit", 20).parameter("status", ["open", "paid"]).install();
        assert_eq!(parameter::<u32>("limit").unwrap(), Some(20));
        assert_eq!(
            parameter::<Vec<String>>("status").unwrap(),
            Some(vec!["open".to_owned(), "paid".to_owned()])
        );
        assert_eq!(parameter::<u32>("other").unwrap(), None);
        assert_eq!(parameter::<u32>("status").unwrap_err().status(), 500);
        assert_eq!(parameters()["limit"], 20);
    }
}
