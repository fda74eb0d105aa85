//! Name and password (RFC 7617), for small installs: `kind = "basic"`.
//!
//! **Invariant:** a password is checked against argon2id off the threads that serve; whether the name is known cannot be told
//! from the time it takes; and no password is kept, not even that of a credential that is remembered.

mod users;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use ostler_core::principal::{Assurance, Method};
use ostler_core::settings::Section;
use ostler_core::{Error, Exchange, Kind, Principal};
use ostler_services::Clock;
use sha2::Sha256;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

pub use users::hash;
use users::{User, Users};

use super::credential::{Found, scheme};
use super::remembered::{Proved, Remembered};
use super::{Reason, Verdict};

/// How long a name with its password is remembered.
const REMEMBER: Duration = Duration::from_secs(300);
/// Longest credential, in bytes of base64.
const CREDENTIAL_MAX: usize = 2 << 10;
/// Passwords that are checked at once; each takes a core and its hash's memory.
const CHECKS: usize = 4;
/// Requests that wait for a check; one more is refused.
const WAITING: usize = 64;

/// Settings of `kind = "basic"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `users_file`, or `users`: a table of name to `HASH` or `HASH:role,role`.
    users: Users,
    /// `tenant`: tenant of all of them. Default: none.
    tenant: Option<String>,
    /// `pass_credential`: whether the plugin sees the password. Default: no.
    pass_credential: bool,
}

pub(crate) struct Basic {
    name: Arc<str>,
    config: Config,
    clock: Clock,
    remembered: Remembered,
    /// Of this process, so that what is remembered is of no use to anybody else.
    key: [u8; 32],
    checks: Arc<Semaphore>,
    waiting: Semaphore,
}

/// Name and password as they were sent.
struct Sent {
    name: String,
    password: String,
}

impl Config {
    pub(super) fn read(section: &mut Section<'_>, base: &Path) -> Self {
        Config {
            users: Users::read(section, base),
            tenant: section.string("tenant").map(|tenant| tenant.value),
            pass_credential: section.boolean("pass_credential").unwrap_or(false),
        }
    }
}

impl Basic {
    pub(super) fn new(name: &str, config: &Config) -> Self {
        Self::at(name, config, Clock::default())
    }

    fn at(name: &str, config: &Config, clock: Clock) -> Self {
        let mut key = [0; 32];
        for half in key.chunks_mut(16) {
            half.copy_from_slice(&argon2::password_hash::generate_salt());
        }
        Basic {
            name: name.into(),
            config: config.clone(),
            clock,
            remembered: Remembered::default(),
            key,
            checks: Arc::new(Semaphore::new(CHECKS)),
            waiting: Semaphore::new(WAITING),
        }
    }

    pub(super) fn remembered(&self, head: &Parts) -> Option<Arc<Principal>> {
        let sent = read(head).ok()??;
        self.remembered.get(&self.mark(&sent), self.clock.now_ms(), 0)
    }

    pub(super) fn present(&self, head: &Parts) -> bool {
        scheme(&head.headers, "basic") != Found::Nothing
    }

    pub(super) fn forget(&self, headers: &mut HeaderMap) {
        if !self.config.pass_credential {
            headers.remove(AUTHORIZATION);
        }
    }

    pub(super) async fn authenticate(&self, exchange: &Exchange, head: &Parts) -> Verdict {
        let sent = match read(head) {
            Ok(None) => return Verdict::Absent,
            Ok(Some(sent)) => sent,
            Err(reason) => return Verdict::Refused(reason.refuse()),
        };
        let mark = self.mark(&sent);
        match self.check(sent, exchange).await {
            Ok(principal) => {
                let (until_ms, claims) = (self.clock.deadline_ms(REMEMBER), 0);
                let proved = Proved { principal: principal.clone(), until_ms, generation: 0, claims };
                self.remembered.put(&mark, proved);
                Verdict::Known(principal)
            }
            Err(error) => Verdict::Refused(error),
        }
    }

    async fn check(&self, sent: Sent, exchange: &Exchange) -> Result<Arc<Principal>, Error> {
        let busy = || Error::new(Kind::Overloaded, "too many passwords are being checked");
        let _waits = self.waiting.try_acquire().map_err(|_| busy().retry_after(Duration::from_secs(1)))?;
        let deadline = Instant::from_std(exchange.deadline);
        let permit = timeout_at(deadline, self.checks.clone().acquire_owned()).await;
        let Ok(Ok(permit)) = permit else { return Err(busy()) };
        let users = self.config.users.clone();
        let checked = tokio::task::spawn_blocking(move || {
            // Ends with the check, also if nobody waits for it any more.
            let _permit = permit;
            users.check(&sent.name, sent.password.as_bytes())
        });
        match timeout_at(deadline, checked).await {
            Ok(Ok(Some(user))) => Ok(Arc::new(self.principal(&user))),
            Ok(Ok(None)) => Err(Reason::Password.refuse()),
            Ok(Err(_)) | Err(_) => Err(Reason::Unavailable.refuse()),
        }
    }

    fn principal(&self, user: &User) -> Principal {
        Principal {
            subject: user.name.clone(),
            tenant: self.config.tenant.as_deref().map(Into::into),
            roles: user.roles.clone(),
            scopes: Vec::new(),
            authenticator: self.name.clone(),
            method: Method::Basic,
            authenticated_at: UNIX_EPOCH + Duration::from_millis(self.clock.now_ms().unsigned_abs()),
            assurance: Assurance { amr: vec!["pwd".into()], ..Assurance::default() },
            claims: Arc::new(serde_json::json!({})),
        }
    }

    /// What a credential is remembered by.
    fn mark(&self, sent: &Sent) -> [u8; 32] {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return [0; 32] };
        // A name holds no colon.
        mac.update(sent.name.as_bytes());
        mac.update(b":");
        mac.update(sent.password.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

fn read(head: &Parts) -> Result<Option<Sent>, Reason> {
    let text = match scheme(&head.headers, "basic") {
        Found::Nothing => return Ok(None),
        Found::Several => return Err(Reason::Several),
        Found::Unreadable => return Err(Reason::Malformed),
        Found::Token(text) if text.len() > CREDENTIAL_MAX => return Err(Reason::TooLarge),
        Found::Token(text) => text,
    };
    let bytes = STANDARD.decode(text).map_err(|_| Reason::Malformed)?;
    let text = String::from_utf8(bytes).map_err(|_| Reason::Malformed)?;
    let (name, password) = text.split_once(':').ok_or(Reason::Malformed)?;
    // RFC 7617 section 2.
    if text.chars().any(char::is_control) {
        return Err(Reason::Malformed);
    }
    Ok(Some(Sent { name: name.to_owned(), password: password.to_owned() }))
}

#[cfg(test)]
mod tests;
