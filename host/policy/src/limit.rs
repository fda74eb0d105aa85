//! Takes each request from the limits that its route names: those by address before authentication, the others after.

use std::collections::BTreeMap;

use http::HeaderMap;
use http::request::Parts;
use ostler_core::gate::{Flaw, LimitsSpec};
use ostler_core::plugin::RouteSpec;
use ostler_core::{Error, Exchange};
use ostler_services::{RateLimits, limits};

/// The limits of one route.
pub(crate) struct Limiting {}

impl Limiting {
    pub(crate) fn new(_spec: &LimitsSpec, _limits: &RateLimits, _route: &RouteSpec) -> Option<Self> {
        None
    }

    /// RateLimits whose key is known before the client is. `fields` go on the reply.
    pub(crate) async fn before(
        &self,
        _exchange: &Exchange,
        _head: &Parts,
        _fields: &mut HeaderMap,
    ) -> Result<(), Error> {
        Ok(())
    }

    /// RateLimits whose key is the client.
    pub(crate) async fn after(
        &self,
        _exchange: &Exchange,
        _head: &Parts,
        _fields: &mut HeaderMap,
    ) -> Result<(), Error> {
        Ok(())
    }
}

/// Names of limits that are not defined.
pub(crate) fn check(_limits: &BTreeMap<String, limits::Config>, _spec: &LimitsSpec) -> Vec<Flaw> {
    Vec::new()
}
