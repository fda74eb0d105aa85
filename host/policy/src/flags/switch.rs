//! `when`: whether a flag has a route, a plugin or a policy switched on.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use ostler_core::{Error, Exchange, Kind, When};
use ostler_observe::Exposures;
use ostler_release::flags::provider::Kind as Type;
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
    secret: Vec<HeaderName>,
}

/// One switch.
#[derive(Clone)]
pub(crate) struct Switch {
    switches: Switches,
    when: When,
}

impl Switches {
    /// Switches that `flags` throw, for the clients that `targeting` names. Fields of the names `secret` carry credentials.
    pub fn new(
        flags: Flags,
        exposures: Exposures,
        targeting: Option<Targeting>,
        secret: Vec<HeaderName>,
    ) -> Self {
        Switches(Arc::new(Inner { flags, exposures, targeting, secret }))
    }

    /// What stands for the client of a request with these fields, if it says.
    pub(crate) fn visitor(&self, headers: &HeaderMap) -> Option<Arc<String>> {
        self.0.targeting.as_ref()?.visitor(headers).map(|name| Arc::new(name.to_owned()))
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
        let Inner { flags, exposures, secret, .. } = &*self.0;
        asker.secret = secret;
        // What the flag has to be taken for, where it says nothing.
        let default = otherwise == when.on;
        let said = flags.boolean(&when.flag, default, &asker);
        super::note(exposures, "when", &when.flag, &said, || asker.targeting_key().map(Cow::into_owned));
        said.value == when.on
    }
}

impl Switch {
    /// What is to be waited for before the switch is looked at, where another provider throws it: its first answer. Without it
    /// a client's first request would be answered as if nobody had switched anything.
    pub(crate) fn ahead(
        &self,
        exchange: &Exchange,
        headers: &HeaderMap,
        plugin: &str,
    ) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
        let Inner { flags, secret, .. } = &*self.switches.0;
        let mut asker = Asker::routed(exchange, headers, plugin);
        asker.secret = secret;
        let asked = || flags.prepare(&self.when.flag, Type::Boolean, &asker);
        flags.is_other().then(|| Box::pin(asked()) as _)
    }

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
