//! One token: taken apart, its signature verified, its claims checked (RFC 7515, RFC 7519, RFC 8725).
//!
//! **Invariant:** nothing that the header says brings a key or changes how the token is read: `jku`, `jwk`, `x5u` and `x5c` are
//! not looked at, and an extension under `crit` is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

use super::key;
use crate::authenticate::{Reason, strict};

/// Longest token, in bytes; a request head has room for no more than twice that.
pub(super) const TOKEN_MAX: usize = 16 << 10;
/// Longest id of a key, in bytes.
const KID_MAX: usize = 256;
/// The year 9999; whatever lies beyond is no time.
const TIME_MAX: f64 = 253_402_300_799.0;

/// A token that was taken apart; nothing in it is proved yet.
pub(super) struct Token<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    pub(super) claims: Map<String, Value>,
    /// Bytes of the claims.
    pub(super) size: usize,
    kind: Option<String>,
    critical: bool,
    message: &'a str,
    signature: &'a str,
}

/// What a token must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rules {
    /// `issuer`: exactly this one.
    pub(super) issuer: String,
    /// `audience`: any of these; none for any audience at all.
    pub(super) audience: Option<Vec<String>>,
    /// `algorithms`: none but these.
    pub(super) algorithms: Vec<Algorithm>,
    /// `leeway`: how far clocks may be apart, in milliseconds.
    pub(super) leeway_ms: i64,
    /// `type`: what `typ` must say; without it, `JWT`, `at+jwt` or nothing.
    pub(super) kind: Option<String>,
}

impl<'a> Token<'a> {
    /// Whether `text` has the shape of a signed token: three parts.
    pub(super) fn has_shape(text: &str) -> bool {
        text.split('.').count() == 3
    }

    /// Takes `text` apart.
    pub(super) fn parse(text: &'a str) -> Result<Token<'a>, Reason> {
        if text.len() > TOKEN_MAX {
            return Err(Reason::TooLarge);
        }
        let mut parts = text.split('.');
        // Five parts are an encrypted token (RFC 7516), which this host has no key for.
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Reason::Malformed);
        };
        // Bits that no byte needs, padding and other alphabets are refused by this engine; so a token has one form only.
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Reason::Malformed);
        let object = |part: &str| strict::object(&bytes(part)?).ok_or(Reason::Malformed);
        bytes(signature)?;
        let header = object(header)?;
        let text_of = |name: &str| match header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Reason::Malformed),
        };
        let algorithm = text_of("alg")?.and_then(|name| key::algorithm(&name)).ok_or(Reason::Algorithm)?;
        let (kid, kind) = (text_of("kid")?, text_of("typ")?);
        if kid.as_ref().is_some_and(|kid| kid.len() > KID_MAX) {
            return Err(Reason::UnknownKey);
        }
        // An encrypted or nested token says so here (RFC 7519 section 5.2).
        if header.contains_key("enc") || header.contains_key("zip") || header.contains_key("cty") {
            return Err(Reason::Type);
        }
        let message = &text[..text.len() - signature.len() - 1];
        let critical = header.contains_key("crit") || header.contains_key("b64");
        let claims = object(payload)?;
        Ok(Token { algorithm, kid, claims, size: payload.len(), kind, critical, message, signature })
    }

    /// What can be refused without a key.
    pub(super) fn check_header(&self, rules: &Rules) -> Result<(), Reason> {
        if self.critical {
            return Err(Reason::Critical);
        }
        if !rules.algorithms.contains(&self.algorithm) {
            return Err(Reason::Algorithm);
        }
        let kind = self.kind.as_deref().map(|kind| strip_application(kind).to_ascii_lowercase());
        let fits = match (&rules.kind, kind.as_deref()) {
            (Some(wanted), found) => found == Some(&strip_application(wanted).to_ascii_lowercase()),
            (None, found) => matches!(found, None | Some("jwt" | "at+jwt")),
        };
        if fits { Ok(()) } else { Err(Reason::Type) }
    }

    /// Whether one of `keys` signed it.
    pub(super) fn check_signature(&self, keys: &[&DecodingKey]) -> Result<(), Reason> {
        // A set of many keys without ids must not make one token cost as many checks.
        const TRIES: usize = 8;
        let signed = |key| {
            jsonwebtoken::crypto::verify(self.signature, self.message.as_bytes(), key, self.algorithm)
                .unwrap_or(false)
        };
        if keys.iter().take(TRIES).any(|key| signed(key)) { Ok(()) } else { Err(Reason::Signature) }
    }

    /// Whether its claims are as `rules` say at `now_ms`; the Unix milliseconds at which they no longer will be.
    pub(super) fn check_claims(&self, rules: &Rules, now_ms: i64) -> Result<i64, Reason> {
        if self.claims.get("iss").and_then(Value::as_str) != Some(&rules.issuer) {
            return Err(Reason::Issuer);
        }
        if let Some(wanted) = &rules.audience {
            let found = audiences(self.claims.get("aud").ok_or(Reason::Claims)?).ok_or(Reason::Claims)?;
            if !found.iter().any(|found| wanted.iter().any(|wanted| wanted == found)) {
                return Err(Reason::Audience);
            }
        }
        let expires = time(&self.claims, "exp")?.ok_or(Reason::Claims)?;
        let until_ms = expires.saturating_add(rules.leeway_ms);
        if until_ms <= now_ms {
            return Err(Reason::Expired);
        }
        let latest = now_ms.saturating_add(rules.leeway_ms);
        for name in ["nbf", "iat"] {
            if time(&self.claims, name)?.is_some_and(|time| time > latest) {
                return Err(Reason::NotYet);
            }
        }
        Ok(until_ms)
    }
}

/// The time at `name` in Unix milliseconds (NumericDate of RFC 7519 section 2).
pub(crate) fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, Reason> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds =
        value.as_f64().filter(|seconds| (0.0..=TIME_MAX).contains(seconds)).ok_or(Reason::Claims)?;
    #[allow(clippy::cast_possible_truncation, reason = "the range was just checked")]
    Ok(Some((seconds * 1000.0) as i64))
}

/// `aud` (RFC 7519 section 4.1.3): one text or a list of texts.
pub(crate) fn audiences(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(one) => Some(vec![one]),
        Value::Array(all) => all.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// `application/` may be left out (RFC 7515 section 4.1.9).
fn strip_application(kind: &str) -> &str {
    const PREFIX: &str = "application/";
    match kind.get(..PREFIX.len()) {
        Some(prefix) if prefix.eq_ignore_ascii_case(PREFIX) => &kind[PREFIX.len()..],
        _ => kind,
    }
}

/// base64url without padding, in its one form.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
