//! One-time codes (TOTP, RFC 6238) and recovery codes of people who log in here.
//!
//! **Invariant:** an attempt is counted before it is looked at, and a code is used up with the look that accepts it, in one
//! transaction: neither haste nor a crash gives a second try.

use std::sync::Arc;
use std::time::Duration;

use ostler_services::database::rusqlite::{OptionalExtension, Transaction, params};
use ostler_services::{Clock, Database, DatabaseError};
use totp_rs::{Builder, Totp};

use crate::host_key::{Hash, HostKey, random, same};

/// Wrong codes in one [`WINDOW`].
pub(crate) const ATTEMPTS_MAX: i64 = 5;

/// Time after the first wrong code, after which attempts begin anew.
pub(crate) const WINDOW: Duration = Duration::from_secs(900);

/// Recovery codes of one person.
const RECOVERY_CODES: usize = 10;

/// Characters of a recovery code, of five bits each.
const RECOVERY_LENGTH: usize = 16;

/// Second factors of this host; clones share them.
#[derive(Clone)]
pub struct Factors {
    database: Database,
    clock: Clock,
    key: HostKey,
}

/// Whose second factor.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub(crate) authenticator: Arc<str>,
    pub(crate) subject: Arc<str>,
}

/// What came of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is right, and used up.
    Right,
    /// It is wrong, or was used before.
    Wrong,
    /// There were too many wrong ones; the next is looked at after this time.
    Locked(Duration),
    /// The person has no second factor here.
    Nobody,
}

struct Row {
    secret: Vec<u8>,
    step: i64,
    recovery: Vec<Hash>,
    failures: i64,
    failing_since: i64,
}

impl Factors {
    pub(crate) fn new(database: Database, clock: Clock, key: &HostKey) -> Self {
        Factors { database, clock, key: key.purpose("recovery code") }
    }

    /// Whether the person has a second factor here.
    pub(crate) fn has(&self, owner: &Owner) -> Result<bool, DatabaseError> {
        self.database.read(|connection| {
            let sql = "SELECT 1 FROM second_factor WHERE authenticator = ?1 AND subject = ?2";
            Ok(connection.prepare_cached(sql)?.exists([&*owner.authenticator, &*owner.subject])?)
        })
    }

    /// Enrols a secret whose first code is `code`, in place of any before; the recovery codes, to be shown once. None if the
    /// code is wrong.
    pub(crate) async fn enrol(
        &self,
        owner: &Owner,
        secret: &[u8],
        code: &str,
    ) -> Result<Option<Vec<String>>, FactorsError> {
        let now_ms = self.clock.now_ms();
        let Some(step) = step(&totp(secret, "", ""), code, now_ms) else { return Ok(None) };
        let codes = (0..RECOVERY_CODES).map(|_| recovery_code()).collect::<Result<Vec<_>, _>>()?;
        let recovery = codes.iter().map(|code| self.hash(owner, &plain(code))).collect();
        let row = Row { secret: secret.to_vec(), step, recovery, failures: 0, failing_since: 0 };
        let owner = owner.clone();
        self.database.write(move |tx| put(tx, &owner, &row)).await?;
        Ok(Some(codes))
    }

    /// Looks at a code of the app, or at a recovery code.
    pub(crate) async fn verify(&self, owner: &Owner, code: &str) -> Result<Outcome, DatabaseError> {
        let now_ms = self.clock.now_ms();
        let (owner, code) = (owner.clone(), plain(code));
        let recovery = self.hash(&owner, &code);
        self.database.write(move |tx| look(tx, &owner, &code, &recovery, now_ms)).await
    }

    /// How many recovery codes the person has left.
    pub(crate) fn recovery_codes_left(&self, owner: &Owner) -> Result<usize, DatabaseError> {
        self.database.read(|connection| {
            let sql = "SELECT recovery FROM second_factor WHERE authenticator = ?1 AND subject = ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let text = statement
                .query_row([&*owner.authenticator, &*owner.subject], |row| row.get::<_, String>(0))
                .optional()?;
            Ok(text.map_or(0, |text| hashes(&text).len()))
        })
    }

    /// A recovery code is good for its owner alone.
    fn hash(&self, owner: &Owner, code: &str) -> Hash {
        self.key.hash(&[owner.authenticator.as_bytes(), owner.subject.as_bytes(), code.as_bytes()])
    }
}

/// Why somebody could not be enrolled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FactorsError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

/// The generator of codes with this secret: six digits, 30 s, one step either way. `issuer` and `account` are what the app shows.
pub(crate) fn totp(secret: &[u8], issuer: &str, account: &str) -> Totp {
    // Apps read a colon as the end of the issuer.
    let sane = |text: &str, or: &str| {
        let text: String = text.chars().filter(|c| *c != ':' && !c.is_control()).take(100).collect();
        if text.is_empty() { or.to_owned() } else { text }
    };
    Builder::new()
        .with_secret(secret.to_vec())
        .with_issuer(Some(sane(issuer, "ostler")))
        .with_account_name(sane(account, "account"))
        .build_noncompliant()
}

fn step(totp: &Totp, code: &str, now_ms: i64) -> Option<i64> {
    let code = plain(code);
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    totp.check(&code, (now_ms / 1_000).unsigned_abs()).and_then(|step| i64::try_from(step).ok())
}

fn look(
    tx: &Transaction<'_>,
    owner: &Owner,
    code: &str,
    recovery: &Hash,
    now_ms: i64,
) -> Result<Outcome, DatabaseError> {
    let Some(mut row) = get(tx, owner)? else { return Ok(Outcome::Nobody) };
    let ends_ms = row.failing_since.saturating_add(WINDOW.as_millis() as i64);
    if ends_ms <= now_ms {
        (row.failures, row.failing_since) = (0, now_ms);
    } else if row.failures >= ATTEMPTS_MAX {
        return Ok(Outcome::Locked(Duration::from_millis((ends_ms - now_ms).unsigned_abs())));
    }
    row.failures += 1;
    let right = row.take(code, recovery, now_ms);
    if right {
        row.failures = 0;
    }
    put(tx, owner, &row)?;
    Ok(if right { Outcome::Right } else { Outcome::Wrong })
}

impl Row {
    /// Whether the code is right; then it never is again.
    fn take(&mut self, code: &str, recovery: &Hash, now_ms: i64) -> bool {
        if let Some(step) = step(&totp(&self.secret, "", ""), code, now_ms) {
            let fresh = step > self.step;
            self.step = self.step.max(step);
            return fresh;
        }
        let before = self.recovery.len();
        self.recovery.retain(|kept| !same(kept, recovery));
        self.recovery.len() < before
    }
}

fn get(tx: &Transaction<'_>, owner: &Owner) -> Result<Option<Row>, DatabaseError> {
    let sql = "SELECT secret, step, recovery, failures, failing_since FROM second_factor \
               WHERE authenticator = ?1 AND subject = ?2";
    let read = |row: &ostler_services::database::rusqlite::Row<'_>| {
        Ok(Row {
            secret: row.get(0)?,
            step: row.get(1)?,
            recovery: hashes(row.get_ref(2)?.as_str()?),
            failures: row.get(3)?,
            failing_since: row.get(4)?,
        })
    };
    Ok(tx.prepare_cached(sql)?.query_row([&*owner.authenticator, &*owner.subject], read).optional()?)
}

fn put(tx: &Transaction<'_>, owner: &Owner, row: &Row) -> Result<(), DatabaseError> {
    let sql = "INSERT OR REPLACE INTO second_factor \
               (authenticator, subject, secret, step, recovery, failures, failing_since) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let recovery = serde_json::json!(row.recovery).to_string();
    tx.prepare_cached(sql)?.execute(params![
        &*owner.authenticator,
        &*owner.subject,
        row.secret,
        row.step,
        recovery,
        row.failures,
        row.failing_since,
    ])?;
    Ok(())
}

fn hashes(text: &str) -> Vec<Hash> {
    serde_json::from_str(text).unwrap_or_default()
}

/// A code as people type it: with blanks and hyphens, in any case.
fn plain(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_lowercase()).take(64).collect()
}

/// 80 random bits, as `abcd-efgh-jkmn-pqrs`: letters and digits that nobody mistakes for each other.
fn recovery_code() -> Result<String, getrandom::Error> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let drawn = random::<RECOVERY_LENGTH>()?;
    let letters = drawn.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)]));
    let mut code = String::with_capacity(RECOVERY_LENGTH + 3);
    for (place, letter) in letters.enumerate() {
        if place > 0 && place % 4 == 0 {
            code.push('-');
        }
        code.push(letter);
    }
    Ok(code)
}

#[cfg(test)]
mod tests;
