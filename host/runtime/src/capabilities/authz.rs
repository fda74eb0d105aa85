//! `ostler:plugin/authz`: what the principal of the exchange may do.

use crate::bindings::authz::{Decision, Host};
use crate::guest::Guest;

impl Host for Guest {
    fn check(&mut self, permission: String, resource: String) -> wasmtime::Result<Decision> {
        let exchange = self.exchange.as_ref();
        let Some(authorize) = exchange.and_then(|exchange| exchange.authorize.as_ref()) else {
            return Ok(Decision { allowed: false, reason: "this host has no [authorization]".into() });
        };
        let principal = exchange.and_then(|exchange| exchange.principal.as_deref());
        let decision = authorize.check(principal, &permission, &resource);
        Ok(Decision { allowed: decision.allowed, reason: decision.reason })
    }
}
