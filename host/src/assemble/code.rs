//! Machine code kept in the state folder, as the runtime asks for it.

use ostler_core::Digest;
use ostler_release::Code;
use ostler_runtime::CodeCache;

/// `Code` vouches for what it returns: it compares the SHA-256 recorded when it was stored.
pub(super) struct KeptCode(pub(super) Code);

impl KeptCode {
    /// Removes what this host's engines cannot load.
    pub(super) fn prune(&self, compatibility: &str) {
        if let Err(error) = self.0.prune(compatibility) {
            tracing::warn!(%error, "old machine code could not be removed");
        }
    }
}

impl CodeCache for KeptCode {
    fn load(&self, compatibility: &str, digest: &Digest) -> Option<Vec<u8>> {
        self.0.load(compatibility, digest)
    }

    fn store(&self, compatibility: &str, digest: &Digest, code: &[u8]) {
        if let Err(error) = self.0.store(compatibility, digest, code) {
            tracing::warn!(%error, %digest, "machine code is not kept; the next start compiles again");
        }
    }
}
