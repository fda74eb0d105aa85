//! The choice between the release that is live and the one that takes over from it, where one does.
//!
//! **Invariant:** whatever is kept of the new release's answers is given to nobody whom the old one serves, and the other way round.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use ostler_core::{Exchange, Kind};
use ostler_observe::metrics::RouteMetrics;
use ostler_release::analysis::{Fault, Figures};
use ostler_release::rollout::{Arm, Asker, Choice};
use ostler_runtime::Plugin;

use crate::cache::Caching;
use crate::overload::Limit;
use crate::shadow::Shadow;

/// A new release of a route's plugin, beside the live one.
pub struct Trial {
    /// Who is served by which.
    pub choice: Arc<Choice>,
    /// The new release.
    pub candidate: Arc<Plugin>,
    /// Its short digest.
    pub release: Arc<str>,
    /// Where its requests are counted.
    pub metrics: Arc<RouteMetrics>,
    /// What the live release has done.
    pub stable: Arc<Figures>,
    /// It gets copies, and serves nobody.
    pub shadow: Option<Arc<Shadow>>,
    /// How many requests it may have under way: its own, so that it takes no place from those whom the live release serves.
    pub(crate) load: Arc<Limit>,
    pub(crate) cache: Option<Caching>,
}

/// Which of the two serves one exchange.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chosen {
    pub(crate) arm: Arm,
    pub(crate) subject: u64,
    /// The share decided, so that it counts for the comparison.
    pub(crate) drawn: bool,
}

impl Trial {
    /// Which release answers; `named` is what the fields said whose request it is, before credentials were taken out.
    pub(crate) fn choose(&self, named: Option<u64>, exchange: &Exchange, headers: &HeaderMap) -> Chosen {
        let principal = exchange.principal.as_deref();
        let permitted = |permission: &str| {
            let authorize = exchange.authorize.as_ref();
            authorize.is_some_and(|authorize| authorize.check(principal, permission, "").allowed)
        };
        let asker = Asker { principal, client: exchange.client, headers, permitted: &permitted };
        let subject = self.choice.subject_of(named, &asker);
        let (arm, drawn) = self.choice.pick_for(&asker, subject);
        Chosen { arm, subject, drawn }
    }

    /// Where what comes of the exchange is counted, and for whom. Testers and those whom a rule names are no sample of users.
    pub(crate) fn counted(&self, chosen: Chosen) -> Option<(Arc<Figures>, u64)> {
        let figures = match chosen.arm {
            Arm::Stable => &self.stable,
            Arm::Candidate => self.candidate.figures(),
        };
        chosen.drawn.then(|| (figures.clone(), chosen.subject))
    }
}

/// How the release failed, if it did. What the client could have avoided is no fault of it.
pub(crate) fn fault(outcome: Result<StatusCode, Kind>) -> Option<Fault> {
    use Kind::{DeadlineExceeded, PluginLimitExceeded, PluginOutOfMemory, PluginTrapped};
    match outcome {
        Ok(status) => status.is_server_error().then_some(Fault::Error),
        Err(DeadlineExceeded) => Some(Fault::Deadline),
        Err(PluginTrapped | PluginOutOfMemory | PluginLimitExceeded) => Some(Fault::Trap),
        Err(kind) => kind.facts().status.is_server_error().then_some(Fault::Error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_what_the_client_could_not_avoid() {
        assert_eq!(fault(Ok(StatusCode::OK)), None);
        assert_eq!(fault(Ok(StatusCode::NOT_FOUND)), None);
        assert_eq!(fault(Ok(StatusCode::BAD_GATEWAY)), Some(Fault::Error));
        assert_eq!(fault(Err(Kind::PluginTrapped)), Some(Fault::Trap));
        assert_eq!(fault(Err(Kind::DeadlineExceeded)), Some(Fault::Deadline));
        assert_eq!(fault(Err(Kind::Overloaded)), Some(Fault::Error));
        assert_eq!(fault(Err(Kind::BodyTooLarge)), None);
    }
}
