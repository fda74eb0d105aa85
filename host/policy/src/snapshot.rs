//! Everything a request needs to know, in one immutable value.
//!
//! A reload or a deploy builds the next one and swaps it in; a request finishes on the one it has loaded.

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use ostler_core::Endpoint;
use ostler_observe::metrics::RouteMetrics;
use ostler_runtime::Plugin;

use crate::flags::Switches;
use crate::gate::RouteGate;
use crate::route::Router;
use crate::trial::Trial;

/// The routes in force.
#[derive(Default)]
pub struct Snapshot {
    /// Finds a request's route.
    pub router: Router<Route>,
    /// Peers whose word on the client's address counts.
    pub trusted_proxies: Arc<[IpNet]>,
    /// Whether routes with a `when` are there.
    pub switches: Switches,
}

/// One route, with all that its requests need.
pub struct Route {
    /// Path pattern as configured.
    pub pattern: Arc<str>,
    /// Name of the plugin.
    pub plugin: Arc<str>,
    /// Short digest of its live release, empty if it has none.
    pub release: Arc<str>,
    /// What requests must pass.
    pub gate: Arc<RouteGate>,
    /// What answers.
    pub target: Target,
    /// A new release that takes over from it.
    pub trial: Option<Trial>,
    /// Where its requests are counted.
    pub metrics: Arc<RouteMetrics>,
}

/// What answers the requests of a route.
pub enum Target {
    /// The live release of a plugin, if it has one.
    Plugin(Option<Arc<Plugin>>),
    /// This host, as for the steps of a login.
    Endpoint(Arc<dyn Endpoint>),
}

/// Time for an answer that no plugin gives.
const ENDPOINT_DEADLINE: Duration = Duration::from_secs(10);

impl Route {
    /// Bytes of request body that its handler takes.
    pub(crate) fn body_max(&self) -> u64 {
        match &self.target {
            Target::Plugin(Some(plugin)) => plugin.spec().request_body,
            Target::Plugin(None) | Target::Endpoint(_) => 0,
        }
    }

    pub(crate) fn deadline(&self) -> Duration {
        match &self.target {
            Target::Plugin(Some(plugin)) => plugin.spec().deadline,
            Target::Plugin(None) | Target::Endpoint(_) => ENDPOINT_DEADLINE,
        }
    }
}
