//! What an API key looks like: `ok_ID_SECRET`, where the last six characters of SECRET are a checksum.
//!
//! The prefix lets secret scanners find keys, the checksum lets them (and this host) tell a typo from a key at once.
//! **Invariant:** the secret is 186 random bits, and nothing here shows it but [`Text::reveal`].

use sha2::{Digest, Sha256};

use crate::host_key::{Hash, HostKey, random};

/// What every key begins with.
pub(crate) const PREFIX: &str = "ok_";

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Characters of the public id.
const ID: usize = 12;

/// Characters of the secret before its checksum: `log2(62) * 32` is 190 bits, less what the draw below loses.
const SECRET: usize = 32;

/// Characters of the checksum.
const SUM: usize = 6;

/// A new key, until it has been shown.
pub(crate) struct Text(String);

impl Text {
    /// A key with a new id.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        Text::of(&draw::<ID>()?)
    }

    /// A key with the id of another, which it replaces.
    pub(crate) fn of(id: &str) -> Result<Self, getrandom::Error> {
        let body = format!("{PREFIX}{id}_{}", draw::<SECRET>()?);
        let sum = checksum(&body);
        Ok(Text(body + &sum))
    }

    /// The whole key, to be shown once.
    pub(crate) fn reveal(self) -> String {
        self.0
    }

    /// Its public part.
    pub(crate) fn id(&self) -> &str {
        &self.0[PREFIX.len()..PREFIX.len() + ID]
    }

    /// What is kept of it.
    pub(crate) fn hash(&self, secret: &HostKey) -> Hash {
        secret.hash(&[self.0.as_bytes()])
    }
}

/// The id in `text`, if it has the form of a key and no typo.
pub(crate) fn id(text: &str) -> Option<&str> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let sane = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if id.len() != ID || secret.len() != SECRET + SUM || !sane(id) || !sane(secret) {
        return None;
    }
    let (body, sum) = text.split_at(text.len() - SUM);
    (checksum(body) == sum).then_some(id)
}

/// 32 bits of a hash in base 62.
fn checksum(body: &str) -> String {
    let hash = Sha256::digest(body.as_bytes());
    let mut rest = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
    let digit = |_| {
        let digit = ALPHABET[(rest % 62) as usize];
        rest /= 62;
        char::from(digit)
    };
    (0..SUM).map(digit).collect()
}

/// `N` characters, each as likely as any other.
fn draw<const N: usize>() -> Result<String, getrandom::Error> {
    let mut text = String::with_capacity(N);
    while text.len() < N {
        // 248 is the largest multiple of 62 that fits a byte.
        let fair = random::<64>()?.into_iter().filter(|byte| *byte < 248);
        text.extend(fair.take(N - text.len()).map(|byte| char::from(ALPHABET[usize::from(byte) % 62])));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_its_id_its_secret_and_no_equal() {
        let (one, other) = (Text::new().unwrap(), Text::new().unwrap());
        assert_ne!(one.id(), other.id());
        let again = Text::of(one.id()).unwrap();
        assert_eq!(again.id(), one.id());
        let secret = HostKey::new(b"k");
        assert_ne!(again.hash(&secret), one.hash(&secret));
        let text = one.reveal();
        assert_eq!(text.len(), "ok_".len() + 12 + 1 + 38);
        assert_eq!(id(&text), text.get(3..15));
    }

    #[test]
    fn typos_and_strange_texts_are_no_keys() {
        let text = Text::new().unwrap().reveal();
        for place in 0..text.len() {
            let mut typo = text.clone().into_bytes();
            typo[place] = if typo[place] == b'x' { b'y' } else { b'x' };
            assert_eq!(id(&String::from_utf8(typo).unwrap()), None, "{place}");
        }
        for strange in ["", "ok_", "ok__", "ok_a_b", "sk_live_x", "ok_äääääääääääää_", &format!("{text}0")] {
            assert_eq!(id(strange), None, "{strange:?}");
        }
    }
}
