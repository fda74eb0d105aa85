//! Subjects (principals, or addresses) fall into few buckets by their hash: requests of one subject resemble each other, and
//! statistics that took each for news of its own would be surer than they may be.
//!
//! **Invariant:** no bucket tells whose requests are in it.

use std::hash::{BuildHasher, Hash};

/// Buckets. Enough that the variance between them is known to an eighth, few enough for a cache.
pub const SUBJECTS: usize = 128;

/// A subject's number, the same in every run: nothing secret is in it, and nothing but its bucket is ever kept.
pub fn subject_hash(subject: &impl Hash) -> u64 {
    foldhash::quality::FixedState::with_seed(0x6f73_746c_6572).hash_one(subject)
}

/// The bucket of a subject. Mixed once more, since the same hash may already have chosen the release.
#[inline]
pub(crate) fn bucket(subject: u64) -> usize {
    let product = u128::from(subject ^ 0x243f_6a88_85a3_08d3) * 0x9e37_79b9_7f4a_7c15;
    let mixed = (product >> 64) as u64 ^ product as u64;
    (mixed >> 57) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_spread_evenly_whatever_share_of_hashes_a_release_got() {
        for skip in [1_u64, 1 << 32, 100] {
            let mut counts = [0_u32; SUBJECTS];
            for n in 0..128_000_u64 {
                let hash = foldhash::quality::FixedState::with_seed(1);
                counts[bucket(std::hash::BuildHasher::hash_one(&hash, n) / skip)] += 1;
            }
            let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
            assert!(*least > 800 && *most < 1_200, "{least} to {most}");
        }
    }
}
