//! `ostler:plugin/experiment`: what experiments are decided by.

use ostler_core::Exchange;
use ostler_release::analysis::subject_hash;

use crate::bindings::experiment::Host;
use crate::guest::Guest;

impl Host for Guest {
    fn track(&mut self, metric: String, value: f64) -> wasmtime::Result<bool> {
        let subject = self.exchange.as_ref().map_or(0, subject);
        Ok(self.env.figures.track(subject, &metric, value))
    }
}

/// Who asks: the principal, else the client's address.
fn subject(exchange: &Exchange) -> u64 {
    match &exchange.principal {
        Some(principal) => subject_hash(&(&*principal.authenticator, &*principal.subject)),
        None => subject_hash(&exchange.client),
    }
}
