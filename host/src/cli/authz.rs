//! `ostler authz`: what a principal may by a configuration, and why. Nothing is started or asked.

mod who;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use clap::{Args, Subcommand};
use http::{Request, header};
use ostler_core::Body;
use ostler_core::gate::{AccessSpec, GateSpec, TenantSpec};
use ostler_core::plugin::RouteSpec;
use ostler_core::unit::format_duration;
use ostler_identity::Authorization;
use ostler_identity::authorize::{Asked, Explanation, Facts, Require};
use ostler_policy::{Found, Router};
use serde::Serialize;

use super::{Failure, say};
use crate::config::Config;
use who::Who;

/// Tell who may do what, and why
///
/// Decides from the configuration file alone, as a host that runs with it would; no host has to run.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Example:\n  ostler authz explain --subject alice --role editor --permission orders:write --resource orders/17"
)]
pub(super) struct Authz {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Explain(Explain),
}

/// Tell whether a principal may do something, and what decides it
///
/// Each role, the scopes and the rules tell what they say of it. With --route, also what that route asks of its clients; then
/// --permission may be left out, and each permission that the route asks for is explained.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  ostler authz explain --subject alice --role editor --permission orders:write --resource orders/17\n  ostler authz explain --principal alice.json --route \"POST /orders/17\""
)]
struct Explain {
    /// The configuration file
    #[arg(short, long, value_name = "FILE", default_value = "ostler.toml")]
    config: PathBuf,
    #[command(flatten)]
    who: Who,
    /// What it wants to do, as orders:write
    #[arg(long, required_unless_present = "route")]
    permission: Option<String>,
    /// With what, as orders/17
    #[arg(long, default_value = "")]
    resource: String,
    /// By which request, as "POST /orders/17"
    #[arg(long, value_name = "METHOD PATH")]
    route: Option<String>,
    /// The host that the request of --route names
    #[arg(long, requires = "route")]
    host: Option<String>,
    /// Address of the client, for rules
    #[arg(long, default_value = "127.0.0.1")]
    address: std::net::IpAddr,
    /// Print everything as JSON
    #[arg(long)]
    json: bool,
}

/// All that is told.
#[derive(Debug, Serialize)]
struct Told {
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<RouteTold>,
    permissions: Vec<PermissionTold>,
}

#[derive(Debug, Serialize)]
struct RouteTold {
    path: String,
    plugin: String,
    /// Authenticators of which one must know the client.
    auth: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<TenantTold>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mfa_max_age: Option<String>,
}

#[derive(Debug, Serialize)]
struct TenantTold {
    /// None if the request names none.
    asked: Option<String>,
    own: Option<String>,
    allowed: bool,
}

#[derive(Debug, Serialize)]
struct PermissionTold {
    permission: String,
    resource: String,
    allowed: bool,
    reason: String,
    steps: Vec<StepTold>,
}

#[derive(Debug, Serialize)]
struct StepTold {
    of: String,
    says: String,
}

impl Authz {
    pub(super) fn json(&self) -> bool {
        let What::Explain(explain) = &self.what;
        explain.json
    }

    pub(super) fn run(self) -> Result<(), Failure> {
        let What::Explain(explain) = self.what;
        explain.run()
    }
}

impl Explain {
    fn run(self) -> Result<(), Failure> {
        let config = Config::load(&self.config).map(|(config, _)| config).map_err(|problems| {
            problems.iter().for_each(say::aside);
            Failure::new("the configuration has errors", "mend them; `ostler check` tells them again")
        })?;
        let gate = &config.gate;
        let authorization = Authorization::new(&gate.authorization, &gate.base).map_err(|flaws| {
            Failure::new(flaws.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"), "")
        })?;
        let told = self.told(&config, &authorization)?;
        if self.json {
            say::json(&told);
        } else {
            say::line(told.to_string().trim_end());
        }
        Ok(())
    }

    fn told(&self, config: &Config, authorization: &Authorization) -> Result<Told, Failure> {
        let principal = self.who.principal()?;
        let request = self.route.as_deref().map(|route| self.request(route)).transpose()?;
        let found = request.as_ref().map(|request| route(config, request)).transpose()?;
        let mut asked: Vec<_> =
            self.permission.iter().map(|name| (name.clone(), Some(self.resource.clone()))).collect();
        let mut told = Told { allowed: true, route: None, permissions: Vec::new() };
        if let (Some(request), Some((spec, access))) = (&request, found) {
            let path = request.uri().path();
            let require = authorization.route(&access, &spec.path).ok().flatten();
            if self.permission.is_none() {
                let needs = require.iter().flat_map(|require| require.needs(path));
                asked.extend(needs.map(|need| (need.permission, need.resource)));
            }
            let tenant = tenant(require.as_ref(), request, self.host.as_deref(), principal.tenant.as_deref());
            told.allowed = tenant.as_ref().is_none_or(|tenant| tenant.allowed);
            told.route = Some(RouteTold::new(&spec, &access, tenant));
        }
        let facts = request.as_ref().map(|request| Facts {
            method: request.method().as_str(),
            path: request.uri().path(),
            address: self.address,
            secure: true,
        });
        for (permission, resource) in asked {
            let explained = match &resource {
                Some(resource) => authorization.explain(&Asked {
                    principal: Some(&principal),
                    permission: &permission,
                    resource,
                    request: facts,
                    now: SystemTime::now(),
                }),
                None => nowhere(),
            };
            told.allowed &= explained.allowed;
            told.permissions.push(PermissionTold::new(permission, resource.unwrap_or_default(), explained));
        }
        Ok(told)
    }

    fn request(&self, route: &str) -> Result<Request<Body>, Failure> {
        let bad = || Failure::new(format!("{route:?} is no request"), "write it as \"POST /orders/17\"");
        let (method, path) = route.trim().split_once(' ').ok_or_else(bad)?;
        let request = Request::builder().method(method).uri(path.trim());
        let request = request.header(header::HOST, self.host.as_deref().unwrap_or("localhost"));
        let request = request.body(Body::Empty).map_err(|_| bad())?;
        if request.uri().path().starts_with('/') { Ok(request) } else { Err(bad()) }
    }
}

/// The route that takes this request, and what is asked of its clients.
fn route(config: &Config, request: &Request<Body>) -> Result<(RouteSpec, AccessSpec), Failure> {
    let routes = config.routes.iter().map(|route| (route.clone(), Arc::new(route.clone())));
    let router = Router::new(routes).map_err(|problem| Failure::new(problem, ""))?;
    let told = format!("{} {}", request.method(), request.uri().path());
    // Whether a flag holds is known to a running host alone; what a route asks for is told as if it were there.
    match router.find(request, |_| true) {
        Found::Route(route) => {
            let nothing = GateSpec::default();
            let plugin = config.plugins.get(&route.plugin).map_or(&nothing, |plugin| &plugin.gate);
            let access = route.gate.or(plugin).or(&config.gate.defaults).access;
            Ok((RouteSpec::clone(route), access))
        }
        Found::MethodNotAllowed(allow) => {
            let repair = format!("it takes {}", allow.to_str().unwrap_or_default());
            Err(Failure::new(format!("{told}: this path does not take this method"), repair))
        }
        Found::Nothing => {
            let repair = "name a path of [[routes]], and --host if the route has one";
            Err(Failure::new(format!("{told}: no route takes it"), repair))
        }
    }
}

fn tenant(
    require: Option<&Require>,
    request: &Request<Body>,
    host: Option<&str>,
    own: Option<&str>,
) -> Option<TenantTold> {
    let asked = require?.tenant(request.uri().path(), host)?;
    let allowed = own.is_some() && asked.as_deref() == own;
    Some(TenantTold { asked, own: own.map(Into::into), allowed })
}

fn nowhere() -> Explanation {
    let reason = "the path has a segment that can name no resource".to_owned();
    Explanation { allowed: false, reason, steps: Vec::new() }
}

impl RouteTold {
    fn new(spec: &RouteSpec, access: &AccessSpec, tenant: Option<TenantTold>) -> Self {
        debug_assert!(
            tenant.is_none() || !matches!(&access.tenant, Some(tenant) if tenant.value == TenantSpec::None)
        );
        RouteTold {
            path: spec.path.clone(),
            plugin: spec.plugin.clone(),
            auth: access.auth.iter().flatten().map(|name| name.value.clone()).collect(),
            tenant,
            mfa_max_age: access.mfa.as_ref().map(|mfa| format_duration(mfa.max_age)),
        }
    }
}

impl PermissionTold {
    fn new(permission: String, resource: String, explained: Explanation) -> Self {
        let Explanation { allowed, reason, steps } = explained;
        let steps = steps.into_iter().map(|step| StepTold { of: step.of, says: step.says }).collect();
        PermissionTold { permission, resource, allowed, reason, steps }
    }
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = |allowed| if allowed { "allowed" } else { "refused" };
        if let Some(route) = &self.route {
            writeln!(f, "route {} of plugin {}", route.path, route.plugin)?;
            match route.auth.as_slice() {
                [] => writeln!(f, "  lets everybody in")?,
                auth => writeln!(f, "  asks who it is, by {}", auth.join(" or "))?,
            }
            if let Some(age) = &route.mfa_max_age {
                writeln!(f, "  asks for a second factor of the last {age}")?;
            }
            if let Some(tenant) = &route.tenant {
                let asked = tenant.asked.as_deref().unwrap_or("none");
                let own = tenant.own.as_deref().unwrap_or("none");
                writeln!(
                    f,
                    "  {}: it is for tenant {asked}, the principal's is {own}",
                    word(tenant.allowed)
                )?;
            }
        }
        for told in &self.permissions {
            let on = if told.resource.is_empty() { String::new() } else { format!(" on {}", told.resource) };
            writeln!(f, "{}: {}{on}, since {}", word(told.allowed), told.permission, told.reason)?;
            for step in &told.steps {
                writeln!(f, "  {}: {}", step.of, step.says)?;
            }
        }
        if self.permissions.is_empty() {
            writeln!(f, "{}: it asks for no permission", word(self.allowed))
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
