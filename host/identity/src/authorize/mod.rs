//! `[authorization]`: what a principal may, by its roles and scopes, its tenant, and rules.
//!
//! **Invariant:** what nothing allows is forbidden.

use http::request::Parts;
use ostler_core::gate::{AccessSpec, Flaw};
use ostler_core::settings::Section;
use ostler_core::{Authorize, Decision, Error, Exchange, Principal};

/// Settings of `[authorization]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {}

/// Roles and rules in force.
#[derive(Default)]
pub struct Authorization {}

/// What one route asks of its clients.
pub struct Require {}

impl Config {
    /// Reads `[authorization]`.
    pub fn read(section: Section<'_>) -> Self {
        section.finish();
        Config {}
    }
}

impl Authorization {
    /// Compiles roles and rules; paths in `config` are relative to `base`.
    ///
    /// # Errors
    /// What does not fit together.
    pub fn new(_config: &Config, _base: &std::path::Path) -> Result<Self, Vec<Flaw>> {
        Ok(Authorization {})
    }

    /// What a route with this path pattern asks of its clients; none if nothing.
    ///
    /// # Errors
    /// What does not fit together.
    pub fn route(&self, _spec: &AccessSpec, _pattern: &str) -> Result<Option<Require>, Vec<Flaw>> {
        Ok(None)
    }
}

impl Authorize for Authorization {
    fn check(&self, _principal: Option<&Principal>, _permission: &str, _resource: &str) -> Decision {
        Decision { allowed: false, reason: "nothing allows it".into() }
    }
}

impl Require {
    /// Whether the exchange's principal may make this request.
    ///
    /// # Errors
    /// `Forbidden`, `StepUpRequired` or `Unauthenticated`.
    pub fn check(
        &self,
        _authorization: &Authorization,
        _exchange: &Exchange,
        _head: &Parts,
    ) -> Result<(), Error> {
        Ok(())
    }
}
