//! What authenticators mean for routes beside who is let in: cookies that no plugin sees, fields that are credentials, and second
//! factors.

use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use ostler_core::gate::AccessSpec;

use super::{Authenticator, Authenticators, Config};
use crate::{login, mfa};

/// Cookies that no plugin sees, whether or not its route asks for a login.
#[derive(Clone, Default)]
pub struct Hidden(Arc<[login::Names]>);

impl Authenticators {
    /// Takes the cookies of logins out of what plugins see.
    pub fn hidden(&self) -> Hidden {
        let names = self.0.values().filter_map(|named| match &named.authenticator {
            Authenticator::Session(site) => Some(site.names().clone()),
            _ => None,
        });
        Hidden(names.collect())
    }

    /// What a route with `mfa` asks of its clients.
    pub fn second_factor(&self, spec: &AccessSpec) -> Option<mfa::Rule> {
        let paths = self.0.iter().filter_map(|(name, named)| match &named.config {
            Config::Session(config) => Some((name.clone(), config.path.clone())),
            _ => None,
        });
        spec.mfa.as_ref().map(|spec| mfa::Rule::new(spec, paths.collect()))
    }
}

impl Config {
    /// The field that carries a credential, if it is another than `Authorization` and `Cookie`.
    pub fn field(&self) -> Option<&HeaderName> {
        match self {
            Config::Jwt(config) => config.place.field(),
            Config::Introspection(config) => config.place.field(),
            Config::ApiKey(config) => Some(&config.header),
            Config::Session(_) | Config::Mtls(_) | Config::Basic(_) => None,
        }
    }
}

impl Hidden {
    /// Takes them out of `headers`.
    pub fn hide(&self, headers: &mut HeaderMap) {
        self.0.iter().for_each(|names| names.hide(headers));
    }
}
