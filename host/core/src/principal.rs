//! Who asks, and the question whether they may: what authentication finds out and everything after it relies on.
//!
//! **Invariant:** a [`Principal`] is made by an authenticator of this host only, never from what a client claims of itself.

use std::sync::Arc;
use std::time::SystemTime;

/// Who a request was proved to come from. Shared, since a token's principal outlives many requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Identifier within the authenticator, such as a token's `sub` or the id of an API key.
    pub subject: Arc<str>,
    /// Tenant it belongs to, if its authenticator knows of tenants.
    pub tenant: Option<Arc<str>>,
    /// Names of roles, which the configuration turns into permissions.
    pub roles: Vec<Arc<str>>,
    /// Scopes it was granted (OAuth 2 `scope`, or those of an API key).
    pub scopes: Vec<Arc<str>>,
    /// Name of the authenticator: `NAME` of `[auth.NAME]`.
    pub authenticator: Arc<str>,
    /// How it proved itself.
    pub method: Method,
    /// When it did: `auth_time` or `iat` of a token, the login of a session, else the time of this request.
    pub authenticated_at: SystemTime,
    /// What stronger proof it gave (`amr` and `acr` of RFC 8176 and OpenID Connect), for routes that ask for it.
    pub assurance: Assurance,
    /// The other claims of its token, for rules and plugins; an object.
    pub claims: Arc<serde_json::Value>,
}

/// How a principal proved itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// A JSON Web Token.
    Jwt,
    /// A token that its issuer was asked about (RFC 7662).
    Introspection,
    /// A session of this host, begun by an OpenID Connect login.
    Session,
    /// An API key of this host.
    ApiKey,
    /// A TLS client certificate.
    Mtls,
    /// Name and password (RFC 7617).
    Basic,
}

impl Method {
    /// As it stands in logs, in `context` and in rules.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Jwt => "jwt",
            Method::Introspection => "introspection",
            Method::Session => "session",
            Method::ApiKey => "api-key",
            Method::Mtls => "mtls",
            Method::Basic => "basic",
        }
    }
}

/// What is known of the strength of a proof.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Assurance {
    /// Authentication methods, as `pwd`, `otp`, `mfa`, `hwk` (RFC 8176).
    pub amr: Vec<Arc<str>>,
    /// Authentication context class, as its issuer names it.
    pub acr: Option<Arc<str>>,
    /// When a second factor was last proved.
    pub second_factor_at: Option<SystemTime>,
}

/// Answers whether a principal may do something: the same for routes and for plugins that ask.
pub trait Authorize: Send + Sync {
    /// Whether `principal` (none: anybody) may use `permission` on `resource` (empty: none in particular).
    fn check(&self, principal: Option<&Principal>, permission: &str, resource: &str) -> Decision;
}

/// An answer of [`Authorize`], with the reason for those who have to explain it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may.
    pub allowed: bool,
    /// The role, rule or lack that decided. For operators and the plugin's log, not for clients.
    pub reason: String,
}
