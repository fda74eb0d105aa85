//! `require` and `tenant` of a route: which permissions its requests need on what, and whose they must be.
//!
//! **Invariant:** a segment of a request's path is decoded once, and becomes one segment of a resource or none.

mod template;

use std::sync::Arc;
use std::time::SystemTime;

use http::request::Parts;
use http::{HeaderValue, header};
use ostler_core::Scheme;
use ostler_core::gate::{AccessSpec, Flaw, TenantSpec};
use ostler_core::settings::Located;
use ostler_core::{Error, Exchange, Kind, Principal};
use ostler_observe::metrics::DenialMetrics;

use super::permission::{PERMISSION_FORM, is_name, split};
use super::{Asked, Authorization, Facts};
use template::{Place, Template};

/// What one route asks of its clients.
pub struct Require {
    permissions: Vec<Permission>,
    tenant: Option<Tenant>,
}

struct Permission {
    name: Box<str>,
    on: Option<Template>,
    denied: Arc<DenialMetrics>,
}

struct Tenant {
    from: Source,
    denied: Arc<DenialMetrics>,
}

enum Source {
    Path(Place),
    Host,
}

/// A permission that one request needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// As `orders:write`.
    pub permission: String,
    /// As `orders/17`; empty if on nothing in particular, none if the request's path names nothing that can be one.
    pub resource: Option<String>,
}

impl Authorization {
    /// What a route with this path pattern asks of its clients; none if nothing.
    ///
    /// # Errors
    /// What does not fit together.
    pub fn route(&self, spec: &AccessSpec, pattern: &str) -> Result<Option<Require>, Vec<Flaw>> {
        let mut flaws = Vec::new();
        let denied = |what: &str| self.metrics.denials(pattern, what);
        let mut permissions = Vec::new();
        for text in spec.require.iter().flatten() {
            match Permission::new(text, pattern, denied(&text.value)) {
                Ok(permission) => permissions.push(permission),
                Err(flaw) => flaws.push(flaw),
            }
        }
        let tenant = match spec.tenant.as_ref().map(|tenant| (&tenant.value, tenant.line)) {
            None | Some((TenantSpec::None, _)) => None,
            Some((TenantSpec::Host, _)) => Some(Source::Host),
            Some((TenantSpec::Path(name), line)) => match Place::find(name, pattern) {
                Some(place) if !place.rest => Some(Source::Path(place)),
                _ => {
                    let found = format!("\"path:{name}\", but {pattern} has no segment {{{name}}}");
                    flaws.push(Flaw::new(line, "tenant", found, template::names(pattern), ""));
                    None
                }
            },
        };
        let tenant = tenant.map(|from| Tenant { from, denied: denied("(tenant)") });
        flaws.extend(lonely(spec, !permissions.is_empty(), tenant.is_some()));
        match (flaws.is_empty(), permissions.is_empty() && tenant.is_none()) {
            (false, _) => Err(flaws),
            (true, true) => Ok(None),
            (true, false) => Ok(Some(Require { permissions, tenant })),
        }
    }
}

impl Require {
    /// Whether the exchange's principal may make this request.
    ///
    /// # Errors
    /// `Forbidden` or `Unauthenticated`.
    pub fn check(
        &self,
        authorization: &Authorization,
        exchange: &Exchange,
        head: &Parts,
    ) -> Result<(), Error> {
        let Some(principal) = exchange.principal.as_deref() else {
            return Err(Error::new(Kind::Unauthenticated, "this route asks who you are"));
        };
        if let Some(tenant) = &self.tenant {
            tenant.check(principal, head)?;
        }
        if self.permissions.is_empty() {
            return Ok(());
        }
        let (method, path) = (head.method.as_str(), head.uri.path());
        let secure = exchange.peer.scheme == Scheme::Https;
        let request = Some(Facts { method, path, address: exchange.client, secure });
        let now = SystemTime::now();
        for permission in &self.permissions {
            let Some(resource) = permission.resource(path) else { return Err(permission.nowhere()) };
            let (principal, resource) = (Some(principal), resource.as_str());
            let asked = Asked { principal, permission: &permission.name, resource, request, now };
            let verdict = authorization.decide(&asked);
            if !verdict.allowed {
                return Err(permission.refuse(resource).because(verdict.why.to_string()));
            }
        }
        Ok(())
    }

    /// What a request with this path needs.
    pub fn needs(&self, path: &str) -> Vec<Need> {
        let need = |permission: &Permission| Need {
            permission: permission.name.to_string(),
            resource: permission.resource(path),
        };
        self.permissions.iter().map(need).collect()
    }

    /// The tenant that a request is for: none if the route does not ask, otherwise whether it names one.
    pub fn tenant(&self, path: &str, host: Option<&str>) -> Option<Option<String>> {
        Some(self.tenant.as_ref()?.named(path, host))
    }
}

impl Permission {
    fn new(text: &Located<String>, pattern: &str, denied: Arc<DenialMetrics>) -> Result<Self, Flaw> {
        let (name, on) = split(&text.value);
        let flaw = |allowed: &str, repair: &str| {
            Flaw::new(text.line, "require", format!("{:?}", text.value), allowed, repair)
        };
        if !is_name(name) {
            return Err(flaw(PERMISSION_FORM, "name each permission; wildcards belong to roles"));
        }
        let on = on.map(|on| Template::new(on, pattern)).transpose();
        let on = on.map_err(|allowed| flaw(&allowed, ""))?;
        Ok(Permission { name: name.into(), on, denied })
    }

    fn resource(&self, path: &str) -> Option<String> {
        match &self.on {
            Some(template) => template.fill(path),
            None => Some(String::new()),
        }
    }

    fn refuse(&self, resource: &str) -> Error {
        self.denied.count();
        let on = if resource.is_empty() { String::new() } else { format!(" on {resource}") };
        let detail = format!("this needs the permission {}{on}", self.name);
        let error = Error::new(Kind::Forbidden, detail).member("permission", (*self.name).into());
        if resource.is_empty() { error } else { error.member("resource", resource.into()) }
    }

    fn nowhere(&self) -> Error {
        self.denied.count();
        let detail =
            format!("this needs the permission {}, and the path names nothing to have it on", self.name);
        Error::new(Kind::Forbidden, detail).member("permission", (*self.name).into())
    }
}

impl Tenant {
    fn check(&self, principal: &Principal, head: &Parts) -> Result<(), Error> {
        let host = head.headers.get(header::HOST).map(HeaderValue::to_str).and_then(Result::ok);
        let named = self.named(head.uri.path(), host);
        let refuse = |cause: &'static str| {
            self.denied.count();
            Err(Error::new(Kind::Forbidden, "this is not of your tenant").because(cause))
        };
        match (&principal.tenant, named) {
            (None, _) => refuse("the principal has no tenant"),
            (Some(_), None) => refuse("the request names no tenant"),
            (Some(own), Some(named)) if **own != *named => refuse("the request is for another tenant"),
            (Some(_), Some(_)) => Ok(()),
        }
    }

    fn named(&self, path: &str, host: Option<&str>) -> Option<String> {
        match &self.from {
            Source::Path(place) => place.take(path),
            Source::Host => label(host?),
        }
    }
}

/// The first label of a host name, in lower case; none if it is an address.
fn label(host: &str) -> Option<String> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.starts_with('[') || name.parse::<std::net::Ipv4Addr>().is_ok() {
        return None;
    }
    let label = name.split('.').next().filter(|label| !label.is_empty())?;
    Some(label.to_ascii_lowercase())
}

/// A route that asks what its clients may, but not who they are.
fn lonely(spec: &AccessSpec, require: bool, tenant: bool) -> Option<Flaw> {
    if spec.auth.as_ref().is_some_and(|auth| !auth.is_empty()) {
        return None;
    }
    let (key, line, lift) = match (require, tenant) {
        (true, _) => {
            ("require", spec.require.iter().flatten().next().map_or(0, |item| item.line), "require = []")
        }
        (false, true) => {
            ("tenant", spec.tenant.as_ref().map_or(0, |tenant| tenant.line), "tenant = \"none\"")
        }
        (false, false) => return None,
    };
    let repair =
        format!("add auth = [\"NAME\"] to the route, its plugin or [defaults], or {lift} to the route");
    Some(Flaw::new(line, key, "no auth beside it, so that nobody could pass", "together with auth", repair))
}

#[cfg(test)]
mod tests;
