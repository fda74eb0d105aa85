//! One session, and the person it is for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use ostler_core::Principal;
use ostler_core::principal::{Assurance, Method};
use serde::{Deserialize, Serialize};

use super::Begin;
use crate::host_key::Hash;

/// A session as requests use it.
pub(crate) struct Session {
    pub(crate) hash: Hash,
    pub(crate) authenticator: Arc<str>,
    pub(super) created_ms: i64,
    pub(super) idle_ms: i64,
    pub(super) expires_ms: i64,
    person: ArcSwap<Known>,
    seen: AtomicI64,
    ended: AtomicBool,
    /// When the provider must be asked again; never if it gave no refresh token.
    due: AtomicI64,
    /// Held by the one that asks.
    pub(crate) refreshing: tokio::sync::Mutex<()>,
}

struct Known {
    person: Person,
    principal: Arc<Principal>,
}

/// Whom a session is for, as the provider said at the login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) subject: String,
    pub(crate) tenant: Option<String>,
    pub(crate) roles: Vec<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) amr: Vec<String>,
    pub(crate) acr: Option<String>,
    /// When the person logged in at the provider. Unix milliseconds, as all times here.
    pub(crate) authenticated_ms: i64,
    /// When a second factor was last proved to this host.
    pub(crate) second_factor_ms: Option<i64>,
    /// The other claims.
    pub(crate) claims: serde_json::Value,
}

/// Tokens of the provider; never in memory for longer than a refresh or a logout takes, and never shown.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Tokens {
    /// For the provider's own logout (`id_token_hint`).
    pub(crate) id_token: Option<String>,
    pub(crate) refresh_token: Option<String>,
    /// When the access token beside them expires.
    pub(crate) due_ms: Option<i64>,
}

/// What the database keeps of a session beside its tokens.
pub(super) struct Row {
    pub(super) hash: Hash,
    pub(super) authenticator: Arc<str>,
    pub(super) created_ms: i64,
    pub(super) seen_ms: i64,
    pub(super) idle_ms: i64,
    pub(super) expires_ms: i64,
    pub(super) person: Person,
    pub(super) due_ms: i64,
}

impl Session {
    pub(super) fn of(row: Row) -> Self {
        let principal = Arc::new(row.person.principal(&row.authenticator));
        Session {
            hash: row.hash,
            authenticator: row.authenticator,
            created_ms: row.created_ms,
            idle_ms: row.idle_ms,
            expires_ms: row.expires_ms,
            person: ArcSwap::from_pointee(Known { person: row.person, principal }),
            seen: row.seen_ms.into(),
            ended: AtomicBool::new(false),
            due: row.due_ms.into(),
            refreshing: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn begin(hash: Hash, begin: Begin, now_ms: i64) -> (Self, Tokens) {
        let Begin { authenticator, person, tokens, idle, life } = begin;
        let whole = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        let session = Session::of(Row {
            hash,
            authenticator,
            created_ms: now_ms,
            seen_ms: now_ms,
            idle_ms: whole(idle),
            expires_ms: now_ms.saturating_add(whole(life)),
            person,
            due_ms: tokens.due(),
        });
        (session, tokens)
    }

    /// This with another id; its end stays where it was.
    pub(super) fn renewed(&self, hash: Hash, person: Person, now_ms: i64) -> Self {
        Session::of(Row {
            hash,
            authenticator: self.authenticator.clone(),
            created_ms: self.created_ms,
            seen_ms: now_ms,
            idle_ms: self.idle_ms,
            expires_ms: self.expires_ms,
            person,
            due_ms: self.due.load(Relaxed),
        })
    }

    pub(super) fn is_live(&self, now_ms: i64) -> bool {
        let used = self.seen().saturating_add(self.idle_ms) > now_ms;
        used && self.expires_ms > now_ms && !self.ended.load(Relaxed)
    }

    /// Notes a use; whether it must be written down, which most need not: a sixteenth of the idle life is exact enough.
    pub(super) fn use_at(&self, now_ms: i64) -> bool {
        let seen = self.seen();
        let due = now_ms.saturating_sub(seen) >= (self.idle_ms / 16).min(60_000);
        due && self.seen.compare_exchange(seen, now_ms, Relaxed, Relaxed).is_ok()
    }

    pub(super) fn seen(&self) -> i64 {
        self.seen.load(Relaxed)
    }

    /// For those that hold it already.
    pub(super) fn end(&self) {
        self.ended.store(true, Relaxed);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Relaxed)
    }

    pub(crate) fn principal(&self) -> Arc<Principal> {
        self.person.load().principal.clone()
    }

    pub(crate) fn person(&self) -> Person {
        self.person.load().person.clone()
    }

    /// Whether the provider must be asked again.
    pub(crate) fn is_due(&self, now_ms: i64) -> bool {
        self.due.load(Relaxed) <= now_ms
    }

    /// Puts that off, as the provider does not answer.
    pub(crate) fn ask_again_at(&self, unix_ms: i64) {
        self.due.store(unix_ms, Relaxed);
    }

    pub(super) fn refreshed(&self, person: Option<Person>, tokens: &Tokens) {
        if let Some(person) = person {
            let principal = Arc::new(person.principal(&self.authenticator));
            self.person.store(Arc::new(Known { person, principal }));
        }
        self.due.store(tokens.due(), Relaxed);
    }
}

impl Tokens {
    /// When the provider must be asked again: with a refresh token, once the access token has expired.
    pub(super) fn due(&self) -> i64 {
        self.refresh_token.as_ref().and(self.due_ms).unwrap_or(i64::MAX)
    }
}

impl Person {
    fn principal(&self, authenticator: &Arc<str>) -> Principal {
        let texts = |texts: &[String]| texts.iter().map(|text| Arc::from(text.as_str())).collect();
        Principal {
            subject: self.subject.as_str().into(),
            tenant: self.tenant.as_deref().map(Arc::from),
            roles: texts(&self.roles),
            scopes: texts(&self.scopes),
            authenticator: authenticator.clone(),
            method: Method::Session,
            authenticated_at: time(self.authenticated_ms),
            assurance: Assurance {
                amr: texts(&self.amr),
                acr: self.acr.as_deref().map(Arc::from),
                second_factor_at: self.second_factor_ms.map(time),
            },
            claims: Arc::new(self.claims.clone()),
        }
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

fn time(unix_ms: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(unix_ms.max(0).unsigned_abs())
}
