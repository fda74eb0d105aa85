//! `[auth.NAME]`: the ways in which a client can prove who it is. Each kind is a file of one shape.
//!
//! A route names authenticators; the first one that finds a credential of its kind decides.
//! **Invariant:** a credential that is there and wrong is refused, also where another authenticator might let the client in.

mod api_key;
mod basic;
mod introspection;
mod jwt;
mod mtls;
mod session;

use std::collections::BTreeMap;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use ostler_core::gate::{AccessSpec, Flaw};
use ostler_core::plugin::RouteSpec;
use ostler_core::settings::Section;
use ostler_core::{Endpoint, Error, Exchange, Kind, Principal};
use ostler_observe::Observe;
use ostler_services::{Clock, Database, DatabaseError};
use ostler_upstream::Upstream;

use crate::keys::Keys;
use crate::secret::{Secret, SecretError};

/// One `[auth.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Config {
    /// `kind = "jwt"`
    Jwt(jwt::Config),
    /// `kind = "introspection"`
    Introspection(introspection::Config),
    /// `kind = "oidc"`
    Session(session::Config),
    /// `kind = "api-key"`
    ApiKey(api_key::Config),
    /// `kind = "mtls"`
    Mtls(mtls::Config),
    /// `kind = "basic"`
    Basic(basic::Config),
}

/// What authenticators need of the host.
#[derive(Clone)]
pub struct Needs {
    /// Keys and sessions last in it.
    pub database: Database,
    /// For what expires.
    pub clock: Clock,
    /// Hashes what this host must know again but not keep.
    pub secret: Secret,
    /// API keys.
    pub keys: Keys,
    /// The way to issuers.
    pub upstream: Upstream,
    /// Counts of failures.
    pub observe: Observe,
}

/// Why keys and sessions cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum NeedsError {
    /// The host's key.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// All authenticators of this host, by name.
#[derive(Clone, Default)]
pub struct Authenticators(BTreeMap<String, Arc<Named>>);

/// The authenticators of one route, in its order.
#[derive(Default)]
pub struct Authenticate(Vec<Arc<Named>>);

struct Named {
    config: Config,
    authenticator: Authenticator,
}

enum Authenticator {
    Jwt(jwt::Jwt),
    Introspection(introspection::Introspection),
    Session(session::Sessions),
    ApiKey(api_key::ApiKeys),
    Mtls(mtls::Mtls),
    Basic(basic::Basic),
}

/// What one authenticator makes of a request.
pub(crate) enum Verdict {
    /// The request has no credential of its kind.
    Absent,
    /// It comes from this one.
    Known(Arc<Principal>),
    /// It has a credential, which is not accepted.
    Refused(Error),
}

impl Config {
    /// Whether it is one of `kind = "api-key"`.
    pub fn takes_api_keys(&self) -> bool {
        matches!(self, Config::ApiKey(_))
    }

    /// Reads one authenticator.
    pub fn read(mut section: Section<'_>) -> Option<Self> {
        #[derive(Clone, Copy)]
        enum Which {
            Jwt,
            Introspection,
            Session,
            ApiKey,
            Mtls,
            Basic,
        }
        let kinds = [
            ("jwt", Which::Jwt),
            ("introspection", Which::Introspection),
            ("oidc", Which::Session),
            ("api-key", Which::ApiKey),
            ("mtls", Which::Mtls),
            ("basic", Which::Basic),
        ];
        section.missing("kind", "one of jwt, introspection, oidc, api-key, mtls, basic");
        let config = match section.choice("kind", &kinds)? {
            Which::Jwt => Config::Jwt(jwt::Config::read(&mut section)),
            Which::Introspection => Config::Introspection(introspection::Config::read(&mut section)),
            Which::Session => Config::Session(session::Config::read(&mut section)),
            Which::ApiKey => Config::ApiKey(api_key::Config::read(&mut section)),
            Which::Mtls => Config::Mtls(mtls::Config::read(&mut section)),
            Which::Basic => Config::Basic(basic::Config::read(&mut section)),
        };
        section.finish();
        Some(config)
    }
}

impl Needs {
    /// Opens keys and sessions. Blocks on the disk: for start-up.
    ///
    /// # Errors
    /// If the database or the file of the host's key cannot be used.
    pub fn open(database: Database, upstream: Upstream, observe: Observe) -> Result<Self, NeedsError> {
        let clock = Clock::default();
        let (secret, made) = Secret::open(database.state_dir())?;
        let keys = Keys::open(database.clone(), &secret, clock.clone())?;
        if made && !keys.list().is_empty() {
            tracing::error!(
                file = crate::secret::FILE,
                "the file was lost, so no API key is accepted; restore it from a backup, or rotate every key"
            );
        }
        Ok(Needs { database, clock, secret, keys, upstream, observe })
    }
}

impl Authenticators {
    /// These, taking over from `before` what is configured as it was (with its keys, caches and counters).
    pub fn new(configs: &BTreeMap<String, Config>, needs: &Needs, before: &Authenticators) -> Self {
        let make = |(name, config): (&String, &Config)| {
            let kept = before.0.get(name).filter(|kept| kept.config == *config).cloned();
            (name.clone(), kept.unwrap_or_else(|| Arc::new(Named::new(name, config, needs))))
        };
        Authenticators(configs.iter().map(make).collect())
    }

    /// Routes that authenticators answer themselves, such as those of a login.
    pub fn endpoints(&self) -> Vec<(RouteSpec, Arc<dyn Endpoint>)> {
        self.0.values().flat_map(|named| named.endpoints()).collect()
    }

    /// Those that a route names.
    pub fn route(&self, spec: &AccessSpec) -> Option<Authenticate> {
        let names = spec.auth.as_ref().filter(|names| !names.is_empty())?;
        Some(Authenticate(names.iter().filter_map(|name| self.0.get(&name.value).cloned()).collect()))
    }
}

/// Whether a route's authenticators exist.
pub fn check(configs: &BTreeMap<String, Config>, spec: &AccessSpec) -> Vec<Flaw> {
    let names = spec.auth.iter().flatten().filter(|name| !configs.contains_key(&name.value));
    let known: Vec<_> = configs.keys().map(String::as_str).collect();
    let known = if known.is_empty() { "names of [auth.NAME] tables".to_owned() } else { known.join(", ") };
    names
        .map(|name| {
            let repair = format!("define it: [auth.{}]", name.value);
            Flaw::new(
                name.line,
                "auth",
                format!("{:?}, which is not defined", name.value),
                known.clone(),
                repair,
            )
        })
        .collect()
}

impl Named {
    fn new(name: &str, config: &Config, needs: &Needs) -> Self {
        let authenticator = match config {
            Config::Jwt(config) => Authenticator::Jwt(jwt::Jwt::new(name, config, needs)),
            Config::Introspection(config) => {
                Authenticator::Introspection(introspection::Introspection::new(name, config, needs))
            }
            Config::Session(config) => Authenticator::Session(session::Sessions::new(name, config, needs)),
            Config::ApiKey(config) => Authenticator::ApiKey(api_key::ApiKeys::new(name, config, needs)),
            Config::Mtls(config) => Authenticator::Mtls(mtls::Mtls::new(name, config)),
            Config::Basic(config) => Authenticator::Basic(basic::Basic::new(name, config)),
        };
        Named { config: config.clone(), authenticator }
    }

    async fn authenticate(&self, exchange: &Exchange, head: &Parts, fields: &mut HeaderMap) -> Verdict {
        match &self.authenticator {
            Authenticator::Jwt(jwt) => jwt.authenticate(exchange, head).await,
            Authenticator::Introspection(one) => one.authenticate(exchange, head).await,
            Authenticator::Session(sessions) => sessions.authenticate(exchange, head, fields).await,
            Authenticator::ApiKey(keys) => keys.authenticate(exchange, head).await,
            Authenticator::Mtls(mtls) => mtls.authenticate(exchange),
            Authenticator::Basic(basic) => basic.authenticate(exchange, head).await,
        }
    }

    fn endpoints(&self) -> Vec<(RouteSpec, Arc<dyn Endpoint>)> {
        match &self.authenticator {
            Authenticator::Session(sessions) => sessions.endpoints(),
            _ => Vec::new(),
        }
    }

    /// For `WWW-Authenticate` (RFC 9110 section 11.6.1), if this kind has a scheme.
    fn challenge(&self) -> Option<HeaderValue> {
        match &self.authenticator {
            Authenticator::Jwt(jwt) => Some(jwt.challenge()),
            Authenticator::Introspection(one) => Some(one.challenge()),
            Authenticator::Session(_) | Authenticator::Mtls(_) => None,
            Authenticator::ApiKey(keys) => Some(keys.challenge()),
            Authenticator::Basic(basic) => Some(basic.challenge()),
        }
    }
}

impl Authenticate {
    /// Who asks. `fields` go on the reply, such as the cookie of a renewed session.
    ///
    /// # Errors
    /// [`Kind::Unauthenticated`] with `WWW-Authenticate`, or [`Kind::IdentityUnavailable`].
    pub async fn check(
        &self,
        exchange: &Exchange,
        head: &Parts,
        fields: &mut HeaderMap,
    ) -> Result<Arc<Principal>, Error> {
        for named in &self.0 {
            match named.authenticate(exchange, head, fields).await {
                Verdict::Absent => {}
                Verdict::Known(principal) => return Ok(principal),
                Verdict::Refused(error) => return Err(error),
            }
        }
        let error = Error::new(Kind::Unauthenticated, "this route asks who you are");
        let challenges = self.0.iter().filter_map(|named| named.challenge());
        Err(challenges.fold(error, |error, challenge| error.field(http::header::WWW_AUTHENTICATE, challenge)))
    }
}
