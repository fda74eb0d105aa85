//! `[authorization] cedar`: rules in Cedar for what roles cannot say.
//!
//! A `forbid` that holds, or that cannot be evaluated, refuses whatever else allows; a `permit` that cannot be evaluated gives
//! nothing. Cedar itself would skip either: a rule meant to refuse that reads an attribute too much must not open the door.
//!
//! **Invariant:** no text of a request or token becomes Cedar source; it is an entity's id or an attribute's value.

mod facts;
mod time;

use std::collections::HashMap;
use std::path::Path;

use cedar_policy::ffi::DetailedError;
use cedar_policy::{
    AuthorizationError, Authorizer, Decision, Effect, Entities, ParseErrors, PolicyId, PolicySet, Request,
    Response,
};
use ostler_core::Principal;
use ostler_core::gate::Flaw;
use ostler_core::settings::Located;

use super::Asked;
use facts::View;

/// Size of the file, in bytes.
pub const RULES_BYTES_MAX: u64 = 1 << 20;
/// Rules in it.
pub const RULES_MAX: usize = 1_000;

const KEY: &str = "authorization.cedar";

/// The rules in force.
pub(super) struct Rules {
    /// As configured, for messages.
    pub(super) file: String,
    authorizer: Authorizer,
    policies: PolicySet,
    known: HashMap<PolicyId, Rule>,
    view: View,
}

struct Rule {
    /// Its `@id`, or its place in the file.
    name: String,
    forbids: bool,
}

/// What the rules say.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ruling {
    /// None of them concerns this.
    Silent,
    /// This one permits it, and none forbids it.
    Permit(String),
    /// This one forbids it.
    Forbid(String),
    /// This one would perhaps forbid it, but cannot be evaluated, for this reason.
    Broken(String, String),
}

impl Rules {
    /// Reads and compiles the file at `path`, relative to `base`.
    pub(super) fn read(path: &Located<String>, base: &Path) -> Result<Self, Vec<Flaw>> {
        let file = base.join(&path.value);
        let flaw = |found: String, allowed: &str, repair: &str| {
            vec![Flaw::new(path.line, KEY, format!("{}: {found}", path.value), allowed, repair)]
        };
        let allowed = "a readable file of Cedar policies, of at most 1MiB";
        let size = std::fs::metadata(&file).map(|data| if data.is_file() { data.len() } else { u64::MAX });
        let size = size.map_err(|error| flaw(error.to_string(), allowed, "name a file beside this one"))?;
        if size > RULES_BYTES_MAX {
            return Err(flaw("no file, or too large".into(), allowed, "name a smaller file"));
        }
        let text = std::fs::read_to_string(&file).map_err(|error| flaw(error.to_string(), allowed, ""))?;
        Rules::new(&path.value, path.line, &text)
    }

    fn new(file: &str, line: usize, text: &str) -> Result<Self, Vec<Flaw>> {
        let policies: PolicySet = text.parse().map_err(|errors| unreadable(file, line, text, &errors))?;
        let flaw = |found: String, allowed: String, repair: &str| {
            Err(vec![Flaw::new(line, KEY, format!("{file}: {found}"), allowed, repair)])
        };
        if policies.num_of_templates() > 0 {
            let repair = "write a policy with scope or conditions instead of ?principal and ?resource";
            return flaw("a template".into(), "policies only".into(), repair);
        }
        if policies.num_of_policies() > RULES_MAX {
            let found = format!("{} policies", policies.num_of_policies());
            return flaw(found, format!("at most {RULES_MAX}"), "merge some");
        }
        let Some(view) = View::new(text) else { return flaw("no view".into(), String::new(), "") };
        let known = policies.policies().map(|policy| (policy.id().clone(), Rule::of(policy))).collect();
        Ok(Rules { file: file.to_owned(), authorizer: Authorizer::new(), policies, known, view })
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.known.len()
    }

    /// What they say of this.
    pub(super) fn judge(&self, principal: &Principal, asked: &Asked<'_>) -> Ruling {
        match self.question(principal, asked) {
            Ok((request, entities)) => {
                self.ruling(&self.authorizer.is_authorized(&request, &self.policies, &entities))
            }
            Err(error) => Ruling::Broken("(all)".into(), error),
        }
    }

    fn question(&self, principal: &Principal, asked: &Asked<'_>) -> Result<(Request, Entities), String> {
        let (who, what) = (self.view.principal(principal)?, self.view.resource(asked.resource)?);
        let (action, context) = (self.view.action(asked.permission), self.view.context(principal, asked)?);
        let request = Request::new(who.uid(), action, what.uid(), context, None);
        let request = request.map_err(|error| error.to_string())?;
        let entities = Entities::from_entities([who, what], None).map_err(|error| error.to_string())?;
        Ok((request, entities))
    }

    fn ruling(&self, response: &Response) -> Ruling {
        let diagnostics = response.diagnostics();
        let mut errors = diagnostics.errors().map(|AuthorizationError::PolicyEvaluationError(error)| error);
        let known = |id: &PolicyId| self.known.get(id);
        let broken = errors.find(|error| known(error.policy_id()).is_none_or(|rule| rule.forbids));
        let name = || {
            let mut names: Vec<_> =
                diagnostics.reason().filter_map(known).map(|rule| rule.name.as_str()).collect();
            names.sort_unstable();
            names.join(", ")
        };
        match (response.decision(), broken) {
            (Decision::Deny, _) if diagnostics.reason().next().is_some() => Ruling::Forbid(name()),
            (_, Some(error)) => {
                let name = known(error.policy_id()).map(|rule| rule.name.clone()).unwrap_or_default();
                Ruling::Broken(name, error.inner().to_string())
            }
            (Decision::Allow, None) => Ruling::Permit(name()),
            (Decision::Deny, None) => Ruling::Silent,
        }
    }
}

impl Rule {
    fn of(policy: &cedar_policy::Policy) -> Self {
        let id = policy.id().to_string();
        let place = id.strip_prefix("policy").and_then(|place| place.parse::<usize>().ok());
        let name = match (policy.annotation("id"), place) {
            (Some(name), _) if !name.is_empty() => name.to_owned(),
            (_, Some(place)) => format!("number {}", place + 1),
            _ => id,
        };
        Rule { name, forbids: policy.effect() == Effect::Forbid }
    }
}

/// One flaw for each error, with its line in the file.
fn unreadable(file: &str, line: usize, text: &str, errors: &ParseErrors) -> Vec<Flaw> {
    const TOLD: usize = 20;
    let told = errors.iter().take(TOLD).map(|error| {
        let error = DetailedError::from(error);
        let start = error.source_locations.first().map(|label| label.loc.start);
        let before = start.and_then(|start| text.get(..start));
        let place = before.map(|text| format!(":{}", text.matches('\n').count() + 1)).unwrap_or_default();
        let found = format!("{file}{place}: {}", error.message);
        Flaw::new(line, KEY, found, "Cedar policies", error.help.unwrap_or_default())
    });
    told.collect()
}

#[cfg(test)]
mod tests;
