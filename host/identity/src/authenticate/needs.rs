//! What authenticators need of the host, opened at a start.

use std::sync::Arc;

use ostler_observe::Observe;
use ostler_services::{Clock, Database, DatabaseError};
use ostler_upstream::Upstream;

use super::{Failures, Needs};
use crate::host_key::{self, HostKey, HostKeyError};
use crate::keys::Keys;

/// Why keys and sessions cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum NeedsError {
    /// The host's key.
    #[error(transparent)]
    Key(#[from] HostKeyError),
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl Needs {
    /// Opens keys and sessions. Blocks on the disk: for start-up.
    ///
    /// # Errors
    /// If the database or the file of the host's key cannot be used.
    pub fn open(
        database: Database,
        upstream: Upstream,
        observe: Observe,
        failures: Arc<Failures>,
    ) -> Result<Self, NeedsError> {
        let clock = Clock::default();
        let (secret, made) = HostKey::open(database.state_dir())?;
        let keys = Keys::open(database.clone(), &secret, clock.clone())?;
        if made && !keys.list().is_empty() {
            tracing::error!(
                file = host_key::FILE,
                "the file was lost, so no API key is accepted; restore it from a backup, or rotate every key"
            );
        }
        Ok(Needs { database, clock, secret, keys, upstream, observe, failures })
    }
}
