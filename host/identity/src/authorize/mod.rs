//! `[authorization]`: what a principal may, by its roles and scopes, its tenant, and rules.
//!
//! Roles give; scopes bound what a token may do with them (or give, where there are no roles); rules permit and forbid. Routes
//! and plugins ask the same [`Authorization`].
//!
//! **Invariant:** what nothing allows is forbidden.

mod explain;
mod permission;
mod require;
mod roles;
mod rules;
mod within;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::time::SystemTime;

use ostler_core::gate::Flaw;
use ostler_core::settings::{Located, Section};
use ostler_core::{Authorize, Decision, Principal};
use ostler_observe::Metrics;

pub use explain::{Explanation, Step};
pub use permission::{PERMISSION_MAX, RESOURCE_MAX};
pub use require::{Need, Require};
pub use roles::{GRANTS_MAX, ROLES_MAX};
pub use rules::{RULES_BYTES_MAX, RULES_MAX};

use roles::{Grant, Roles};
use rules::{Rules, Ruling};

/// Settings of `[authorization]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// `roles`: what each role gives.
    pub roles: BTreeMap<String, Vec<Located<String>>>,
    /// `scopes`: what scopes mean. Default: restrict.
    pub scopes: Scopes,
    /// `cedar`: a file of Cedar policies, relative to the configuration file.
    pub cedar: Option<Located<String>>,
}

/// What the scopes of a principal mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scopes {
    /// They bound what roles and rules give, and give what they name to a principal without roles.
    #[default]
    Restrict,
    /// They give what they name, beside what roles and rules give.
    Grant,
    /// Nothing.
    Ignore,
}

/// Roles and rules in force.
#[derive(Default)]
pub struct Authorization {
    roles: Roles,
    scopes: Scopes,
    rules: Option<Rules>,
    metrics: Metrics,
}

/// One question, with what is known of the request it belongs to.
pub struct Asked<'a> {
    /// Who wants to; none if nobody has proved who they are.
    pub principal: Option<&'a Principal>,
    /// What, as `orders:write`.
    pub permission: &'a str,
    /// With what, as `orders/17`; empty if nothing in particular.
    pub resource: &'a str,
    /// The request that it is about.
    pub request: Option<Facts<'a>>,
    /// The time.
    pub now: SystemTime,
}

/// What rules can see of a request.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// As `POST`.
    pub method: &'a str,
    /// As it was sent.
    pub path: &'a str,
    /// Of the client.
    pub address: IpAddr,
    /// Whether it came encrypted.
    pub secure: bool,
}

/// An answer, not yet in words.
struct Verdict<'a> {
    allowed: bool,
    why: Why<'a>,
}

/// What decided.
enum Why<'a> {
    Role { role: &'a str, grant: &'a Grant },
    Scope(&'a str),
    Permit(String),
    Forbid(String),
    Broken(String, String),
    Nobody,
    TooLong,
    OutOfScope,
    Nothing,
}

/// What the scopes of a principal say.
enum Bound<'a> {
    /// There are none, or none that counts.
    Absent,
    /// This one covers it.
    Covers(&'a str),
    /// There are some, and none covers it.
    Lacks,
}

/// Scopes that ask for facts about the user (OpenID Connect Core sections 5.4 and 11); they are no permissions.
const OPENID_SCOPES: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];

impl Config {
    /// Reads `[authorization]`.
    pub fn read(mut section: Section<'_>) -> Self {
        let choices = [("restrict", Scopes::Restrict), ("grant", Scopes::Grant), ("ignore", Scopes::Ignore)];
        let config = Config {
            roles: section.lists("roles"),
            scopes: section.choice("scopes", &choices).unwrap_or_default(),
            cedar: section.string("cedar"),
        };
        section.finish();
        config
    }
}

impl Authorization {
    /// Compiles roles and rules; paths in `config` are relative to `base`.
    ///
    /// # Errors
    /// What does not fit together.
    pub fn new(config: &Config, base: &Path) -> Result<Self, Vec<Flaw>> {
        let roles = Roles::new(&config.roles);
        let rules = config.cedar.as_ref().map(|file| Rules::read(file, base)).transpose();
        match (roles, rules) {
            (Ok(roles), Ok(rules)) => {
                Ok(Authorization { roles, scopes: config.scopes, rules, metrics: Metrics::default() })
            }
            (roles, rules) => Err([roles.err(), rules.err()].into_iter().flatten().flatten().collect()),
        }
    }

    /// This, counting refusals of routes in `metrics`.
    #[must_use]
    pub fn counting(mut self, metrics: &Metrics) -> Self {
        self.metrics = metrics.clone();
        self
    }

    /// The answer, and what decided.
    fn decide<'a>(&'a self, asked: &Asked<'a>) -> Verdict<'a> {
        let (permission, resource) = (asked.permission, asked.resource);
        let refuse = |why| Verdict { allowed: false, why };
        let Some(principal) = asked.principal else { return refuse(Why::Nobody) };
        if permission.len() > PERMISSION_MAX || resource.len() > RESOURCE_MAX {
            return refuse(Why::TooLong);
        }
        let bound = self.bound(principal, permission, resource);
        if self.scopes == Scopes::Restrict && matches!(bound, Bound::Lacks) {
            return refuse(Why::OutOfScope);
        }
        let ruling = self.rules.as_ref().map_or(Ruling::Silent, |rules| rules.judge(principal, asked));
        let permit = match ruling {
            Ruling::Forbid(rule) => return refuse(Why::Forbid(rule)),
            Ruling::Broken(rule, error) => return refuse(Why::Broken(rule, error)),
            Ruling::Permit(rule) => Some(Why::Permit(rule)),
            Ruling::Silent => None,
        };
        let role = || {
            let (role, grant) = self.roles.grant(principal, permission, resource)?;
            Some(Why::Role { role, grant })
        };
        let scope = || match (self.scopes, bound) {
            (Scopes::Restrict, Bound::Covers(scope)) if principal.roles.is_empty() => Some(Why::Scope(scope)),
            (Scopes::Grant, Bound::Covers(scope)) => Some(Why::Scope(scope)),
            _ => None,
        };
        match role().or_else(scope).or(permit) {
            Some(why) => Verdict { allowed: true, why },
            None => refuse(Why::Nothing),
        }
    }

    fn bound<'a>(&self, principal: &'a Principal, permission: &str, resource: &str) -> Bound<'a> {
        let mut bound = Bound::Absent;
        if self.scopes == Scopes::Ignore {
            return bound;
        }
        for scope in principal.scopes.iter().filter(|scope| !OPENID_SCOPES.contains(&&***scope)) {
            if permission::covers(scope, principal, permission, resource) {
                return Bound::Covers(scope);
            }
            bound = Bound::Lacks;
        }
        bound
    }
}

impl Authorize for Authorization {
    fn check(&self, principal: Option<&Principal>, permission: &str, resource: &str) -> Decision {
        let now = SystemTime::now();
        self.decide(&Asked { principal, permission, resource, request: None, now }).decision()
    }
}

impl Verdict<'_> {
    /// In words.
    fn decision(&self) -> Decision {
        Decision { allowed: self.allowed, reason: self.why.to_string() }
    }
}

#[cfg(test)]
mod tests;
