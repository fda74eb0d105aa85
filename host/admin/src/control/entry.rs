//! One plugin as the control plane keeps it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ostler_core::plugin::{Definition, RouteSpec};
use ostler_policy::Shadow;
use ostler_release::rollout::Choice;
use ostler_runtime::{Component, Plugin};

/// A plugin, with its live release if it has one.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) definition: Definition,
    /// Routes defined with it; those of the configuration file stand elsewhere.
    pub(super) routes: Vec<RouteSpec>,
    pub(super) origin: Origin,
    pub(super) live: Option<Live>,
    /// A release that takes over from the live one.
    pub(super) trial: Option<OnTrial>,
    /// The release before the live one, ready to take over again.
    pub(super) kept: Option<Kept>,
}

/// Who defined a plugin, and so who may change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    File,
    Api,
}

/// A release that serves.
#[derive(Clone)]
pub(super) struct Live {
    pub(super) component: Component,
    pub(super) plugin: Arc<Plugin>,
}

/// A release that serves some.
#[derive(Clone)]
pub(super) struct OnTrial {
    pub(super) live: Live,
    /// Whom it serves.
    pub(super) choice: Arc<Choice>,
    /// It serves nobody, and gets copies.
    pub(super) shadow: Option<Shadowing>,
}

/// The same release where nothing it does leaves.
#[derive(Clone)]
pub(super) struct Shadowing {
    pub(super) plugin: Arc<Plugin>,
    pub(super) of: Arc<Shadow>,
}

impl OnTrial {
    /// The one whose figures are those of the new release.
    pub(super) fn measured(&self) -> &Arc<Plugin> {
        self.shadow.as_ref().map_or(&self.live.plugin, |shadow| &shadow.plugin)
    }
}

/// A release that serves nobody, and could at once.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) live: Live,
    pub(super) until: Instant,
}

impl Kept {
    /// Kept from now on.
    pub(super) fn until(live: Live, keep: Duration) -> Self {
        Kept { live, until: Instant::now() + keep }
    }
}

impl Entry {
    /// A plugin without releases on trial.
    pub(super) fn new(
        definition: Definition,
        routes: Vec<RouteSpec>,
        origin: Origin,
        live: Option<Live>,
    ) -> Self {
        Entry { definition, routes, origin, live, trial: None, kept: None }
    }

    /// All its releases that run.
    pub(super) fn running(&self) -> impl Iterator<Item = &Live> {
        let trial = self.trial.as_ref().map(|trial| &trial.live);
        self.live.iter().chain(trial)
    }
}

impl Origin {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Origin::File => "file",
            Origin::Api => "api",
        }
    }
}
