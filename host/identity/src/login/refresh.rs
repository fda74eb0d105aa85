//! Asks the provider again whether a session may go on, when its access token has expired.
//!
//! **Invariant:** one request asks, others of the session wait for it; a provider that refuses ends the session, one that is down
//! does not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Site;
use super::provider::{Failed, Granted};
use crate::sessions::{Person, Session, Tokens};

/// When a provider that did not answer is asked again, in milliseconds.
const AGAIN_MS: i64 = 30_000;

impl Site {
    /// Asks the provider, or waits for the request that does, no longer than until `deadline`.
    pub(super) async fn refresh(&self, session: &Arc<Session>, deadline: Instant) {
        let waited = tokio::time::timeout_at(deadline.into(), session.refreshing.lock()).await;
        let Ok(_one) = waited else { return };
        let now_ms = self.clock.now_ms();
        if session.has_ended() || !session.is_due(now_ms) {
            return;
        }
        if let Err(error) = self.refresh_now(session, now_ms).await {
            session.ask_again_at(now_ms + AGAIN_MS);
            tracing::warn!(authenticator = &*self.name, %error, "a session was not refreshed and goes on");
        }
    }

    async fn refresh_now(
        &self,
        session: &Session,
        now_ms: i64,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let before = self.sessions.tokens(session)?;
        let Some(refresh_token) = &before.refresh_token else { return Ok(()) };
        let granted = match self.provider.refresh(refresh_token).await {
            Ok(granted) => granted,
            Err(Failed::Refused(code)) => return self.refused(session, &code).await,
            Err(error) => return Err(error.into()),
        };
        let person = match self.again(session, &granted, now_ms).await {
            Ok(person) => person,
            Err(error @ Failed::Down(_)) => return Err(error.into()),
            Err(error) => return self.refused(session, &error.to_string()).await,
        };
        let tokens = Tokens {
            id_token: granted.id_token.clone().or(before.id_token),
            refresh_token: granted.refresh_token.clone().or(before.refresh_token),
            due_ms: due(&granted, now_ms),
        };
        self.sessions.refreshed(session, person, tokens).await?;
        Ok(())
    }

    async fn refused(
        &self,
        session: &Session,
        reason: &str,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        tracing::info!(authenticator = &*self.name, reason, "the provider ended a session");
        Ok(self.sessions.end(session).await?)
    }

    /// What a new ID token says of the person, who must be the same (OpenID Connect Core section 12.2).
    async fn again(
        &self,
        session: &Session,
        granted: &Granted,
        now_ms: i64,
    ) -> Result<Option<Person>, Failed> {
        if granted.id_token.is_none() {
            return Ok(None);
        }
        let before = session.person();
        let claims = self.provider.claims(granted, None).await?;
        let mut person = self.person(claims, granted, now_ms)?;
        if person.subject != before.subject {
            return Err(Failed::Wrong("its new ID token is another person's"));
        }
        person.second_factor_ms = person.second_factor_ms.max(before.second_factor_ms);
        person.authenticated_ms = person.authenticated_ms.min(before.authenticated_ms);
        Ok(Some(person))
    }

    /// Whom `claims` speak of.
    pub(super) fn person(
        &self,
        mut claims: serde_json::Map<String, Value>,
        granted: &Granted,
        now_ms: i64,
    ) -> Result<Person, Failed> {
        // An ID token does not say what was granted; the answer that it came in does (RFC 6749 section 5.1).
        let asked = self.config.request_scopes.join(" ");
        let scope = granted.scope.clone().unwrap_or(asked);
        claims.entry("scope").or_insert(Value::String(scope));
        for name in ["nonce", "at_hash", "c_hash", "sid"] {
            claims.remove(name);
        }
        let method = ostler_core::principal::Method::Session;
        let principal = self.config.mapping.principal(&self.name, method, claims, now_ms)?;
        Ok(Person::of(&principal))
    }
}

/// When the access token in `granted` expires.
pub(super) fn due(granted: &Granted, now_ms: i64) -> Option<i64> {
    const LONGEST: f64 = 365.0 * 24.0 * 3_600.0;
    let seconds = granted.expires_in.filter(|seconds| *seconds >= 0.0)?.min(LONGEST);
    Some(now_ms + i64::try_from(Duration::from_secs_f64(seconds).as_millis()).unwrap_or(i64::MAX))
}
