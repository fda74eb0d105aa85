//! Everything a request needs to know, in one immutable value.
//!
//! A reload or a deploy builds the next one and swaps it in; a request finishes on the one it has loaded.

use std::sync::Arc;

use ostler_observe::metrics::RouteMetrics;
use ostler_runtime::Plugin;

use crate::route::Router;

/// The routes in force.
#[derive(Default)]
pub struct Snapshot {
    /// Finds a request's route.
    pub router: Router<Route>,
}

/// One route, with all that its requests need.
pub struct Route {
    /// Path pattern as configured.
    pub pattern: Arc<str>,
    /// Name of the plugin.
    pub plugin: Arc<str>,
    /// Short digest of its live release, empty if it has none.
    pub release: Arc<str>,
    /// Its live release.
    pub live: Option<Arc<Plugin>>,
    /// Where its requests are counted.
    pub metrics: Arc<RouteMetrics>,
}
