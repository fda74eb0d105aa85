//! Tokens that their issuer is asked about (RFC 7662): `kind = "introspection"`.
//!
//! **Invariant:** an issuer is asked once about a token at a time, and its answer is good for no longer than the token, nor than
//! `max_cache`; a token is kept as its SHA-256 only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, header};
use moka::sync::Cache;
use ostler_core::principal::Method;
use ostler_core::settings::Section;
use ostler_core::{Body, Exchange, Principal};
use ostler_services::Clock;
use ostler_upstream::Client;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout_at};

use super::claims::Mapping;
use super::credential::{Found, Place};
use super::fetch::{self, Fetched, Target};
use super::jwt::token::{audiences, time};
use super::remembered::{Proved, Remembered};
use super::secret::Secret;
use super::{Needs, Reason, Verdict, strict};

/// Longest token, in bytes.
const TOKEN_MAX: usize = 16 << 10;
/// How long a token is known not to be active.
const INACTIVE: Duration = Duration::from_secs(10);
/// Tokens that are known not to be active.
const INACTIVE_MAX: u64 = 10_000;
/// How long an issuer that did not answer is left alone.
const BACK_OFF: Duration = Duration::from_secs(1);

/// Default of `max_cache`.
pub const MAX_CACHE: Duration = Duration::from_secs(60);

/// Settings of `kind = "introspection"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `url`: where the issuer answers. Needed.
    target: Option<Target>,
    /// `client_id` and `client_secret`: as whom this host asks. Needed.
    client: (String, Secret),
    /// `issuer`: what `iss` must say. Default: anything or nothing.
    issuer: Option<String>,
    /// `audience`: one of which `aud` must name. Default: anything or nothing.
    audience: Vec<String>,
    /// `max_cache`: how long an answer is kept at most. Default: 60 s.
    max_cache: Duration,
    /// `subject`, `tenant`, `roles`, `scopes`.
    mapping: Mapping,
    /// `header` or `cookie`.
    pub(super) place: Place,
    /// `pass_credential`: whether the plugin sees the token. Default: no.
    pass_credential: bool,
}

pub(crate) struct Introspection(Arc<Inner>);

struct Inner {
    name: Arc<str>,
    config: Config,
    issuer: Box<dyn Issuer>,
    clock: Clock,
    remembered: Remembered,
    inactive: Cache<Key, i64>,
    under_way: Mutex<HashMap<Key, Flight>>,
    not_before: Mutex<Instant>,
}

type Key = [u8; 32];
type Answer = Result<Arc<Principal>, Reason>;
type Flight = Shared<BoxFuture<'static, Answer>>;

/// Who is asked.
trait Issuer: Send + Sync {
    /// What it says of `token`.
    fn ask<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Fetched, String>>;
}

struct Remote {
    client: Client,
    target: Target,
    authorization: HeaderValue,
}

impl Config {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let insecure = section.boolean("insecure_http").unwrap_or(false);
        section.missing("url", "the issuer's introspection endpoint");
        section.missing("client_id", "the name that the issuer gave this host");
        section.missing("client_secret", "\"${NAME}\", with the secret in the environment");
        let target = Target::read(section, "url", insecure);
        let text = |section: &mut Section<'_>, key| section.string(key).map(|text| text.value);
        let client_id = text(section, "client_id").unwrap_or_default();
        let client_secret = Secret(text(section, "client_secret").unwrap_or_default());
        let range = Duration::ZERO..=Duration::from_secs(3600);
        Config {
            target,
            client: (client_id, client_secret),
            issuer: text(section, "issuer"),
            audience: section.strings("audience").into_iter().map(|one| one.value).collect(),
            max_cache: section.duration("max_cache", range).unwrap_or(MAX_CACHE),
            mapping: Mapping::read(section),
            place: Place::read(section),
            pass_credential: section.boolean("pass_credential").unwrap_or(false),
        }
    }
}

impl Introspection {
    pub(super) fn new(name: &str, config: &Config, needs: &Needs) -> Self {
        let issuer: Box<dyn Issuer> = match &config.target {
            Some(target) => Box::new(Remote::new(target, config, needs)),
            // Such a configuration was refused; whatever comes in must be, too.
            None => Box::new(Nobody),
        };
        Self::with(name, config, issuer, Clock::default())
    }

    fn with(name: &str, config: &Config, issuer: Box<dyn Issuer>, clock: Clock) -> Self {
        Introspection(Arc::new(Inner {
            name: name.into(),
            config: config.clone(),
            issuer,
            clock,
            remembered: Remembered::default(),
            inactive: Cache::new(INACTIVE_MAX),
            under_way: Mutex::default(),
            not_before: Mutex::new(Instant::now()),
        }))
    }

    pub(super) fn remembered(&self, head: &Parts) -> Option<Arc<Principal>> {
        let Found::Token(token) = self.0.config.place.find(head) else { return None };
        self.0.remembered.get(&key(token), self.0.clock.now_ms(), 0)
    }

    pub(super) fn present(&self, head: &Parts) -> bool {
        self.0.config.place.find(head) != Found::Nothing
    }

    pub(super) fn forget(&self, headers: &mut HeaderMap) {
        if !self.0.config.pass_credential {
            self.0.config.place.remove(headers);
        }
    }

    pub(super) async fn authenticate(&self, exchange: &Exchange, head: &Parts) -> Verdict {
        let token = match self.0.config.place.find(head) {
            Found::Nothing => return Verdict::Absent,
            Found::Several => return Verdict::Refused(Reason::Several.refuse()),
            Found::Unreadable => return Verdict::Refused(Reason::Malformed.refuse()),
            Found::Token(token) if token.len() > TOKEN_MAX => {
                return Verdict::Refused(Reason::TooLarge.refuse());
            }
            // RFC 6749 appendix A.12.
            Found::Token(token) if !token.bytes().all(|byte| byte.is_ascii_graphic()) => {
                return Verdict::Refused(Reason::Malformed.refuse());
            }
            Found::Token(token) => token,
        };
        match self.ask(token, exchange.deadline).await {
            Ok(principal) => Verdict::Known(principal),
            Err(reason) => Verdict::Refused(reason.refuse()),
        }
    }

    async fn ask(&self, token: &str, deadline: std::time::Instant) -> Answer {
        let key = key(token);
        if self.0.inactive.get(&key).is_some_and(|until| until > self.0.clock.now_ms()) {
            return Err(Reason::Inactive);
        }
        let Some(flight) = self.flight(key, token) else { return Err(Reason::Unavailable) };
        timeout_at(Instant::from_std(deadline), flight).await.unwrap_or(Err(Reason::Unavailable))
    }

    /// The question that is under way, or a new one, unless the issuer just failed.
    fn flight(&self, key: Key, token: &str) -> Option<Flight> {
        let mut under_way = self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is over and still here has panicked.
        if let Some(flight) = under_way.get(&key).filter(|flight| flight.peek().is_none()) {
            return Some(flight.clone());
        }
        if Instant::now() < *self.0.not_before.lock().unwrap_or_else(PoisonError::into_inner) {
            return None;
        }
        // A task of its own, since the request that began it may end before others who wait for it.
        let (inner, token) = (self.0.clone(), token.to_owned());
        let asked = tokio::spawn(async move {
            let answer = inner.answer(key, &token).await;
            inner.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
            answer
        });
        let flight = async move { asked.await.unwrap_or(Err(Reason::Unavailable)) }.boxed().shared();
        under_way.insert(key, flight.clone());
        Some(flight)
    }
}

impl Inner {
    async fn answer(&self, key: Key, token: &str) -> Answer {
        let fetched = match self.issuer.ask(token).await {
            Ok(fetched) => fetched,
            Err(error) => {
                *self.not_before.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + BACK_OFF;
                tracing::warn!(authenticator = &*self.name, error, "the issuer cannot be asked");
                return Err(Reason::Unavailable);
            }
        };
        let now_ms = self.clock.now_ms();
        match self.read(&fetched, now_ms) {
            Ok(proved) => {
                let principal = proved.principal.clone();
                if proved.until_ms > now_ms {
                    self.remembered.put(&key, proved);
                }
                Ok(principal)
            }
            Err(Reason::Unavailable) => Err(Reason::Unavailable),
            Err(reason) => {
                self.inactive.insert(key, self.clock.deadline_ms(INACTIVE));
                Err(reason)
            }
        }
    }

    fn read(&self, fetched: &Fetched, now_ms: i64) -> Result<Proved, Reason> {
        let claims = strict::object(&fetched.body).ok_or(Reason::Unavailable)?;
        match claims.get("active") {
            Some(Value::Bool(true)) => {}
            Some(Value::Bool(false)) => return Err(Reason::Inactive),
            _ => return Err(Reason::Unavailable),
        }
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        if let Some(issuer) = &self.config.issuer
            && text("iss") != Some(issuer)
        {
            return Err(Reason::Issuer);
        }
        if !self.config.audience.is_empty() {
            let found = claims.get("aud").and_then(audiences).ok_or(Reason::Audience)?;
            if !found.iter().any(|found| self.config.audience.iter().any(|wanted| wanted == found)) {
                return Err(Reason::Audience);
            }
        }
        if claims.contains_key("cnf") {
            return Err(Reason::Binding);
        }
        let expires = time(&claims, "exp")?.unwrap_or(i64::MAX);
        if expires <= now_ms {
            return Err(Reason::Expired);
        }
        if time(&claims, "nbf")?.is_some_and(|time| time > now_ms) {
            return Err(Reason::NotYet);
        }
        let until_ms = expires.min(self.clock.deadline_ms(self.config.max_cache));
        let principal = self.config.mapping.principal(&self.name, Method::Introspection, claims, now_ms)?;
        Ok(Proved { principal: Arc::new(principal), until_ms, generation: 0, claims: fetched.body.len() })
    }
}

impl Remote {
    fn new(target: &Target, config: &Config, needs: &Needs) -> Self {
        let (id, secret) = &config.client;
        // Encoded before they are joined (RFC 6749 section 2.3.1).
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let both = format!("{}:{}", encode(id), encode(&secret.0));
        let basic = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, both);
        let mut authorization = HeaderValue::from_maybe_shared(bytes::Bytes::from(format!("Basic {basic}")))
            .unwrap_or(HeaderValue::from_static(""));
        authorization.set_sensitive(true);
        Remote { client: target.client(&needs.upstream), target: target.clone(), authorization }
    }
}

impl Issuer for Remote {
    fn ask<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Fetched, String>> {
        Box::pin(async move {
            let token = utf8_percent_encode(token, NON_ALPHANUMERIC);
            let form = format!("token={token}&token_type_hint=access_token");
            let request = Request::post(self.target.uri.clone())
                .header(header::AUTHORIZATION, self.authorization.clone())
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::ACCEPT, "application/json")
                .body(Body::full(bytes::Bytes::from(form)))
                .map_err(|error| error.to_string())?;
            let deadline = std::time::Instant::now() + fetch::PATIENCE;
            fetch::answer(&self.client, request, deadline).await
        })
    }
}

struct Nobody;

impl Issuer for Nobody {
    fn ask<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Fetched, String>> {
        Box::pin(async { Err("there is no url".to_owned()) })
    }
}

fn key(token: &str) -> Key {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests;
