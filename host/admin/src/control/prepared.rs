//! The next state of the control plane, made whole before anything of it is recorded or shown.
//!
//! **Invariant:** whatever could be refused is refused before it is recorded; what has been prepared is put in force and cannot
//! fail. Whoever prepares holds `change` until then.

use std::sync::Arc;

use ostler_policy::Snapshot;

use super::entry::Entry;
use super::{Control, Refusal, State};

/// A state, and all that requests will see of it.
pub(super) struct Prepared {
    state: State,
    snapshot: Snapshot,
    aside: Snapshot,
}

impl Control {
    /// `next`, if all of it fits together.
    pub(super) fn prepared(&self, next: State) -> Result<Prepared, Refusal> {
        let ((snapshot, compiled), aside) = (self.snapshot(&next)?, self.aside_snapshot(&next)?);
        Ok(Prepared { state: State { compiled: Arc::new(compiled), ..next }, snapshot, aside })
    }

    /// The state in force, changed.
    pub(super) async fn prepare(
        &self,
        change: impl FnOnce(&mut State) -> Result<(), Refusal>,
    ) -> Result<Prepared, Refusal> {
        let mut next = self.0.state.lock().await.clone();
        change(&mut next)?;
        self.prepared(next)
    }

    /// The state in force, with `entry` for the plugin `name`.
    pub(super) async fn prepare_entry(&self, name: &str, entry: Entry) -> Result<Prepared, Refusal> {
        let put = |state: &mut State| {
            state.plugins.insert(name.to_owned(), entry);
            Ok(())
        };
        self.prepare(put).await
    }

    /// Puts what was prepared in force: the next request sees it.
    pub(super) async fn put(&self, Prepared { state, snapshot, aside }: Prepared) {
        let mut in_force = self.0.state.lock().await;
        self.0.order.swap(snapshot);
        self.0.aside.swap(aside);
        if let Some(gate) = &state.gate {
            gate.enforce();
        }
        *in_force = state;
    }
}
