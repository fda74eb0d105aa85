//! The name of a counter: 128 bits of a hash over its parts.
//!
//! For counters of this host the hash is keyed and its key made at start, so that nobody can look for names that fall
//! together. For shared ones it is SHA-256, the same on every host; what it is made of never reaches Redis.

use std::hash::{BuildHasher, Hasher, RandomState};

use sha2::{Digest, Sha256};

/// Names one counter of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u64; 2]);

/// Takes the parts of a key.
pub struct KeyWriter(Hash);

enum Hash {
    Local(std::hash::DefaultHasher),
    Shared(Sha256),
}

impl KeyWriter {
    pub(super) fn local(seed: &RandomState) -> Self {
        KeyWriter(Hash::Local(seed.build_hasher()))
    }

    pub(super) fn shared() -> Self {
        KeyWriter(Hash::Shared(Sha256::new()))
    }

    /// One part: what it is, and its text. No two lists of parts give the same bytes.
    pub fn part(&mut self, kind: u8, text: &[u8]) {
        let length = (text.len() as u64) << 8 | u64::from(kind);
        match &mut self.0 {
            Hash::Local(hasher) => {
                hasher.write_u64(length);
                hasher.write(text);
            }
            Hash::Shared(hasher) => {
                hasher.update(length.to_le_bytes());
                hasher.update(text);
            }
        }
    }

    /// The key.
    pub fn finish(self) -> Key {
        match self.0 {
            Hash::Local(hasher) => {
                let mut second = hasher.clone();
                second.write_u8(1);
                Key([hasher.finish(), second.finish()])
            }
            Hash::Shared(hasher) => {
                let digest: [u8; 32] = hasher.finalize().into();
                let half =
                    |at: usize| digest[at..at + 8].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
                Key([half(0), half(8)])
            }
        }
    }
}

impl Key {
    /// What tells it from others in its shard; never 0.
    pub(super) fn print(self) -> u64 {
        self.0[0].max(1)
    }

    /// What chooses its shard.
    pub(super) fn shard(self) -> usize {
        self.0[1] as usize
    }

    /// As 32 hex digits.
    pub(super) fn hex(self) -> String {
        format!("{:016x}{:016x}", self.0[0], self.0[1])
    }

    #[cfg(test)]
    pub(super) fn of(print: u64, shard: u64) -> Self {
        Key([print, shard])
    }
}
