//! Whom a key stands for.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ostler_core::Principal;
use ostler_core::principal::{Assurance, Method};

use super::Record;

/// Made once per key, not per request; `authenticated_at` is when its secret was made.
pub(super) fn of(record: &Record) -> Principal {
    let texts = |texts: &[String]| texts.iter().map(|text| Arc::from(text.as_str())).collect();
    Principal {
        subject: record.subject.as_str().into(),
        tenant: record.tenant.as_deref().map(Arc::from),
        roles: texts(&record.roles),
        scopes: texts(&record.scopes),
        authenticator: record.authenticator.as_str().into(),
        method: Method::ApiKey,
        authenticated_at: time(record.rotated_ms.unwrap_or(record.created_ms)),
        assurance: Assurance::default(),
        claims: Arc::new(serde_json::json!({ "key_id": record.id, "key_name": record.name })),
    }
}

fn time(unix_ms: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(unix_ms.max(0).unsigned_abs())
}
