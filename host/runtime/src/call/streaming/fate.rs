//! What a guest's call failed with, told to its body before the body's channel closes. The first failure counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use ostler_core::Kind;

/// Nothing bad so far.
const FINE: u8 = 0;

/// The fate of one call, shared with its body.
#[derive(Debug, Clone, Default)]
pub(in crate::call) struct Fate(Arc<AtomicU8>);

/// Marks the call as failed when dropped, unless told otherwise. Hold it in a variable declared after the instance, so
/// that it is dropped before it.
pub(in crate::call) struct Guard(Option<Fate>);

impl Fate {
    /// What the call failed with, if it has.
    pub(super) fn failed(&self) -> Option<Kind> {
        match self.0.load(Ordering::Acquire) {
            FINE => None,
            number => Kind::ALL.get(usize::from(number) - 1).copied(),
        }
    }

    /// A guard of this fate.
    pub(in crate::call) fn guard(self) -> Guard {
        Guard(Some(self))
    }

    /// The call has failed with `kind`, unless it had failed before.
    pub(super) fn set(&self, kind: Kind) {
        let _ = self.0.compare_exchange(FINE, kind as u8 + 1, Ordering::Release, Ordering::Relaxed);
    }
}

impl Guard {
    /// The call ended well.
    pub(in crate::call) fn fine(mut self) {
        self.0 = None;
    }

    /// The call failed with `kind`.
    pub(in crate::call) fn failed(mut self, kind: Kind) {
        if let Some(fate) = self.0.take() {
            fate.set(kind);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(fate) = self.0.take() {
            // Only the deadline, or a client that went away, drops a call.
            fate.set(Kind::DeadlineExceeded);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_call_has_failed_and_a_finished_one_has_not() {
        let fates = [Fate::default(), Fate::default(), Fate::default()];
        fates[0].clone().guard().fine();
        fates[1].clone().guard().failed(Kind::PluginTrapped);
        drop(fates[2].clone().guard());
        fates[1].set(Kind::BodyTooLarge);
        let told = fates.map(|fate| fate.failed());
        assert_eq!(told, [None, Some(Kind::PluginTrapped), Some(Kind::DeadlineExceeded)]);
    }
}
