//! The principal that a question is about, from the command line or a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::Args;
use ostler_core::Principal;
use ostler_core::principal::{Assurance, Method};
use serde::Deserialize;

use super::super::Failure;

/// Who asks.
#[derive(Debug, Args)]
pub(super) struct Who {
    /// Who asks: a subject
    #[arg(long, required_unless_present = "principal")]
    subject: Option<String>,
    /// A role it has; may be given more than once
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// A scope it has; may be given more than once
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Its tenant
    #[arg(long)]
    tenant: Option<String>,
    /// Who asks, as a JSON file: subject, tenant, roles, scopes, method, authenticator, amr, acr, mfa_age and login_age in seconds, claims
    #[arg(long, value_name = "FILE.json", conflicts_with_all = ["subject", "roles", "scopes", "tenant"])]
    principal: Option<PathBuf>,
}

/// A principal as a file has it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    subject: String,
    tenant: Option<String>,
    roles: Vec<String>,
    scopes: Vec<String>,
    method: Option<String>,
    authenticator: String,
    amr: Vec<String>,
    acr: Option<String>,
    mfa_age: Option<u64>,
    login_age: u64,
    claims: serde_json::Map<String, serde_json::Value>,
}

impl Who {
    /// As an authenticator would have made it.
    pub(super) fn principal(&self) -> Result<Principal, Failure> {
        match &self.principal {
            Some(file) => Written::read(file)?.principal(),
            None => Written {
                subject: self.subject.clone().unwrap_or_default(),
                tenant: self.tenant.clone(),
                roles: self.roles.clone(),
                scopes: self.scopes.clone(),
                ..Written::default()
            }
            .principal(),
        }
    }
}

impl Written {
    fn read(file: &Path) -> Result<Self, Failure> {
        let failed = |error: String| {
            Failure::new(
                format!("{}: {error}", file.display()),
                "write it as {\"subject\": \"alice\", \"roles\": [\"editor\"]}",
            )
        };
        let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| failed(error.to_string()))
    }

    fn principal(self) -> Result<Principal, Failure> {
        let (now, arcs) = (SystemTime::now(), |list: Vec<String>| list.into_iter().map(Arc::from).collect());
        let ago = |age: u64| now.checked_sub(Duration::from_secs(age)).unwrap_or(SystemTime::UNIX_EPOCH);
        let assurance = Assurance {
            amr: arcs(self.amr),
            acr: self.acr.map(Arc::from),
            second_factor_at: self.mfa_age.map(ago),
        };
        Ok(Principal {
            subject: self.subject.into(),
            tenant: self.tenant.map(Arc::from),
            roles: arcs(self.roles),
            scopes: arcs(self.scopes),
            authenticator: self.authenticator.into(),
            method: method(self.method.as_deref())?,
            authenticated_at: ago(self.login_age),
            assurance,
            claims: Arc::new(serde_json::Value::Object(self.claims)),
        })
    }
}

fn method(name: Option<&str>) -> Result<Method, Failure> {
    const ALL: [Method; 6] =
        [Method::Jwt, Method::Introspection, Method::Session, Method::ApiKey, Method::Mtls, Method::Basic];
    let Some(name) = name else { return Ok(Method::Jwt) };
    let known = || ALL.map(Method::as_str).join(", ");
    let found = ALL.into_iter().find(|method| method.as_str() == name);
    found.ok_or_else(|| {
        Failure::new(format!("no method is called {name:?}"), format!("write one of {}", known()))
    })
}
