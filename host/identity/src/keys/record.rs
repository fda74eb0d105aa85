//! One key: what operators see of it, and what is checked.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;

use ostler_core::Principal;
use serde::Serialize;

use super::{Refused, principal};
use crate::host_key::Hash;

/// All that is known of a key but its secret. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Public part of the key: `ok_ID_...`.
    pub id: String,
    /// What its maker calls it.
    pub name: String,
    /// NAME of the `[auth.NAME]` that takes it.
    pub authenticator: String,
    /// Whom requests with it come from.
    pub subject: String,
    /// Tenant it belongs to.
    pub tenant: Option<String>,
    /// Roles it has.
    pub roles: Vec<String>,
    /// Scopes it has.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_ms: i64,
    /// When it ends; never if absent.
    pub expires_ms: Option<i64>,
    /// When it last got a new secret.
    pub rotated_ms: Option<i64>,
    /// Until when the secret before that one is good.
    pub former_until_ms: Option<i64>,
    /// When it was revoked.
    pub revoked_ms: Option<i64>,
    /// When it was last used, to the minute.
    pub used_ms: Option<i64>,
}

/// What a new key shall be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewKey {
    /// What its maker calls it.
    pub name: String,
    /// NAME of the `[auth.NAME]` that takes it.
    pub authenticator: String,
    /// Whom requests with it come from; the key itself (`key:ID`) if absent.
    pub subject: Option<String>,
    /// Tenant it belongs to.
    pub tenant: Option<String>,
    /// Roles it has.
    pub roles: Vec<String>,
    /// Scopes it has.
    pub scopes: Vec<String>,
    /// How long it lives; for ever if absent.
    pub life: Option<Duration>,
}

/// The secret before the last rotation.
#[derive(Clone, Copy)]
pub(super) struct Former {
    pub(super) hash: Hash,
    pub(super) until_ms: i64,
}

/// A key as requests are checked against it.
pub(super) struct Key {
    pub(super) record: Record,
    pub(super) hash: Hash,
    pub(super) former: Option<Former>,
    pub(super) principal: Arc<Principal>,
    /// Last use, and the last use that is in the database; 0 for never.
    used: AtomicI64,
    noted: AtomicI64,
}

/// What the database keeps of a key.
pub(super) struct Row {
    pub(super) record: Record,
    pub(super) hash: Hash,
    pub(super) former: Option<Hash>,
}

impl NewKey {
    pub(super) fn record(self, id: &str, now_ms: i64) -> Record {
        let life = self.life.map(|life| i64::try_from(life.as_millis()).unwrap_or(i64::MAX));
        Record {
            subject: self.subject.unwrap_or_else(|| format!("key:{id}")),
            id: id.to_owned(),
            name: self.name,
            authenticator: self.authenticator,
            tenant: self.tenant,
            roles: self.roles,
            scopes: self.scopes,
            created_ms: now_ms,
            expires_ms: life.map(|life| now_ms.saturating_add(life)),
            rotated_ms: None,
            former_until_ms: None,
            revoked_ms: None,
            used_ms: None,
        }
    }
}

impl Record {
    /// Why a key with the right secret is not let in now, if it is not.
    pub(super) fn refusal(&self, authenticator: &str, now_ms: i64) -> Option<Refused> {
        if self.authenticator != authenticator {
            Some(Refused::Elsewhere)
        } else if self.revoked_ms.is_some() {
            Some(Refused::Revoked)
        } else if self.expires_ms.is_some_and(|expires| expires <= now_ms) {
            Some(Refused::Expired)
        } else {
            None
        }
    }
}

impl Key {
    pub(super) fn new(record: Record, hash: Hash) -> Self {
        Key::of(Row { record, hash, former: None })
    }

    pub(super) fn of(row: Row) -> Self {
        let Row { record, hash, former } = row;
        let former = former.zip(record.former_until_ms);
        let principal = Arc::new(principal::of(&record));
        let used = record.used_ms.unwrap_or_default();
        let former = former.map(|(hash, until_ms)| Former { hash, until_ms });
        Key { record, hash, former, principal, used: used.into(), noted: used.into() }
    }

    pub(super) fn rotated(&self, hash: Hash, now_ms: i64, until_ms: i64) -> Self {
        let mut record = self.view();
        (record.rotated_ms, record.former_until_ms) = (Some(now_ms), Some(until_ms));
        Key::of(Row { record, hash, former: Some(self.hash) })
    }

    pub(super) fn revoked(&self, now_ms: i64) -> Self {
        let mut record = self.view();
        record.revoked_ms = Some(now_ms);
        Key::of(Row { record, ..self.row() })
    }

    pub(super) fn row(&self) -> Row {
        Row { record: self.view(), hash: self.hash, former: self.former.map(|former| former.hash) }
    }

    /// The record with its last use as of now.
    pub(super) fn view(&self) -> Record {
        Record { used_ms: Some(self.used()).filter(|used| *used > 0), ..self.record.clone() }
    }

    /// Notes a use, unless one was noted within `exact` before: most requests write nothing.
    pub(super) fn use_at(&self, now_ms: i64, exact: Duration) {
        if now_ms.saturating_sub(self.used()) >= exact.as_millis() as i64 {
            self.used.store(now_ms, Relaxed);
        }
    }

    pub(super) fn used(&self) -> i64 {
        self.used.load(Relaxed)
    }

    pub(super) fn use_is_due(&self) -> bool {
        self.used() != self.noted.load(Relaxed)
    }

    pub(super) fn noted(&self, used: i64) {
        self.noted.store(used, Relaxed);
    }
}
