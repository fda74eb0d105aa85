//! Durable key-value stores for plugins and policies, over the database of this host.
//!
//! Reads are plain functions, writes are `async` and durable once they return. Every store, key, value, batch and page is
//! bounded. **Invariant:** an expired entry is never seen, whether or not it has been swept yet.

mod account;
mod atomic;
mod cursor;
mod entry;
mod error;
mod held;
mod limits;
mod list;
mod read;
mod sweep;
#[cfg(test)]
mod tests;
mod write;

pub use error::Error;
pub use limits::{BATCH_BYTES_MAX, BATCH_MAX, ENTRY_COST, KEY_MAX, LIST_MAX, VALUE_MAX};
pub use list::{Page, Scan};

use std::path::Path;
use std::sync::Arc;

use crate::{Clock, Database};

/// What a store may hold: 1 GiB.
pub const DEFAULT_QUOTA: u64 = 1 << 30;

/// The key-value stores of this host, by name; clones share them. A store comes to be with its first entry.
///
/// Who may use which store is for the caller to decide; here every well-formed name is good.
#[derive(Debug, Clone)]
pub struct Kv {
    database: Database,
    clock: Clock,
    quota: u64,
    /// Where writes go that must not reach the database.
    held: Option<Arc<held::Held>>,
}

/// A key and what to set it to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// 1 to 512 bytes, any bytes.
    pub key: Vec<u8>,
    /// At most 1 MiB.
    pub value: Vec<u8>,
}

impl Kv {
    /// Stores in `database`, each with the default quota. Spawn [`Kv::sweep_forever`] beside it.
    pub fn new(database: Database) -> Self {
        Kv { database, clock: Clock::default(), quota: DEFAULT_QUOTA, held: None }
    }

    /// The folder whose database they are in.
    pub fn state_dir(&self) -> &Path {
        self.database.state_dir()
    }

    /// With another clock.
    pub fn with_clock(self, clock: Clock) -> Self {
        Kv { clock, ..self }
    }

    /// With another quota: bytes each store may hold, keys and values and [`ENTRY_COST`] per entry.
    pub fn with_quota(self, quota: u64) -> Self {
        Kv { quota, ..self }
    }
}
