//! `[auth.NAME]`: the ways in which a client can prove who it is. Each kind is a file of one shape.
//!
//! A route names authenticators; the first one that knows a credential for one of its own decides, and what it finds wrong is
//! refused although another one might let the client in. What was proved before is remembered and costs next to nothing.
//! **Invariant:** a principal is never made of anything but a proof; whatever fields a client sends, they are no more than that.

mod api_key;
mod basic;
mod challenge;
mod claims;
mod credential;
mod failures;
mod fetch;
mod file;
mod introspection;
mod jwt;
mod mtls;
mod needs;
mod reason;
mod remembered;
mod routes;
mod secret;
mod strict;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use ostler_core::gate::{AccessSpec, Flaw};
use ostler_core::plugin::RouteSpec;
use ostler_core::settings::Section;
use ostler_core::{Endpoint, Error, Exchange, Kind, Principal};
use ostler_observe::Observe;
use ostler_services::Clock;
use ostler_upstream::Upstream;

use crate::host_key::HostKey;
use crate::keys::Keys;
use crate::login::{self, Site};
use crate::mfa::Factors;
use crate::sessions::Sessions;
pub use basic::hash as hash_password;
pub(crate) use claims::Mapping;
pub use failures::Failures;
use failures::Tally;
pub(crate) use fetch::{Fetch, Http, Target};
pub use introspection::MAX_CACHE;
pub use jwt::LEEWAY;
pub(crate) use jwt::Verifier;
pub use needs::NeedsError;
pub(crate) use reason::Reason;
pub use routes::Hidden;
pub(crate) use secret::Secret;

/// One `[auth.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Config {
    /// `kind = "jwt"`
    Jwt(jwt::Config),
    /// `kind = "introspection"`
    Introspection(introspection::Config),
    /// `kind = "oidc"`
    Session(login::Config),
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
    /// For what expires.
    pub clock: Clock,
    /// Hashes what this host must know again but not keep.
    pub secret: HostKey,
    /// API keys.
    pub keys: Keys,
    /// Sessions of browsers.
    pub sessions: Sessions,
    /// Second factors.
    pub factors: Factors,
    /// The way to issuers.
    pub upstream: Upstream,
    /// Where lines and counts go.
    pub observe: Observe,
    /// Failed attempts; one for all authenticators of a host, before and after a reload.
    pub failures: Arc<Failures>,
}

/// All authenticators of this host, by name.
#[derive(Clone, Default)]
pub struct Authenticators(BTreeMap<String, Arc<Named>>);

/// The authenticators of one route, in its order.
#[derive(Default)]
pub struct Authenticate(Vec<Arc<Named>>);

struct Named {
    name: Arc<str>,
    config: Config,
    authenticator: Authenticator,
    tally: Arc<Tally>,
    failures: Arc<Failures>,
}

enum Authenticator {
    Jwt(jwt::Jwt),
    Introspection(introspection::Introspection),
    Session(Arc<Site>),
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
    /// It has a credential, which is not accepted. `Reason::X.refuse()` makes an error that is counted under its reason.
    Refused(Error),
    /// It has a credential that another authenticator may know, such as a token of another issuer; refused if none does.
    Foreign(Error),
}

impl Config {
    /// Whether it is one of `kind = "api-key"`.
    pub fn takes_api_keys(&self) -> bool {
        matches!(self, Config::ApiKey(_))
    }

    /// Reads one authenticator, and the files that it names, which are relative to `base`; so files that changed make a
    /// configuration that changed.
    pub fn read(mut section: Section<'_>, base: &Path) -> Option<Self> {
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
            Which::Jwt => Config::Jwt(jwt::Config::read(&mut section, base)),
            Which::Introspection => Config::Introspection(introspection::Config::read(&mut section)),
            Which::Session => Config::Session(login::Config::read(&mut section)),
            Which::ApiKey => Config::ApiKey(api_key::Config::read(&mut section)),
            Which::Mtls => Config::Mtls(mtls::Config::read(&mut section)),
            Which::Basic => Config::Basic(basic::Config::read(&mut section, base)),
        };
        section.finish();
        Some(config)
    }

    /// Whether it needs listeners that ask for client certificates.
    pub fn asks_for_certificates(&self) -> bool {
        matches!(self, Config::Mtls(_))
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
            Config::Session(config) => Authenticator::Session(Arc::new(Site::new(name, config, needs))),
            Config::ApiKey(config) => Authenticator::ApiKey(api_key::ApiKeys::new(name, config, needs)),
            Config::Mtls(config) => Authenticator::Mtls(mtls::Mtls::new(name, config)),
            Config::Basic(config) => Authenticator::Basic(basic::Basic::new(name, config)),
        };
        let (config, failures) = (config.clone(), needs.failures.clone());
        Named { name: name.into(), config, authenticator, tally: failures.tally(name), failures }
    }

    /// The principal of a credential that was proved before; asks nobody and waits for nothing.
    fn remembered(&self, exchange: &Exchange, head: &Parts) -> Option<Arc<Principal>> {
        match &self.authenticator {
            Authenticator::Jwt(jwt) => jwt.remembered(head),
            Authenticator::Introspection(one) => one.remembered(head),
            Authenticator::Mtls(mtls) => mtls.remembered(exchange),
            Authenticator::Basic(basic) => basic.remembered(head),
            Authenticator::ApiKey(keys) => keys.remembered(head),
            Authenticator::Session(site) => site.remembered(head),
        }
    }

    /// Whether the request brings something that this authenticator would look at.
    fn present(&self, exchange: &Exchange, head: &Parts) -> bool {
        match &self.authenticator {
            Authenticator::Jwt(jwt) => jwt.present(head),
            Authenticator::Introspection(one) => one.present(head),
            Authenticator::Mtls(_) => exchange.peer.certificate.is_some(),
            Authenticator::Basic(basic) => basic.present(head),
            Authenticator::ApiKey(keys) => keys.present(head),
            Authenticator::Session(site) => site.present(head),
        }
    }

    /// Takes the credential out of what the plugin will see, unless it is to be passed on.
    fn forget(&self, headers: &mut HeaderMap) {
        match &self.authenticator {
            Authenticator::Jwt(jwt) => jwt.forget(headers),
            Authenticator::Introspection(one) => one.forget(headers),
            Authenticator::Basic(basic) => basic.forget(headers),
            Authenticator::ApiKey(keys) => keys.forget(headers),
            Authenticator::Mtls(_) | Authenticator::Session(_) => {}
        }
    }

    async fn authenticate(&self, exchange: &Exchange, head: &Parts, fields: &mut HeaderMap) -> Verdict {
        match &self.authenticator {
            Authenticator::Jwt(jwt) => jwt.authenticate(exchange, head).await,
            Authenticator::Introspection(one) => one.authenticate(exchange, head).await,
            Authenticator::Session(site) => site.authenticate(head, fields, exchange.deadline).await,
            Authenticator::ApiKey(keys) => keys.authenticate(head),
            Authenticator::Mtls(mtls) => mtls.authenticate(exchange),
            Authenticator::Basic(basic) => basic.authenticate(exchange, head).await,
        }
    }

    fn endpoints(&self) -> Vec<(RouteSpec, Arc<dyn Endpoint>)> {
        match &self.authenticator {
            Authenticator::Session(site) => login::endpoints(site),
            _ => Vec::new(),
        }
    }

    /// For `WWW-Authenticate` (RFC 9110 section 11.6.1), if this kind has a scheme; `refused` says why it did not accept what
    /// it found.
    fn challenge(&self, refused: Option<Reason>) -> Option<HeaderValue> {
        match &self.authenticator {
            Authenticator::Jwt(_) | Authenticator::Introspection(_) => {
                Some(challenge::bearer(&self.name, refused))
            }
            Authenticator::Session(_) => None,
            Authenticator::Mtls(_) => Some(challenge::certificate(&self.name)),
            Authenticator::ApiKey(keys) => Some(keys.challenge()),
            Authenticator::Basic(_) => Some(challenge::basic(&self.name)),
        }
    }

    /// Looks at a credential that is not remembered; slower for an address that many failures came from.
    async fn prove(&self, exchange: &Exchange, head: &Parts, fields: &mut HeaderMap) -> Verdict {
        if self.present(exchange, head)
            && let Err(error) = self.failures.admit(exchange.client, exchange.deadline).await
        {
            return Verdict::Refused(error);
        }
        let verdict = self.authenticate(exchange, head, fields).await;
        if matches!(verdict, Verdict::Known(_)) {
            self.failures.succeeded(exchange.client);
        }
        verdict
    }

    fn accept(&self, principal: &Principal, head: &mut Parts) {
        self.tally.accept(principal.method);
        self.forget(&mut head.headers);
    }

    /// Counts a refusal, and tells it in one line without the credential.
    fn refuse(&self, exchange: &Exchange, error: &Error) -> Reason {
        let reason = Reason::of(error);
        self.tally.refuse(reason);
        if reason.is_guess() {
            self.failures.failed(exchange.client);
        }
        tracing::info!(
            request_id = exchange.id.as_str(),
            authenticator = &*self.name,
            reason = reason.code(),
            client = %exchange.client,
            "a credential is not accepted"
        );
        reason
    }
}

impl Authenticate {
    /// Who asks. `fields` go on the reply, such as the cookie of a renewed session; the credential is taken out of `head`.
    ///
    /// # Errors
    /// [`Kind::Unauthenticated`] with `WWW-Authenticate`, or [`Kind::IdentityUnavailable`]; 429 for an address from which too
    /// many attempts failed.
    pub async fn check(
        &self,
        exchange: &Exchange,
        head: &mut Parts,
        fields: &mut HeaderMap,
    ) -> Result<Arc<Principal>, Error> {
        let mut foreign = None;
        for named in &self.0 {
            let verdict = match named.remembered(exchange, head) {
                Some(principal) => Verdict::Known(principal),
                None => Box::pin(named.prove(exchange, head, fields)).await,
            };
            match verdict {
                Verdict::Absent => {}
                Verdict::Foreign(error) => foreign = foreign.or(Some((named, error))),
                Verdict::Refused(error) => return Err(self.refused(named, error, exchange)),
                Verdict::Known(principal) => {
                    named.accept(&principal, head);
                    return Ok(principal);
                }
            }
        }
        Err(match foreign {
            Some((named, error)) => self.refused(named, error, exchange),
            None => self.stranger(head),
        })
    }

    /// Somebody without a credential: challenged, and led to the login if a person waits for a page.
    fn stranger(&self, head: &Parts) -> Error {
        let error = Error::new(Kind::Unauthenticated, "this route asks who you are");
        let way_in = self.0.iter().find_map(|named| match &named.authenticator {
            Authenticator::Session(site) => site.way_in(head),
            _ => None,
        });
        match way_in {
            Some(location) => error.redirect(location),
            None => self.challenged(error, None),
        }
    }

    fn refused(&self, named: &Arc<Named>, error: Error, exchange: &Exchange) -> Error {
        let reason = named.refuse(exchange, &error);
        let asks = matches!(error.kind, Kind::Unauthenticated) || reason == Reason::Several;
        if asks { self.challenged(error, Some((named, reason))) } else { error }
    }

    /// Adds one challenge for each way in.
    fn challenged(&self, error: Error, refused: Option<(&Arc<Named>, Reason)>) -> Error {
        let by = |named: &Arc<Named>| {
            let reason = refused.filter(|(other, _)| Arc::ptr_eq(other, named)).map(|(_, reason)| reason);
            named.challenge(reason)
        };
        let challenges = self.0.iter().filter_map(by);
        challenges.fold(error, |error, challenge| error.field(http::header::WWW_AUTHENTICATE, challenge))
    }
}
