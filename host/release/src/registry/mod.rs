//! Which plugins were defined over the API, which releases they have, and which release is live.
//!
//! Reads are plain functions. A change is `async`, runs to its end even if its caller goes away, and is durable once it
//! returns. **Invariant:** while a release has a row, its component has a file; `files` is held where the two could part.

mod admission;
mod change;
mod definition;
mod files;
mod history;
mod release;
mod rollout;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use ostler_core::Digest;
use ostler_services::{Clock, Database};
use tokio::sync::Mutex;

pub use admission::{REFUSALS, Refused};
pub use definition::{DEFINITION_MAX, DEFINITIONS_MAX, Definition};
pub use history::HISTORY;
pub use release::{NewRelease, Recorded, Release};
pub use rollout::{EVENTS, ROLLOUTS};

use crate::artifacts::Artifacts;
use crate::{Code, Error};

/// Releases a plugin keeps, the live one among them.
pub const KEEP: usize = 20;

/// The state of all plugins; clones share it.
#[derive(Debug, Clone)]
pub struct Registry {
    database: Database,
    artifacts: Artifacts,
    code: Code,
    clock: Clock,
    keep: usize,
    files: Arc<Mutex<()>>,
}

impl Registry {
    /// Opens the registry in `database` and the folders beside it, and removes what a crash left there: torn files, and
    /// components that no release names. Blocks on the disk: for start-up.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn open(database: Database) -> Result<Self, Error> {
        let artifacts = Artifacts::open(database.state_dir())?;
        let code = Code::open(database.clone())?;
        let named: HashSet<Digest> = database.read(release::all_digests)?;
        artifacts.clear(|digest| named.contains(digest))?;
        let (clock, files) = (Clock::default(), Arc::default());
        Ok(Registry { database, artifacts, code, clock, keep: KEEP, files })
    }

    /// With another clock.
    pub fn with_clock(self, clock: Clock) -> Self {
        Registry { clock, ..self }
    }

    /// With another number of releases a plugin keeps (at least 1: the live one).
    pub fn with_keep(self, keep: usize) -> Self {
        Registry { keep: keep.max(1), ..self }
    }

    /// The machine code of components.
    pub fn code(&self) -> &Code {
        &self.code
    }

    /// The component of a release.
    ///
    /// # Errors
    /// `ArtifactLost` if its file is gone or holds other bytes; `Unavailable`.
    pub async fn component(&self, digest: Digest) -> Result<Bytes, Error> {
        self.artifacts.load(digest).await
    }
}
