//! `when`: whether a flag has a route, a plugin or a policy switched on.

use std::borrow::Cow;
use std::sync::Arc;

use http::HeaderMap;
use ostler_core::{Error, Exchange, Kind, When};
use ostler_observe::Exposures;
use ostler_release::flags::{Context, Flags};

use super::{Asker, Targeting};

/// What all switches of a host are asked by. Cheap to clone.
#[derive(Clone, Default)]
pub struct Switches(Arc<Inner>);

#[derive(Default)]
struct Inner {
    flags: Flags,
    exposures: Exposures,
    targeting: Option<Targeting>,
}

/// One switch.
#[derive(Clone)]
pub(crate) struct Switch {
    switches: Switches,
    when: When,
}

impl Switches {
    /// Switches that `flags` throw, for the clients that `targeting` names.
    pub fn new(flags: Flags, exposures: Exposures, targeting: Option<Targeting>) -> Self {
        Switches(Arc::new(Inner { flags, exposures, targeting }))
    }

    /// Whether a route is there. A flag that says nothing counts as false.
    pub(crate) fn has_route(&self, when: &When, asker: Asker<'_>) -> bool {
        self.holds(when, asker, !when.on)
    }

    /// The switch of something else.
    pub(crate) fn switch(&self, when: &Option<When>) -> Option<Switch> {
        when.clone().map(|when| Switch { switches: self.clone(), when })
    }

    fn holds<'a>(&'a self, when: &When, mut asker: Asker<'a>, otherwise: bool) -> bool {
        let Inner { flags, exposures, targeting } = &*self.0;
        asker.targeting = targeting.as_ref();
        // What the flag has to be taken for, where it says nothing.
        let default = otherwise == when.on;
        let said = flags.boolean(&when.flag, default, &asker);
        super::note(exposures, "when", &when.flag, &said, || asker.targeting_key().map(Cow::into_owned));
        said.value == when.on
    }
}

impl Switch {
    /// Whether it is on. A flag that says nothing leaves it on.
    pub(crate) fn on(&self, exchange: &Exchange, headers: &HeaderMap, plugin: &str) -> bool {
        self.switches.holds(&self.when, Asker::routed(exchange, headers, plugin), true)
    }

    /// The refusal of a plugin's requests where it is off.
    pub(crate) fn check(&self, exchange: &Exchange, headers: &HeaderMap, plugin: &str) -> Result<(), Error> {
        if self.on(exchange, headers, plugin) {
            return Ok(());
        }
        Err(Error::new(Kind::PluginSwitchedOff, "what answers here is switched off for now"))
    }
}
