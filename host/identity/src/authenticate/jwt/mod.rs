//! JSON Web Tokens (RFC 7519, RFC 8725): `kind = "jwt"`.
//!
//! [`token`] takes a token apart and checks it, [`key`] knows what a key is good for, [`keys`] keeps those of the issuer.
//! **Invariant:** a principal comes of a token whose signature was verified with a key of this issuer.

mod config;
mod key;
mod keys;
pub(super) mod token;
mod verifier;

use std::sync::Arc;

use http::HeaderMap;
use http::request::Parts;
use ostler_core::principal::Method;
use ostler_core::{Exchange, Principal};
use ostler_services::Clock;
use serde_json::Value;
use sha2::{Digest, Sha256};

pub(super) use config::Config;
pub use config::LEEWAY;
use config::Source;
use keys::{Keys, Place};
use token::Token;
pub(crate) use verifier::Verifier;

use super::credential::Found;
use super::fetch::{Fetch, Http};
use super::remembered::{Proved, Remembered};
use super::{Needs, Reason, Verdict};

pub(crate) struct Jwt {
    name: Arc<str>,
    config: Config,
    keys: Keys,
    clock: Clock,
    remembered: Remembered,
}

impl Jwt {
    pub(super) fn new(name: &str, config: &Config, needs: &Needs) -> Self {
        let fetch = Http { upstream: needs.upstream.clone(), insecure: config.insecure };
        Self::with(name, config, Arc::new(fetch), Clock::default())
    }

    fn with(name: &str, config: &Config, fetch: Arc<dyn Fetch>, clock: Clock) -> Self {
        let name: Arc<str> = name.into();
        let remote = |place| Keys::remote(&name, place, config.insecure, fetch);
        let keys = match &config.source {
            Source::Fixed(fixed) => Keys::fixed(&name, fixed.set.clone()),
            Source::Url(url) => remote(Place::Set(url.clone())),
            Source::Discovery => remote(Place::Discovery(config.rules.issuer.clone())),
        };
        Jwt { name, config: config.clone(), keys, clock, remembered: Remembered::default() }
    }

    pub(super) fn remembered(&self, head: &Parts) -> Option<Arc<Principal>> {
        let Found::Token(text) = self.config.place.find(head) else { return None };
        self.remembered.get(text.as_bytes(), self.clock.now_ms(), self.keys.generation()?)
    }

    pub(super) fn present(&self, head: &Parts) -> bool {
        self.config.place.find(head) != Found::Nothing
    }

    pub(super) fn forget(&self, headers: &mut HeaderMap) {
        if !self.config.pass_credential {
            self.config.place.remove(headers);
        }
    }

    pub(super) async fn authenticate(&self, exchange: &Exchange, head: &Parts) -> Verdict {
        let text = match self.config.place.find(head) {
            Found::Nothing => return Verdict::Absent,
            Found::Several => return Verdict::Refused(Reason::Several.refuse()),
            Found::Unreadable => return Verdict::Refused(Reason::Malformed.refuse()),
            Found::Token(text) => text,
        };
        match self.verify(text, exchange).await {
            Ok(principal) => Verdict::Known(principal),
            // Another authenticator of the route may know keys, tokens or issuers that this one does not.
            Err(Reason::Malformed) if !Token::has_shape(text) => Verdict::Foreign(Reason::Malformed.refuse()),
            Err(Reason::Issuer) => Verdict::Foreign(Reason::Issuer.refuse()),
            Err(reason) => Verdict::Refused(reason.refuse()),
        }
    }

    async fn verify(&self, text: &str, exchange: &Exchange) -> Result<Arc<Principal>, Reason> {
        let token = Token::parse(text)?;
        let rules = &self.config.rules;
        // Before the signature, since its keys are the issuer's; what follows from it is a refusal at worst.
        if token.claims.get("iss").and_then(Value::as_str) != Some(&rules.issuer) {
            return Err(Reason::Issuer);
        }
        token.check_header(rules)?;
        let current = self.keys.find(token.kid.as_deref(), token.algorithm, exchange.deadline).await?;
        token.check_signature(&current.set.candidates(token.kid.as_deref(), token.algorithm))?;
        let now_ms = self.clock.now_ms();
        let until_ms = token.check_claims(rules, now_ms)?;
        let bound = bound(&token, exchange)?;
        let (name, claims) = (&self.name, token.size);
        let principal = self.config.mapping.principal(name, Method::Jwt, token.claims, now_ms)?;
        let principal = Arc::new(principal);
        if !bound {
            let generation = current.generation;
            let proved = Proved { principal: principal.clone(), until_ms, generation, claims };
            self.remembered.put(text.as_bytes(), proved);
        }
        Ok(principal)
    }
}

/// Whether the token is bound to a certificate, which then must be the client's (RFC 8705 section 3); to a key of another
/// sort (DPoP, RFC 9449 section 7.2) it must not be taken as a mere bearer token.
fn bound(token: &Token<'_>, exchange: &Exchange) -> Result<bool, Reason> {
    let Some(confirmation) = token.claims.get("cnf") else { return Ok(false) };
    let confirmation = confirmation.as_object().ok_or(Reason::Claims)?;
    let thumbprint = match confirmation.get("x5t#S256") {
        Some(Value::String(text)) if confirmation.len() == 1 => token::decode(text).ok_or(Reason::Claims)?,
        _ => return Err(Reason::Binding),
    };
    let shown = exchange.peer.certificate.as_ref().ok_or(Reason::Binding)?;
    if Sha256::digest(shown).as_slice() == thumbprint { Ok(true) } else { Err(Reason::Binding) }
}

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
