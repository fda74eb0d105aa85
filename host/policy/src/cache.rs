//! Keeps answers and gives them again (RFC 9111), and lets requests for the same one wait for each other.

use std::sync::Arc;

use http::{Request, Response};
use ostler_core::gate::{CacheSpec, Flaw};
use ostler_core::plugin::RouteSpec;
use ostler_core::{Body, Error, Exchange};
use ostler_runtime::Plugin;
use ostler_services::Cache;

/// How answers of one route are kept.
pub(crate) struct Caching {}

impl Caching {
    pub(crate) fn new(_spec: &CacheSpec, _cache: &Cache, _route: &RouteSpec) -> Option<Self> {
        None
    }

    /// Answers from what is kept, or calls the plugin and keeps what it answers.
    pub(crate) async fn answer(
        &self,
        plugin: &Arc<Plugin>,
        exchange: Exchange,
        request: Request<Body>,
    ) -> Result<Response<Body>, Error> {
        ostler_runtime::call(plugin, exchange, request).await
    }
}

/// What does not fit together.
pub(crate) fn check(_spec: &CacheSpec) -> Vec<Flaw> {
    Vec::new()
}
