//! Requests for the same answer wait for the one that is being made.
//!
//! **Invariant:** whoever waits is told of the end, however the one who makes it ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderName;
use ostler_services::cache::Entry;
use tokio::sync::watch;

/// Answers being made, by key. All routes share them, as they share what is kept: a key says all that answers differ by.
#[derive(Default)]
pub(crate) struct Flights(Mutex<HashMap<Vec<u8>, watch::Receiver<Option<Outcome>>>>);

/// How making an answer ended.
#[derive(Clone)]
pub(super) enum Outcome {
    /// It was kept under this key, and differs by these fields.
    Kept { entry: Arc<Entry>, key: Arc<[u8]>, vary: Option<(Arc<[HeaderName]>, u64)> },
    /// The plugin failed.
    Failed,
    /// It is for nobody else.
    Alone,
}

/// What a request is to do.
pub(super) enum Role {
    /// Make the answer.
    Lead(Lead),
    /// Wait for it.
    Wait(watch::Receiver<Option<Outcome>>),
}

/// The duty to tell those who wait.
pub(super) struct Lead {
    flights: Arc<Flights>,
    key: Vec<u8>,
    outcome: watch::Sender<Option<Outcome>>,
}

impl Flights {
    /// Makes the caller the one who makes the answer of `key`, or tells it to wait.
    pub(super) fn join(self: &Arc<Self>, key: &[u8]) -> Role {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiting) = flights.get(key) {
            return Role::Wait(waiting.clone());
        }
        let (outcome, waiting) = watch::channel(None);
        flights.insert(key.to_vec(), waiting);
        Role::Lead(Lead { flights: self.clone(), key: key.to_vec(), outcome })
    }
}

impl Lead {
    /// Tells those who wait.
    pub(super) fn end(self, outcome: Outcome) {
        self.outcome.send_replace(Some(outcome));
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.flights.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
        // Those who wait take an end without a word for `Alone`: the channel closes with this.
    }
}
