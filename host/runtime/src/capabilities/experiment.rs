//! `ostler:plugin/experiment`: what experiments are decided by.

use ostler_core::Exchange;
use ostler_release::analysis::{Figures, subject_hash};
use ostler_release::rollout::network;

use crate::bindings::experiment::Host;
use crate::guest::Guest;

impl Host for Guest {
    fn track(&mut self, metric: String, value: f64) -> wasmtime::Result<bool> {
        let who = self.exchange.as_ref().map_or(0, who);
        let subject = self.exchange.as_ref().and_then(|exchange| exchange.subject).unwrap_or(who);
        // The release's word is the answer; a variant that has seen other metrics may have no room for one more.
        let taken = match self.exchange.as_ref().is_none_or(|exchange| exchange.drawn) {
            true => self.env.figures.track(subject, &metric, value),
            false => Figures::takes(&metric, value),
        };
        for variant in &self.exposed {
            variant.track(who, &metric, value);
        }
        Ok(taken)
    }
}

impl Guest {
    /// Notes that this exchange was given `variant` of `flag`, which is under experiment: the first one it was given counts, and
    /// so does what it tracks from here on.
    pub(crate) fn exposed(&mut self, flag: &str, variant: &str) {
        if self.exposed.iter().any(|known| known.experiment() == flag) {
            return;
        }
        let who = self.exchange.as_ref().map_or(0, who);
        self.exposed.extend(self.env.experiments.exposed(flag, variant, who));
    }
}

/// Who asks: the principal, else the client's address. The same whatever rollout is under way, so that weeks compare.
fn who(exchange: &Exchange) -> u64 {
    match &exchange.principal {
        Some(principal) => subject_hash(&(&*principal.authenticator, &*principal.subject)),
        None => subject_hash(&network(exchange.client)),
    }
}
