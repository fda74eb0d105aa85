//! Decisions in words: what decided, and for `ostler authz explain` each step that led there.

use std::fmt;

use ostler_core::Principal;

use super::roles::Role;
use super::rules::Ruling;
use super::{Asked, Authorization, Bound, Scopes, Why};

/// What a role gives that is told at most.
const GRANTS_TOLD: usize = 20;

/// A decision with the steps that led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Whether it may.
    pub allowed: bool,
    /// What decided.
    pub reason: String,
    /// What each role, the scopes and the rules say.
    pub steps: Vec<Step>,
}

/// What one of them says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// As `role editor`, `scopes`, `rules`.
    pub of: String,
    /// In words.
    pub says: String,
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Role { role, grant } if *grant.way == **role => {
                write!(f, "role {role} gives {}", grant.text)
            }
            Why::Role { role, grant } => {
                write!(f, "role {role} gives {} (by way of {})", grant.text, grant.way)
            }
            Why::Scope(scope) => write!(f, "scope {scope} gives it"),
            Why::Permit(rule) => write!(f, "rule {rule} permits it"),
            Why::Forbid(rule) => write!(f, "rule {rule} forbids it"),
            Why::Broken(rule, error) => {
                write!(f, "rule {rule}, which may forbid it, cannot be evaluated: {error}")
            }
            Why::Nobody => f.write_str("nobody has proved who they are"),
            Why::TooLong => f.write_str("the permission or the resource is too long"),
            Why::OutOfScope => f.write_str("the scopes do not cover it"),
            Why::Nothing => f.write_str("nothing allows it"),
        }
    }
}

impl Authorization {
    /// The decision, with all that led to it.
    pub fn explain(&self, asked: &Asked<'_>) -> Explanation {
        let verdict = self.decide(asked);
        let steps = asked.principal.map_or_else(Vec::new, |principal| self.steps(principal, asked));
        Explanation { allowed: verdict.allowed, reason: verdict.why.to_string(), steps }
    }

    fn steps(&self, principal: &Principal, asked: &Asked<'_>) -> Vec<Step> {
        let role = |name: &std::sync::Arc<str>| {
            let says = match self.roles.role(name) {
                Some(role) => self.role_says(role, principal, asked),
                None => "is not defined in [authorization] roles".to_owned(),
            };
            Step { of: format!("role {name}"), says }
        };
        let mut steps: Vec<_> = principal.roles.iter().map(role).collect();
        if !principal.scopes.is_empty() {
            steps.push(Step { of: "scopes".into(), says: self.scopes_say(principal, asked) });
        }
        if let Some(rules) = &self.rules {
            let says = match rules.judge(principal, asked) {
                Ruling::Silent => "none concerns it".to_owned(),
                Ruling::Permit(rule) => Why::Permit(rule).to_string(),
                Ruling::Forbid(rule) => Why::Forbid(rule).to_string(),
                Ruling::Broken(rule, error) => Why::Broken(rule, error).to_string(),
            };
            steps.push(Step { of: format!("rules of {} ({})", rules.file, rules.count()), says });
        }
        steps
    }

    fn role_says(&self, role: &Role, principal: &Principal, asked: &Asked<'_>) -> String {
        if let Some(grant) = role.grant(principal, asked.permission, asked.resource) {
            return format!("gives {} (as {})", grant.text, grant.way);
        }
        let grants = role.grants();
        let mut told: Vec<_> = grants.iter().take(GRANTS_TOLD).map(|grant| &*grant.text).collect();
        if grants.len() > GRANTS_TOLD {
            told.push("...");
        }
        if told.is_empty() { "gives nothing".to_owned() } else { format!("gives only {}", told.join(", ")) }
    }

    fn scopes_say(&self, principal: &Principal, asked: &Asked<'_>) -> String {
        let bound = self.bound(principal, asked.permission, asked.resource);
        match (self.scopes, bound) {
            (Scopes::Ignore, _) => "count for nothing (scopes = \"ignore\")".to_owned(),
            (_, Bound::Absent) => "are OpenID Connect's own, which are no permissions".to_owned(),
            (Scopes::Restrict, Bound::Lacks) => "do not cover it, so nothing can give it".to_owned(),
            (Scopes::Grant, Bound::Lacks) => "do not give it".to_owned(),
            (Scopes::Restrict, Bound::Covers(scope)) if !principal.roles.is_empty() => {
                format!("cover it ({scope}), so it is left to roles and rules")
            }
            (_, Bound::Covers(scope)) => format!("give it ({scope})"),
        }
    }
}
