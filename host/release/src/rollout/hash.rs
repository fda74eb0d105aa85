//! XXH64, as its specification has it (xxHash 0.8, `doc/xxhash_spec.md`): the same number on every machine, in every version.
//!
//! **Invariant:** it never changes: who saw which release, and what a rollout that survived an update says of it, hang on it.

const PRIMES: [u64; 5] = [
    0x9E37_79B1_85EB_CA87,
    0xC2B2_AE3D_27D4_EB4F,
    0x1656_67B1_9E37_79F9,
    0x85EB_CA77_C2B2_AE63,
    0x27D4_EB2F_1656_67C5,
];

/// The hash of `bytes` under `seed`.
pub(super) fn xxh64(bytes: &[u8], seed: u64) -> u64 {
    let (stripes, rest) = bytes.as_chunks::<32>();
    let start = if stripes.is_empty() { seed.wrapping_add(PRIMES[4]) } else { converge(stripes, seed) };
    avalanche(finish(rest, start.wrapping_add(bytes.len() as u64)))
}

/// Steps 2 and 3: four lanes over the stripes of 32 bytes, brought together.
fn converge(stripes: &[[u8; 32]], seed: u64) -> u64 {
    let first = seed.wrapping_add(PRIMES[0]);
    let mut lanes =
        [first.wrapping_add(PRIMES[1]), seed.wrapping_add(PRIMES[1]), seed, seed.wrapping_sub(PRIMES[0])];
    for stripe in stripes {
        let (words, _) = stripe.as_chunks::<8>();
        for (lane, word) in lanes.iter_mut().zip(words) {
            *lane = round(*lane, u64::from_le_bytes(*word));
        }
    }
    let turned = lanes.iter().zip([1, 7, 12, 18]);
    let sum = turned.fold(0_u64, |sum, (lane, by)| sum.wrapping_add(lane.rotate_left(by)));
    lanes
        .iter()
        .fold(sum, |hash, lane| (hash ^ round(0, *lane)).wrapping_mul(PRIMES[0]).wrapping_add(PRIMES[3]))
}

/// Step 5: what is left of the input, in words, a half word, and bytes.
fn finish(rest: &[u8], mut hash: u64) -> u64 {
    let (words, rest) = rest.as_chunks::<8>();
    for word in words {
        hash ^= round(0, u64::from_le_bytes(*word));
        hash = hash.rotate_left(27).wrapping_mul(PRIMES[0]).wrapping_add(PRIMES[3]);
    }
    let (halves, rest) = rest.as_chunks::<4>();
    for half in halves {
        hash ^= u64::from(u32::from_le_bytes(*half)).wrapping_mul(PRIMES[0]);
        hash = hash.rotate_left(23).wrapping_mul(PRIMES[1]).wrapping_add(PRIMES[2]);
    }
    for byte in rest {
        hash ^= u64::from(*byte).wrapping_mul(PRIMES[4]);
        hash = hash.rotate_left(11).wrapping_mul(PRIMES[0]);
    }
    hash
}

fn round(lane: u64, word: u64) -> u64 {
    lane.wrapping_add(word.wrapping_mul(PRIMES[1])).rotate_left(31).wrapping_mul(PRIMES[0])
}

fn avalanche(mut hash: u64) -> u64 {
    hash = (hash ^ hash >> 33).wrapping_mul(PRIMES[1]);
    hash = (hash ^ hash >> 29).wrapping_mul(PRIMES[2]);
    hash ^ hash >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with the reference implementation.
    #[test]
    fn it_is_the_published_function() {
        for (input, seed, hash) in [
            ("", 0, 0xEF46_DB37_51D8_E999),
            ("a", 0, 0xD24E_C4F1_A98C_6E5B),
            ("abc", 0, 0x44BC_2CF5_AD77_0999),
            ("Nobody inspects the spammish repetition", 0, 0xFBCE_A83C_8A37_8BF1),
            ("Nobody inspects the spammish repetition", 2_654_435_761, 0x56DB_22DD_5B05_1147),
            ("0123456789abcdefghijklmnopqrstuv", 1, 0x00BA_2405_4523_56F1),
            ("12345678901234567890123", u64::MAX, 0xC0A8_8B4F_9522_78E6),
        ] {
            assert_eq!(xxh64(input.as_bytes(), seed), hash, "{input}");
        }
    }
}
