//! One plugin as the control plane keeps it.

use std::sync::Arc;

use ostler_core::plugin::{Definition, RouteSpec};
use ostler_runtime::{Component, Plugin};

/// A plugin, with its live release if it has one.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) definition: Definition,
    /// Routes defined with it; those of the configuration file stand elsewhere.
    pub(super) routes: Vec<RouteSpec>,
    pub(super) origin: Origin,
    pub(super) live: Option<Live>,
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

impl Origin {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Origin::File => "file",
            Origin::Api => "api",
        }
    }
}
