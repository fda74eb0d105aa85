//! How a server tells its connections that it is ending: finish what you have, then stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// Where a server stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Taking connections and requests.
    Serving,
    /// Taking no connections; finishing requests.
    Draining,
    /// The grace period is over.
    Cut,
}

/// The server's end.
pub(crate) struct Signal {
    phase: watch::Sender<Phase>,
    ending: Arc<AtomicBool>,
}

/// A connection's end.
#[derive(Clone)]
pub(crate) struct Drain {
    phase: watch::Receiver<Phase>,
    ending: Arc<AtomicBool>,
}

impl Signal {
    pub(crate) fn new() -> (Self, Drain) {
        let (sender, receiver) = watch::channel(Phase::Serving);
        let ending = Arc::new(AtomicBool::new(false));
        (Signal { phase: sender, ending: Arc::clone(&ending) }, Drain { phase: receiver, ending })
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.ending.store(true, Ordering::Release);
        self.phase.send_replace(phase);
    }
}

impl Drain {
    /// Whether any phase but the first has begun: a load, where asking the channel would take a lock. Its wake-up
    /// follows, so a task that waits in [`Drain::reached`] need not be polled again before this is true.
    pub(crate) fn ending(&self) -> bool {
        self.ending.load(Ordering::Acquire)
    }

    /// Waits until `phase` has begun (or the server is gone).
    pub(crate) async fn reached(&mut self, phase: Phase) {
        // An error says that the server is gone, which ends every wait.
        let _ = self.phase.wait_for(|current| *current >= phase).await;
    }
}
