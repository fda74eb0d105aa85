//! Credentials that were proved, with whom they proved: what makes the second request with a token cost next to nothing.
//!
//! **Invariant:** found by all bytes of the credential, so that no two are ever taken for each other; and forgotten by their end
//! of life, by another generation of keys, or for want of room.

use std::sync::Arc;

use moka::sync::Cache;
use ostler_core::Principal;

/// Bytes of credentials and principals that one authenticator remembers.
const ROOM: u64 = 32 << 20;
/// What an entry weighs beside its credential and claims, so that small ones are counted too.
const OVERHEAD: usize = 512;

/// What was proved.
#[derive(Debug)]
pub(crate) struct Proved {
    /// By whom it was sent.
    pub(crate) principal: Arc<Principal>,
    /// Unix milliseconds at which it ends.
    pub(crate) until_ms: i64,
    /// Generation of the keys that proved it.
    pub(crate) generation: u64,
    /// Bytes of the claims, as they were sent.
    pub(crate) claims: usize,
}

/// The credentials of one authenticator.
pub(crate) struct Remembered(Cache<Box<[u8]>, Arc<Proved>, foldhash::fast::RandomState>);

impl Default for Remembered {
    fn default() -> Self {
        let builder = Cache::<Box<[u8]>, Arc<Proved>>::builder().max_capacity(ROOM);
        // Parsed claims take several times the bytes of their text.
        let builder = builder.weigher(|credential, proved| {
            u32::try_from(credential.len() + 4 * proved.claims + OVERHEAD).unwrap_or(u32::MAX)
        });
        Remembered(builder.build_with_hasher(foldhash::fast::RandomState::default()))
    }
}

impl Remembered {
    /// Whom `credential` proved at `now_ms` with keys of `generation`.
    pub(crate) fn get(&self, credential: &[u8], now_ms: i64, generation: u64) -> Option<Arc<Principal>> {
        let proved = self.0.get(credential)?;
        if proved.until_ms > now_ms && proved.generation == generation {
            return Some(proved.principal.clone());
        }
        self.0.invalidate(credential);
        None
    }

    /// Remembers that `credential` proved something.
    pub(crate) fn put(&self, credential: &[u8], proved: Proved) {
        self.0.insert(credential.into(), Arc::new(proved));
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> u64 {
        self.0.run_pending_tasks();
        self.0.entry_count()
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use ostler_core::principal::{Assurance, Method};

    use super::*;

    fn proved(subject: &str, until_ms: i64, generation: u64) -> Proved {
        let principal = Principal {
            subject: subject.into(),
            tenant: None,
            roles: Vec::new(),
            scopes: Vec::new(),
            authenticator: "t".into(),
            method: Method::Jwt,
            authenticated_at: SystemTime::UNIX_EPOCH,
            assurance: Assurance::default(),
            claims: Arc::default(),
        };
        Proved { principal: Arc::new(principal), until_ms, generation, claims: 1_000 }
    }

    #[test]
    fn a_credential_is_forgotten_at_its_end_and_with_its_keys() {
        let remembered = Remembered::default();
        remembered.put(b"a", proved("a", 1_000, 1));
        remembered.put(b"b", proved("b", 1_000, 1));
        assert_eq!(remembered.get(b"a", 999, 1).unwrap().subject.as_ref(), "a");
        assert!(remembered.get(b"a", 1_000, 1).is_none());
        assert!(remembered.get(b"a", 999, 1).is_none(), "it does not come back with the clock");
        assert!(remembered.get(b"b", 999, 2).is_none());
        assert!(remembered.get(b"", 0, 1).is_none());
    }

    #[test]
    fn the_room_is_bounded_by_bytes() {
        let remembered = Remembered::default();
        for index in 0..20_000u32 {
            remembered.put(&index.to_be_bytes().repeat(100), proved("x", i64::MAX, 1));
        }
        let count = remembered.count();
        assert!((1_000..10_000).contains(&count), "{count}");
    }
}
