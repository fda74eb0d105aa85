//! Verifies the tokens of one issuer for others than this authenticator: the ID tokens of a login.

use std::sync::Arc;
use std::time::Instant;

use jsonwebtoken::Algorithm;
use ostler_services::Clock;
use serde_json::{Map, Value};

use super::key::ASYMMETRIC;
use super::keys::{Keys, Place};
use super::token::{Rules, Token};
use crate::authenticate::Reason;
use crate::authenticate::fetch::Fetch;

/// How far the clocks of issuer and host may be apart, in milliseconds.
const LEEWAY_MS: i64 = 60_000;

/// The keys of one issuer, and what its tokens must be.
pub(crate) struct Verifier {
    keys: Keys,
    rules: Rules,
    clock: Clock,
}

impl Verifier {
    /// For tokens of `issuer`, whose description names its keys, that are meant for `audience`.
    pub(crate) fn new(
        name: &Arc<str>,
        issuer: &str,
        audience: &str,
        fetch: Arc<dyn Fetch>,
        clock: Clock,
    ) -> Self {
        let rules = Rules {
            issuer: issuer.to_owned(),
            audience: Some(vec![audience.to_owned()]),
            // Nothing that the provider would have to share a secret for.
            algorithms: ASYMMETRIC.to_vec(),
            leeway_ms: LEEWAY_MS,
            kind: None,
        };
        Verifier { keys: Keys::remote(name, Place::Discovery(issuer.to_owned()), false, fetch), rules, clock }
    }

    /// The claims of a token that this issuer signed, and what it signed it with.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub(crate) async fn claims(
        &self,
        text: &str,
        deadline: Instant,
    ) -> Result<(Map<String, Value>, Algorithm), Reason> {
        let token = Token::parse(text)?;
        token.check_header(&self.rules)?;
        let current = self.keys.find(token.kid.as_deref(), token.algorithm, deadline).await?;
        token.check_signature(&current.set.candidates(token.kid.as_deref(), token.algorithm))?;
        token.check_claims(&self.rules, self.clock.now_ms())?;
        Ok((token.claims, token.algorithm))
    }
}
