//! A login that has begun: what must come back with the provider's answer, kept in a signed cookie of the browser that began it.
//!
//! **Invariant:** an answer is taken once, within minutes, and only from the browser that began the login.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::return_to;
use crate::host_key::{HostKey, random_text, same};

/// Time in which a login must be finished.
pub(crate) const LIFE: Duration = Duration::from_secs(600);

/// Finished logins that are remembered, so that none is finished twice.
const USED_MAX: usize = 100_000;

/// A login under way.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    /// Ties the answer to this attempt (RFC 6749 section 10.12).
    pub(crate) state: String,
    /// Ties the ID token to it (OpenID Connect Core section 15.5.2).
    pub(crate) nonce: String,
    /// Ties the code to it (RFC 7636).
    pub(crate) verifier: String,
    /// Path to go to in the end.
    pub(crate) return_to: String,
    /// Unix milliseconds.
    begun_ms: i64,
}

/// Signs attempts and takes each back once.
pub(crate) struct Attempts {
    key: HostKey,
    /// Hashes of finished ones, with the time from which on the signature's age refuses them.
    used: Mutex<HashMap<[u8; 32], i64>>,
}

impl Attempts {
    pub(crate) fn new(key: &HostKey, authenticator: &str) -> Self {
        let key = key.purpose(&format!("login {authenticator}"));
        Attempts { key, used: Mutex::default() }
    }

    /// A new one.
    pub(crate) fn begin(&self, return_to: &str, now_ms: i64) -> Result<Attempt, getrandom::Error> {
        let (state, nonce, verifier) = (random_text()?, random_text()?, random_text()?);
        Ok(Attempt { state, nonce, verifier, return_to: return_to.to_owned(), begun_ms: now_ms })
    }

    /// As the value of a cookie.
    pub(crate) fn seal(&self, attempt: &Attempt) -> String {
        let body = URL_SAFE_NO_PAD.encode(serde_json::json!(attempt).to_string());
        let mac = URL_SAFE_NO_PAD.encode(self.key.hash(&[body.as_bytes()]));
        format!("{body}.{mac}")
    }

    /// The attempt in a cookie that this host made, for the answer with `state`; none the second time.
    pub(crate) fn take(&self, cookie: &str, state: &str, now_ms: i64) -> Option<Attempt> {
        let (body, mac) = cookie.split_once('.')?;
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        if !same(&mac, &self.key.hash(&[body.as_bytes()])) {
            return None;
        }
        let attempt: Attempt = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()?;
        let ends_ms = attempt.begun_ms + LIFE.as_millis() as i64;
        let fresh = (attempt.begun_ms..ends_ms).contains(&now_ms);
        let own = same(attempt.state.as_bytes(), state.as_bytes());
        if !fresh || !own || return_to::check(&attempt.return_to).is_none() {
            return None;
        }
        self.first(Sha256::digest(state).into(), ends_ms, now_ms).then_some(attempt)
    }

    /// Whether this is the first time.
    fn first(&self, hash: [u8; 32], ends_ms: i64, now_ms: i64) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= USED_MAX {
            used.retain(|_, ends_ms| *ends_ms > now_ms);
        }
        // Full of fresh ones: refusing logins is safe, forgetting finished ones is not.
        used.len() < USED_MAX && used.insert(hash, ends_ms).is_none()
    }
}

impl Attempt {
    /// `code_challenge` of method S256 (RFC 7636 section 4.2).
    pub(crate) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(&self.verifier))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts(name: &str) -> Attempts {
        Attempts::new(&HostKey::new(b"k"), name)
    }

    #[test]
    fn an_attempt_comes_back_once() {
        let all = attempts("site");
        let begun = all.begin("/a", 1_000).unwrap();
        let cookie = all.seal(&begun);
        assert_eq!(all.take(&cookie, &begun.state, 2_000), Some(all_of(&begun)));
        assert_eq!(all.take(&cookie, &begun.state, 2_000), None);
    }

    fn all_of(attempt: &Attempt) -> Attempt {
        serde_json::from_value(serde_json::json!(attempt)).unwrap()
    }

    #[test]
    fn what_is_forged_foreign_or_stale_does_not() {
        let all = attempts("site");
        let (begun, other) = (all.begin("/a", 1_000).unwrap(), all.begin("/b", 1_000).unwrap());
        let cookie = all.seal(&begun);
        let evil = URL_SAFE_NO_PAD.encode(serde_json::json!(other).to_string());
        let forged = format!("{evil}.{}", cookie.split_once('.').unwrap().1);
        for (cookie, state, now_ms) in [
            (cookie.as_str(), other.state.as_str(), 2_000),
            (forged.as_str(), other.state.as_str(), 2_000),
            (cookie.as_str(), begun.state.as_str(), 1_000 + 600_000),
            (cookie.as_str(), begun.state.as_str(), 999),
            ("", "", 2_000),
            (".", "", 2_000),
            ("a.b", "a", 2_000),
        ] {
            assert_eq!(all.take(cookie, state, now_ms), None, "{cookie} {state} {now_ms}");
        }
        assert_eq!(attempts("elsewhere").take(&cookie, &begun.state, 2_000), None);
        assert!(all.take(&cookie, &begun.state, 2_000).is_some());
    }

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        // RFC 7636 appendix B.
        let mut attempt = attempts("s").begin("/", 0).unwrap();
        attempt.verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into();
        assert_eq!(attempt.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
