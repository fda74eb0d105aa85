//! The right to make a value, held by one caller at a time on this host.
//!
//! **Invariant:** a right ends with its guard, and at the latest after [`LIFE`]; then one who waits gets it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Longest life of a right.
pub(super) const LIFE: Duration = Duration::from_secs(30);

/// All rights of this host.
#[derive(Default)]
pub(super) struct Locks(Mutex<HashMap<Box<[u8]>, Held>>);

struct Held {
    number: u64,
    until: Instant,
    freed: Arc<Notify>,
}

/// The right to make the value of one key; given back when dropped.
pub struct Guard {
    locks: Arc<Locks>,
    key: Box<[u8]>,
    number: u64,
    /// The last purge when the right was given: what is made may be older than a later one.
    pub(super) position: u64,
}

impl Locks {
    /// The right for `key`, if nobody holds it; else what tells of its end, and the latest moment of that.
    pub(super) fn take(self: &Arc<Self>, key: &[u8], position: u64) -> Result<Guard, (Arc<Notify>, Instant)> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some(other) = held.get(key)
            && now < other.until
        {
            return Err((other.freed.clone(), other.until));
        }
        let number = fastrand::u64(..);
        let freed = held.remove(key).map(|expired| expired.freed).unwrap_or_default();
        held.insert(key.into(), Held { number, until: now + LIFE, freed });
        Ok(Guard { locks: self.clone(), key: key.into(), number, position })
    }
}

impl Guard {
    /// Whether it is for `key`.
    pub(super) fn is_for(&self, key: &[u8]) -> bool {
        *self.key == *key
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut held = self.locks.0.lock().unwrap_or_else(PoisonError::into_inner);
        // After its life another may hold it.
        if held.get(&self.key).is_some_and(|held| held.number == self.number)
            && let Some(own) = held.remove(&self.key)
        {
            own.freed.notify_waiters();
        }
    }
}
