//! The OpenID Connect provider: its description, its token endpoint, its ID tokens.
//!
//! **Invariant:** what the provider says is used only after it was proved to be this provider's and meant for this login: its
//! description names the issuer that was configured, its ID tokens are signed, for this client, fresh, and for this nonce.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderValue, Request, StatusCode, header};
use jsonwebtoken::Algorithm;
use ostler_core::Body;
use ostler_services::Clock;
use ostler_upstream::{Timeouts, Upstream};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::Config;
use crate::authenticate::{Fetch, Http, Reason, Secret, Target, Verifier};
use crate::host_key::same;

/// How long a description is used before it is asked for again.
const FRESH: Duration = Duration::from_secs(3_600);

/// How long a provider that does not answer is left alone.
const BACK_OFF: Duration = Duration::from_secs(1);

/// Longest answer of the token endpoint, in bytes.
const ANSWER_MAX: u64 = 256 << 10;

/// Longest time for one, and for a description.
const PATIENCE: Duration = Duration::from_secs(5);

/// How far an ID token's `iat` may lie in the past when it is redeemed, in milliseconds.
const ISSUED_MS: i64 = 600_000;

/// The provider of one login.
pub(crate) struct Provider {
    issuer: String,
    client_id: String,
    client_secret: Option<Secret>,
    upstream: Upstream,
    fetch: Arc<dyn Fetch>,
    verifier: Verifier,
    clock: Clock,
    known: ArcSwapOption<Known>,
    /// Held by the one that asks; when it last did so in vain.
    asking: tokio::sync::Mutex<Option<Instant>>,
}

struct Known {
    description: Arc<Description>,
    since: Instant,
}

/// What a provider says of itself (OpenID Connect Discovery 1.0 section 3).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Description {
    issuer: String,
    pub(crate) authorization_endpoint: String,
    token_endpoint: String,
    pub(crate) end_session_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    /// RFC 9207.
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: bool,
}

/// An answer of the token endpoint (RFC 6749 section 5.1).
#[derive(Deserialize)]
pub(crate) struct Granted {
    access_token: Option<String>,
    pub(crate) id_token: Option<String>,
    pub(crate) refresh_token: Option<String>,
    pub(crate) expires_in: Option<f64>,
    pub(crate) scope: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    /// The provider could not be asked; later it may.
    #[error("the provider does not answer: {0}")]
    Down(String),
    /// It refuses (RFC 6749 section 5.2).
    #[error("the provider refuses: {0}")]
    Refused(String),
    /// It answered something that this host must not accept.
    #[error("the provider's answer is not acceptable: {0}")]
    Wrong(&'static str),
    /// Its ID token is not accepted.
    #[error("the provider's ID token is not accepted: {0}")]
    Token(#[from] Reason),
}

impl Provider {
    pub(crate) fn new(name: &Arc<str>, config: &Config, upstream: &Upstream, clock: &Clock) -> Self {
        let fetch: Arc<dyn Fetch> = Arc::new(Http { upstream: upstream.clone(), insecure: false });
        Provider {
            issuer: config.issuer.clone(),
            client_id: config.client_id.clone(),
            client_secret: config.client_secret.clone(),
            upstream: upstream.clone(),
            verifier: Verifier::new(name, &config.issuer, &config.client_id, fetch.clone(), clock.clone()),
            fetch,
            clock: clock.clone(),
            known: ArcSwapOption::empty(),
            asking: tokio::sync::Mutex::default(),
        }
    }

    /// The provider's description; an old one is better than none.
    pub(crate) async fn description(&self) -> Result<Arc<Description>, Failed> {
        let fresh = |known: &Arc<Known>| known.since.elapsed() < FRESH;
        if let Some(known) = self.known.load_full().filter(fresh) {
            return Ok(known.description.clone());
        }
        let mut in_vain = self.asking.lock().await;
        // Whoever held the lock may have brought it.
        if let Some(known) = self.known.load_full().filter(fresh) {
            return Ok(known.description.clone());
        }
        let asked = match in_vain.filter(|at| at.elapsed() < BACK_OFF) {
            Some(_) => Err(Failed::Down("it did not a moment ago".into())),
            None => self.ask().await,
        };
        match asked {
            Ok(description) => {
                *in_vain = None;
                let (description, since) = (Arc::new(description), Instant::now());
                self.known.store(Some(Arc::new(Known { description: description.clone(), since })));
                Ok(description)
            }
            Err(error) => {
                in_vain.get_or_insert_with(Instant::now);
                if in_vain.is_some_and(|at| at.elapsed() >= BACK_OFF) {
                    *in_vain = Some(Instant::now());
                }
                match self.known.load_full() {
                    Some(known) => Ok(known.description.clone()),
                    None => Err(error),
                }
            }
        }
    }

    async fn ask(&self) -> Result<Description, Failed> {
        let base = self.issuer.strip_suffix('/').unwrap_or(&self.issuer);
        let url = format!("{base}/.well-known/openid-configuration");
        let fetched = self.fetch.get(&url).await.map_err(Failed::Down)?;
        let description: Description = serde_json::from_slice(&fetched.body)
            .map_err(|_| Failed::Wrong("its description lacks what a login needs"))?;
        // Discovery section 4.3.
        if description.issuer != self.issuer {
            return Err(Failed::Wrong("its description is of another issuer"));
        }
        let urls = [&description.authorization_endpoint, &description.token_endpoint].into_iter();
        if urls.chain(&description.end_session_endpoint).any(|url| Target::parse(url, false).is_err()) {
            return Err(Failed::Wrong("its description names an endpoint that is not https"));
        }
        Ok(description)
    }

    /// Redeems a code (RFC 6749 section 4.1.3, RFC 7636 section 4.5).
    pub(crate) async fn redeem(&self, code: &str, verifier: &str, callback: &str) -> Result<Granted, Failed> {
        let parameters = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", callback),
            ("code_verifier", verifier),
        ];
        self.post(&parameters).await
    }

    /// Asks for new tokens (RFC 6749 section 6).
    pub(crate) async fn refresh(&self, refresh_token: &str) -> Result<Granted, Failed> {
        self.post(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
    }

    async fn post(&self, parameters: &[(&str, &str)]) -> Result<Granted, Failed> {
        let description = self.description().await?;
        let (form, authorization) = self.form(&description, parameters);
        let target = Target::parse(&description.token_endpoint, false).map_err(Failed::Down)?;
        let mut request = Request::post(target.uri.clone())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .body(Body::full(form))
            .map_err(|error| Failed::Down(error.to_string()))?;
        if let Some(authorization) = authorization {
            request.headers_mut().insert(header::AUTHORIZATION, authorization);
        }
        let deadline = Instant::now() + PATIENCE;
        let sent = target.client(&self.upstream).send(request, deadline, Timeouts::default()).await;
        let (head, body) = sent.map_err(|error| Failed::Down(error.to_string()))?.into_parts();
        let body = body.whole(ANSWER_MAX).await.map_err(|error| Failed::Down(error.to_string()))?;
        judge(head.status, &body)
    }

    /// The body of a request as this client, and what proves that it is it.
    fn form(&self, description: &Description, parameters: &[(&str, &str)]) -> (String, Option<HeaderValue>) {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(parameters);
        let Some(secret) = &self.client_secret else {
            form.append_pair("client_id", &self.client_id);
            return (form.finish(), None);
        };
        let methods = &description.token_endpoint_auth_methods_supported;
        let knows = |method: &str| methods.iter().any(|known| known == method);
        if knows("client_secret_post") && !knows("client_secret_basic") {
            form.append_pair("client_id", &self.client_id).append_pair("client_secret", &secret.0);
            return (form.finish(), None);
        }
        // RFC 6749 section 2.3.1: both are form-encoded before they are put together.
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pair = STANDARD.encode(format!("{}:{}", encode(&self.client_id), encode(&secret.0)));
        let mut value = HeaderValue::try_from(format!("Basic {pair}")).ok();
        if let Some(value) = &mut value {
            value.set_sensitive(true);
        }
        (form.finish(), value)
    }

    /// The claims of the ID token in `granted` (OpenID Connect Core section 3.1.3.7). `nonce` is that of the login; at a refresh
    /// there is none, and a token need not say it (section 12.2).
    pub(crate) async fn claims(
        &self,
        granted: &Granted,
        nonce: Option<&str>,
    ) -> Result<Map<String, Value>, Failed> {
        let token = granted.id_token.as_deref().ok_or(Failed::Wrong("it gave no ID token"))?;
        let (claims, algorithm) = self.verifier.claims(token, Instant::now() + PATIENCE).await?;
        check(&claims, &self.client_id, nonce, self.clock.now_ms()).map_err(Failed::Wrong)?;
        let hash = claims.get("at_hash").and_then(Value::as_str);
        match (hash, &granted.access_token) {
            (Some(hash), Some(access)) if !same(hash.as_bytes(), at_hash(access, algorithm).as_bytes()) => {
                Err(Failed::Wrong("its ID token belongs to another access token"))
            }
            _ => Ok(claims),
        }
    }
}

/// What the token endpoint says.
fn judge(status: StatusCode, body: &[u8]) -> Result<Granted, Failed> {
    if status == StatusCode::OK {
        return serde_json::from_slice(body).map_err(|_| Failed::Wrong("its tokens cannot be read"));
    }
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    // Only the code is kept, which is one of a known set, in known characters (RFC 6749 section 5.2).
    let sane = |refusal: &Refusal| {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        refusal.error.len() <= 64 && refusal.error.bytes().all(known)
    };
    let refusal = serde_json::from_slice::<Refusal>(body).ok().filter(sane);
    match (status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS, refusal) {
        (true, Some(refusal)) => Err(Failed::Refused(refusal.error)),
        _ => Err(Failed::Down(format!("status {}", status.as_u16()))),
    }
}

/// What a verified token must say beside issuer, audience and times.
fn check(
    claims: &Map<String, Value>,
    client_id: &str,
    nonce: Option<&str>,
    now_ms: i64,
) -> Result<(), &'static str> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let several = claims.get("aud").and_then(Value::as_array).is_some_and(|all| all.len() > 1);
    match text("azp") {
        Some(party) if party != client_id => return Err("its ID token was made for another client"),
        None if several => {
            return Err("its ID token is for several audiences and does not say which client's it is");
        }
        _ => {}
    }
    match (nonce, text("nonce")) {
        (Some(wanted), Some(found)) if same(wanted.as_bytes(), found.as_bytes()) => {}
        (Some(_), _) => return Err("its ID token belongs to another login"),
        (None, _) => {}
    }
    let issued =
        claims.get("iat").and_then(Value::as_f64).ok_or("its ID token does not say when it was issued")?;
    if (issued * 1_000.0) + (ISSUED_MS as f64) < now_ms as f64 {
        return Err("its ID token is old");
    }
    Ok(())
}

/// OpenID Connect Core section 3.1.3.6: the left half of the hash that goes with the algorithm.
fn at_hash(access_token: &str, algorithm: Algorithm) -> String {
    use Algorithm::*;
    let hash = match algorithm {
        RS384 | PS384 | ES384 | HS384 => Sha384::digest(access_token).to_vec(),
        RS512 | PS512 | HS512 | EdDSA => Sha512::digest(access_token).to_vec(),
        _ => Sha256::digest(access_token).to_vec(),
    };
    URL_SAFE_NO_PAD.encode(&hash[..hash.len() / 2])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn an_id_token_of_another_login_client_or_time_is_not_accepted() {
        let now_ms = 2_000_000_000;
        let good = json!({ "aud": "app", "nonce": "n", "iat": 2_000_000 });
        assert_eq!(check(&object(good.clone()), "app", Some("n"), now_ms), Ok(()));
        assert_eq!(check(&object(json!({ "aud": "app", "iat": 2_000_000 })), "app", None, now_ms), Ok(()));
        for (key, value) in [
            ("nonce", json!("m")),
            ("nonce", json!(null)),
            ("azp", json!("other")),
            ("aud", json!(["app", "other"])),
            ("iat", json!(1_999_000)),
            ("iat", json!(null)),
        ] {
            let mut claims = object(good.clone());
            claims.insert(key.into(), value);
            assert!(check(&claims, "app", Some("n"), now_ms).is_err(), "{claims:?}");
        }
    }

    #[test]
    fn the_hash_of_an_access_token_is_that_of_the_specification() {
        // OpenID Connect Core appendix A.3.
        let hash = at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", Algorithm::RS256);
        assert_eq!(hash, "77QmUPtjPfzWtF2AnpK9RQ");
    }

    #[test]
    fn a_refusal_is_told_from_a_provider_that_is_down() {
        let refused =
            |status, body: &str| judge(StatusCode::from_u16(status).unwrap(), body.as_bytes()).err().unwrap();
        assert!(
            matches!(refused(400, r#"{"error":"invalid_grant"}"#), Failed::Refused(code) if code == "invalid_grant")
        );
        assert!(matches!(refused(401, r#"{"error":"invalid_client"}"#), Failed::Refused(_)));
        for (status, body) in [
            (500, r#"{"error":"server_error"}"#),
            (429, r#"{"error":"slow_down"}"#),
            (400, "<html>"),
            (400, r#"{"error":"<script>"}"#),
            (302, ""),
        ] {
            assert!(matches!(refused(status, body), Failed::Down(_)), "{status} {body}");
        }
        assert!(matches!(refused(200, "[]"), Failed::Wrong(_)));
        assert!(judge(StatusCode::OK, br#"{"id_token":"a.b.c"}"#).is_ok());
    }
}
