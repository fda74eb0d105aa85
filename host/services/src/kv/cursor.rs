//! Where a page ended, as a text that the caller hands back: the last key seen, bound to its store and prefix.
//!
//! The sum guards against mistakes (another prefix, a cut text), not against forgers: a cursor grants nothing.

use std::fmt::Write;

use super::Error;
use super::limits::{KEY_MAX, invalid};

/// Writes the cursor behind `key`.
pub(super) fn encode(store: &str, prefix: &[u8], key: &[u8]) -> String {
    let mut text = String::with_capacity(16 + 2 * key.len());
    for byte in sum(store, prefix, key).to_be_bytes().iter().chain(key) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Reads the key that a cursor stands behind.
pub(super) fn decode(store: &str, prefix: &[u8], cursor: &str) -> Result<Vec<u8>, Error> {
    let bytes = if cursor.len() <= 2 * (8 + KEY_MAX) { unhex(cursor.as_bytes()) } else { None };
    match bytes.as_deref().and_then(|bytes| bytes.split_first_chunk()) {
        Some((found, key)) if *found == sum(store, prefix, key).to_be_bytes() => Ok(key.to_vec()),
        _ => invalid("the cursor is not one this list returned; begin again without one".into()),
    }
}

fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let pairs = text.chunks(2).map(|pair| match *pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    });
    pairs.collect()
}

/// FNV-1a over the parts, each behind its length.
fn sum(store: &str, prefix: &[u8], key: &[u8]) -> u64 {
    let parts = [store.as_bytes(), prefix, key];
    let bytes = parts.iter().flat_map(|part| {
        let length = part.len().to_be_bytes();
        length.into_iter().chain(part.iter().copied())
    });
    bytes.fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_only_where_it_was_made() {
        let cursor = encode("s", b"a", b"ab\x00\xff");
        assert_eq!(decode("s", b"a", &cursor).unwrap(), b"ab\x00\xff");
        for (store, prefix) in [("t", &b"a"[..]), ("s", b"ab"), ("s", b"")] {
            assert!(decode(store, prefix, &cursor).is_err());
        }
    }

    #[test]
    fn a_tampered_cursor_is_refused_at_every_byte() {
        let cursor = encode("s", b"a", b"abc");
        for at in 0..cursor.len() {
            for with in ["0", "f", "G", "é", ""] {
                let mut text = cursor.clone();
                text.replace_range(at..=at, with);
                if text != cursor {
                    assert!(matches!(decode("s", b"a", &text), Err(Error::Invalid(_))), "{text}");
                }
            }
        }
        for text in ["", "0", "00", "ffffffffffffffff", "\0", &"0".repeat(1 << 20), &cursor.to_uppercase()] {
            assert!(matches!(decode("s", b"a", text), Err(Error::Invalid(_))), "{text}");
        }
    }
}
