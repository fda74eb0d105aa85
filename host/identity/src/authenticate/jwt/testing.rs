//! What tests of tokens share: an issuer that signs whatever it is told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::future::BoxFuture;
use jsonwebtoken::{Algorithm, EncodingKey};
use ostler_core::settings::{Node, Problems};
use ostler_core::{Exchange, Peer, RequestId, Scheme};
use ostler_services::Clock;
use serde_json::{Value, json};

use super::*;
use crate::authenticate::fetch::Fetched;

/// 2026-01-15, in seconds.
pub(super) const NOW: i64 = 1_768_435_200;

/// Private and public key of every kind.
pub(super) struct Issuer {
    pub(super) rsa: EncodingKey,
    pub(super) p256: EncodingKey,
    pub(super) p384: EncodingKey,
    pub(super) ed: EncodingKey,
    pub(super) jwks: Value,
}

/// Nobody to ask.
pub(super) struct Offline;

/// Answers in turn; the last one for ever.
pub(super) struct Script {
    pub(super) answers: Mutex<VecDeque<Result<Fetched, String>>>,
    pub(super) asked: Mutex<Vec<String>>,
    pub(super) takes: Duration,
}

impl Fetch for Offline {
    fn get<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Fetched, String>> {
        Box::pin(async { Err("offline".to_owned()) })
    }
}

impl Script {
    pub(super) fn new(answers: impl IntoIterator<Item = Result<Fetched, String>>) -> Arc<Self> {
        let answers = Mutex::new(answers.into_iter().collect());
        Arc::new(Script { answers, asked: Mutex::default(), takes: Duration::from_millis(5) })
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl Fetch for Script {
    fn get<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Fetched, String>> {
        self.asked.lock().unwrap().push(url.to_owned());
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        let takes = self.takes;
        Box::pin(async move {
            tokio::time::sleep(takes).await;
            answer.unwrap_or(Err("nothing".to_owned()))
        })
    }
}

pub(super) fn fetched(set: &Value) -> Result<Fetched, String> {
    Ok(Fetched { body: set.to_string().into(), max_age: None })
}

pub(super) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Issuer {
    /// With new keys whose ids begin with `prefix`.
    pub(super) fn new(prefix: &str) -> Issuer {
        use rcgen::{KeyPair, PublicKeyData};
        let id = |name: &str| format!("{prefix}{name}");
        let pair = |algorithm| KeyPair::generate_for(algorithm).unwrap();
        let (p256, p384) = (pair(&rcgen::PKCS_ECDSA_P256_SHA256), pair(&rcgen::PKCS_ECDSA_P384_SHA384));
        let (ed, rsa) = (pair(&rcgen::PKCS_ED25519), rsa());
        let ec = |pair: &KeyPair, crv: &str, name: &str| {
            let point = pair.der_bytes();
            let half = point.len() / 2;
            json!({"kty": "EC", "crv": crv, "kid": id(name), "use": "sig", "x": b64(&point[1..=half]), "y": b64(&point[half + 1..])})
        };
        let jwks = json!({"keys": [
            {"kty": "RSA", "kid": id("rsa"), "use": "sig", "n": b64(&rsa.1), "e": b64(&rsa.2)},
            ec(&p256, "P-256", "p256"),
            ec(&p384, "P-384", "p384"),
            {"kty": "OKP", "crv": "Ed25519", "kid": id("ed"), "x": b64(ed.der_bytes())},
        ]});
        Issuer {
            rsa: EncodingKey::from_rsa_pem(rsa.0.as_bytes()).unwrap(),
            p256: EncodingKey::from_ec_der(&p256.serialize_der()),
            p384: EncodingKey::from_ec_der(&p384.serialize_der()),
            ed: EncodingKey::from_ed_der(&ed.serialize_der()),
            jwks,
        }
    }

    /// Signs with the key for `algorithm`.
    pub(super) fn sign(&self, algorithm: Algorithm, header: &Value, claims: &Value) -> String {
        let key = match algorithm {
            Algorithm::ES256 => &self.p256,
            Algorithm::ES384 => &self.p384,
            Algorithm::EdDSA => &self.ed,
            _ => &self.rsa,
        };
        sign(key, algorithm, header, claims)
    }

    /// A good token of ES256 with other claims added.
    pub(super) fn token(&self, more: Value) -> String {
        self.sign(Algorithm::ES256, &json!({"alg": "ES256", "kid": self.id(1)}), &claims(more))
    }

    pub(super) fn id(&self, index: usize) -> Value {
        self.jwks["keys"][index]["kid"].clone()
    }
}

/// Signs, whatever header and claims say.
pub(super) fn sign(key: &EncodingKey, algorithm: Algorithm, header: &Value, claims: &Value) -> String {
    sign_text(key, algorithm, &header.to_string(), &claims.to_string())
}

pub(super) fn sign_text(key: &EncodingKey, algorithm: Algorithm, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", b64(header), b64(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

/// Claims that are accepted, with others added or replaced; `null` takes one away.
pub(super) fn claims(more: Value) -> Value {
    let mut claims =
        json!({"iss": "https://issuer.test", "aud": "api", "sub": "anna", "iat": NOW - 10, "exp": NOW + 600});
    for (name, value) in more.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => drop(claims.as_object_mut().unwrap().insert(name.clone(), value.clone())),
        }
    }
    claims
}

/// A private key in PEM, modulus and exponent.
fn rsa() -> (String, Vec<u8>, Vec<u8>) {
    use aws_lc_rs::encoding::AsDer;
    use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
    use aws_lc_rs::signature::KeyPair as _;
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let public = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    let text = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
    (pem, public.n, public.e)
}

pub(super) fn config(keys: &str, base: &std::path::Path) -> Result<Config, Vec<String>> {
    let problems = Problems::new("t");
    let text = format!("issuer = 'https://issuer.test'\n{keys}");
    let node = Node::from_toml(&text, &problems);
    let mut section = node.section("auth.t", &problems);
    let config = Config::read(&mut section, base);
    section.finish();
    let fatal = problems.fatal();
    let told = problems.into_vec().iter().map(ToString::to_string).collect();
    if fatal { Err(told) } else { Ok(config) }
}

/// An authenticator with the keys of `jwks`, and its clock, which stands at [`NOW`].
pub(super) fn jwt(jwks: &Value, keys: &str) -> (Jwt, Clock) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("jwks.json"), jwks.to_string()).unwrap();
    let audience = if keys.contains("audience") { "" } else { "audience = ['api', 'other']\n" };
    let config = config(&format!("{audience}jwks_file = 'jwks.json'\n{keys}"), folder.path()).unwrap();
    with(&config, Arc::new(Offline))
}

pub(super) fn with(config: &Config, fetch: Arc<dyn Fetch>) -> (Jwt, Clock) {
    let clock = Clock::manual(NOW * 1000);
    (Jwt::with("t", config, fetch, clock.clone()), clock)
}

pub(super) fn exchange() -> Exchange {
    let peer = Peer { address: "192.0.2.1:1".parse().unwrap(), scheme: Scheme::Https, certificate: None };
    let deadline = tokio::time::Instant::now().into_std() + Duration::from_secs(10);
    Exchange::new(RequestId::generate(1), peer, "/".into(), Instant::now(), deadline)
}

pub(super) fn head(token: &str) -> Parts {
    let mut head = http::Request::new(()).into_parts().0;
    let value = http::HeaderValue::from_bytes(format!("Bearer {token}").as_bytes()).unwrap();
    head.headers.insert("authorization", value);
    head
}

/// What the authenticator says of a token: its subject, or why not.
pub(super) async fn ask(jwt: &Jwt, token: &str) -> Result<String, Reason> {
    let head = head(token);
    match jwt.authenticate(&exchange(), &head).await {
        Verdict::Known(principal) => Ok(principal.subject.to_string()),
        Verdict::Refused(error) | Verdict::Foreign(error) => Err(Reason::of(&error)),
        Verdict::Absent => panic!("it is there"),
    }
}
