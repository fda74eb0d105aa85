//! The gate: the settings of all policies between the route and the call, compiled once per snapshot.
//!
//! **Invariant:** what cannot be compiled never comes into force; the gate before it stays.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use http::Request;
use ipnet::IpNet;
use ostler_core::gate::{Flaw, GateSpec, Priority};
use ostler_core::plugin::RouteSpec;
use ostler_core::{Authorize, Body, Endpoint, Peer, When};
use ostler_identity::authenticate::{self, Hidden, Needs};
use ostler_identity::{Authenticate, Authenticators, Authorization, Require, authorize, mfa};
use ostler_release::analysis::Figures;
use ostler_release::flags::Flags;
use ostler_release::rollout::Choice;
use ostler_runtime::Plugin;
use ostler_services::{Cache, RateLimits, limits};
use ostler_validation::{Documents, Validator};

use crate::cache::{Caching, Flights};
use crate::flags::{self, Switch, Switches, ofrep};
use crate::limit::Limiting;
use crate::overload::{self, Limit, Overload};
use crate::shadow::Shadow;
use crate::trial::Trial;

/// The tables of the configuration file that all routes share.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GateConfig {
    /// What paths in it are relative to.
    pub base: PathBuf,
    /// `[defaults]`
    pub defaults: GateSpec,
    /// `[server] trusted_proxies`: peers whose word on the client's address counts.
    pub trusted_proxies: Vec<IpNet>,
    /// `[auth.NAME]`
    pub auth: BTreeMap<String, authenticate::Config>,
    /// `[authorization]`
    pub authorization: authorize::Config,
    /// `[limits.NAME]`
    pub limits: BTreeMap<String, limits::Config>,
    /// `[overload]`
    pub overload: overload::Config,
    /// `[flags]`, as far as it concerns requests.
    pub flags: flags::Config,
}

/// What the policies need of the host; outlives every snapshot.
#[derive(Clone)]
pub struct GateServices {
    /// Counters.
    pub limits: RateLimits,
    /// Kept answers.
    pub cache: Cache,
    /// Feature flags.
    pub flags: Flags,
    /// For authenticators.
    pub identity: Needs,
    /// Who is let in when there is too much.
    pub overload: Arc<Overload>,
}

/// The gate in force.
pub struct Gate {
    pub(crate) config: GateConfig,
    services: GateServices,
    authenticators: Authenticators,
    hidden: Hidden,
    authorization: Arc<Authorization>,
    documents: Documents,
    limits: limits::Set,
    switches: Switches,
    /// Answers being made: a call that is under way is waited for under every gate.
    flights: Arc<Flights>,
}

/// A route that the gate answers itself, with what its requests must pass.
pub struct Own {
    /// Its pattern and methods.
    pub spec: RouteSpec,
    /// What requests must pass.
    pub gate: RouteGate,
    /// What answers.
    pub endpoint: Arc<dyn Endpoint>,
}

/// What the requests of one route must pass; absent is what was not asked for.
#[derive(Default)]
pub struct RouteGate {
    pub(crate) priority: Priority,
    /// Whether the plugin answers at all.
    pub(crate) switch: Option<Switch>,
    /// How many requests of its plugin may be under way.
    pub(crate) load: Option<Arc<Limit>>,
    pub(crate) limiting: Option<Limiting>,
    pub(crate) authenticate: Option<Authenticate>,
    pub(crate) authorization: Option<Arc<Authorization>>,
    pub(crate) require: Option<Require>,
    pub(crate) second_factor: Option<mfa::Rule>,
    pub(crate) hidden: Hidden,
    pub(crate) validate: Option<Validator>,
    pub(crate) cache: Option<Caching>,
}

impl Gate {
    /// The gate that `config` describes, taking over from `before` what stays as it was.
    ///
    /// # Errors
    /// What does not fit together.
    pub fn new(config: GateConfig, services: GateServices, before: Option<&Gate>) -> Result<Self, Vec<Flaw>> {
        let authorization = Authorization::new(&config.authorization, &config.base)?;
        let authorization = Arc::new(authorization.counting(&services.identity.observe.metrics));
        let limits = services.limits.next(&config.limits);
        let none = Authenticators::default();
        let known = before.map_or(&none, |gate| &gate.authenticators);
        let authenticators = Authenticators::new(&config.auth, &services.identity, known);
        let (hidden, documents) = (authenticators.hidden(), Documents::default());
        let (flags, exposures) = (services.flags.clone(), services.identity.observe.exposures.clone());
        let secret = config.auth.values().filter_map(authenticate::Config::field).cloned().collect();
        let switches = Switches::new(flags, exposures, config.flags.targeting.clone(), secret);
        let flights = before.map(|gate| gate.flights.clone()).unwrap_or_default();
        Ok(Gate {
            config,
            services,
            authenticators,
            hidden,
            authorization,
            documents,
            limits,
            switches,
            flights,
        })
    }

    /// Puts in force what is not part of a snapshot: the limits that plugins ask by name, the bounds of overload, and how many
    /// exposures are told. Only once all routes are compiled, so that a gate that is refused leaves no trace.
    pub fn enforce(&self) {
        self.services.limits.enforce(self.limits.clone());
        self.services.overload.apply(&self.config.overload);
        self.services.identity.observe.exposures.tell(self.config.flags.exposure_share());
    }

    /// Routes that the gate answers itself, with their path as pattern: those of logins and, where it has no listener of its
    /// own, the OFREP server.
    ///
    /// # Errors
    /// What does not fit together.
    pub fn endpoints(&self) -> Result<Vec<Own>, Vec<Flaw>> {
        let own = |(spec, endpoint)| Own { spec, gate: RouteGate::default(), endpoint };
        let mut all: Vec<_> = self.authenticators.endpoints().into_iter().map(own).collect();
        if self.config.flags.ofrep.as_ref().is_some_and(|config| config.listen.is_none()) {
            all.extend(self.ofrep()?);
        }
        Ok(all)
    }

    /// Routes of the OFREP server's own listener, if it has one.
    ///
    /// # Errors
    /// What does not fit together.
    pub fn aside(&self) -> Result<Vec<Own>, Vec<Flaw>> {
        match &self.config.flags.ofrep {
            Some(config) if config.listen.is_some() => self.ofrep(),
            _ => Ok(Vec::new()),
        }
    }

    fn ofrep(&self) -> Result<Vec<Own>, Vec<Flaw>> {
        let Some(config) = &self.config.flags.ofrep else { return Ok(Vec::new()) };
        let server = ofrep::Server {
            flags: self.services.flags.clone(),
            exposures: self.services.identity.observe.exposures.clone(),
            bulk_max: config.bulk,
            told: Default::default(),
        };
        let routes = ofrep::endpoints(config, server).into_iter();
        let compiled = |(spec, endpoint): (RouteSpec, _)| {
            let gate = RouteGate { load: None, ..self.compile(&spec, &spec.gate, "")? };
            Ok(Own { spec, gate, endpoint })
        };
        routes.map(compiled).collect()
    }

    /// Whether routes with a `when` are there.
    pub fn switches(&self) -> Switches {
        self.switches.clone()
    }

    /// Names of `[auth.NAME]` that take API keys.
    pub fn takes_api_keys(&self) -> Vec<String> {
        let taking = self.config.auth.iter().filter(|(_, config)| config.takes_api_keys());
        taking.map(|(name, _)| name.clone()).collect()
    }

    /// Peers whose word on the client's address counts.
    pub fn trusted_proxies(&self) -> Arc<[IpNet]> {
        self.config.trusted_proxies.as_slice().into()
    }

    /// What requests of `route` must pass, whose plugin says `plugin` and has `release` live (empty if it has none).
    ///
    /// # Errors
    /// What does not fit together.
    pub fn route(&self, route: &RouteSpec, plugin: &GateSpec, release: &str) -> Result<RouteGate, Vec<Flaw>> {
        self.compile(route, &route.gate.or(plugin).or(&self.config.defaults), release)
    }

    fn compile(&self, route: &RouteSpec, spec: &GateSpec, release: &str) -> Result<RouteGate, Vec<Flaw>> {
        let mut flaws = names(&self.config, spec);
        flaws.extend(crate::cache::check(&spec.cache));
        if !flaws.is_empty() {
            return Err(flaws);
        }
        let authenticate = self.authenticators.route(&spec.access);
        let (limits, switches) = (&self.services.limits, &self.switches);
        Ok(RouteGate {
            priority: spec.overload.priority.unwrap_or_default(),
            switch: None,
            load: Some(self.services.overload.plugin(&route.plugin)),
            limiting: Limiting::new(&spec.limits, limits, &self.limits, route, switches),
            authorization: Some(self.authorization.clone()),
            require: self.authorization.route(&spec.access, &route.path)?,
            second_factor: self.authenticators.second_factor(&spec.access),
            hidden: self.hidden.clone(),
            authenticate,
            validate: Validator::compile(&spec.validation, &self.config.base, &self.documents)?,
            cache: self.caching(spec, &route.plugin, release),
        })
    }
}

impl Gate {
    /// How the answers of `release` are kept on `route` beside those of the live one.
    fn kept_apart(&self, route: &RouteSpec, plugin: &GateSpec, release: &str) -> Option<Caching> {
        let mut spec = route.gate.or(plugin).or(&self.config.defaults);
        spec.cache.cache.as_mut()?.per_release = true;
        self.caching(&spec, &route.plugin, release)
    }

    fn caching(&self, spec: &GateSpec, plugin: &str, release: &str) -> Option<Caching> {
        Caching::new(spec, &self.services.cache, &self.flights, plugin, release, &self.switches)
    }

    /// A new release beside the live one of `route`, whose plugin says `plugin`.
    pub fn trial(
        &self,
        route: &RouteSpec,
        plugin: &GateSpec,
        choice: Arc<Choice>,
        candidate: Arc<Plugin>,
        stable: Arc<Figures>,
        shadow: Option<Arc<Shadow>>,
    ) -> Trial {
        let release: Arc<str> = candidate.digest().short().into();
        let metrics = self.services.identity.observe.metrics.route(&route.path, &route.plugin, &release);
        let load = self.services.overload.candidate(&route.plugin, &release);
        let cache = self.kept_apart(route, plugin, &release);
        Trial { choice, candidate, release, metrics, stable, shadow, load, cache }
    }
}

impl RouteGate {
    /// The same for a plugin that answers only while `when` holds.
    #[must_use]
    pub fn while_on(self, when: &Option<When>, gate: &Gate) -> Self {
        RouteGate { switch: gate.switches.switch(when), ..self }
    }

    /// Whether a request must pass anything before it is answered.
    pub(crate) fn asks(&self) -> bool {
        self.limiting.is_some()
            || self.authenticate.is_some()
            || self.require.is_some()
            || self.second_factor.is_some()
            || self.validate.is_some()
    }

    /// What answers plugins that ask within this request of `client`.
    pub(crate) fn authorize(
        &self,
        request: &Request<Body>,
        peer: &Peer,
        client: IpAddr,
    ) -> Option<Arc<dyn Authorize>> {
        let authorization = self.authorization.as_ref()?;
        Some(authorization.within(request.method(), request.uri(), peer, client))
    }
}

/// What is wrong with `config` and these routes (each beside what its plugin says), as far as can be told without starting.
pub fn check(config: &GateConfig, routes: &[(&RouteSpec, &GateSpec)]) -> Vec<Flaw> {
    let authorization = Authorization::new(&config.authorization, &config.base);
    let (mut flaws, documents) = (Vec::new(), Documents::default());
    for (route, plugin) in routes {
        let spec = route.gate.or(plugin).or(&config.defaults);
        flaws.extend(names(config, &spec));
        if let Ok(authorization) = &authorization {
            flaws.extend(authorization.route(&spec.access, &route.path).err().into_iter().flatten());
        }
        let validate = Validator::compile(&spec.validation, &config.base, &documents);
        flaws.extend(validate.err().into_iter().flatten());
        flaws.extend(crate::cache::check(&spec.cache));
    }
    if let Some(ofrep) = &config.flags.ofrep {
        flaws.extend(names(config, &ofrep.gate));
        if let Ok(authorization) = &authorization {
            flaws.extend(authorization.route(&ofrep.gate.access, &ofrep.path).err().into_iter().flatten());
        }
    }
    flaws.extend(authorization.err().into_iter().flatten());
    flaws.sort();
    flaws.dedup();
    flaws
}

/// Names in `spec` that stand for nothing.
fn names(config: &GateConfig, spec: &GateSpec) -> Vec<Flaw> {
    let mut flaws = authenticate::check(&config.auth, &spec.access);
    flaws.extend(crate::limit::check(&config.limits, &spec.limits));
    flaws.extend(mfa::check(&spec.access));
    flaws
}
