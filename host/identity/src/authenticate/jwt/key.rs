//! Keys that verify tokens, each with the algorithms that it may be used with.
//!
//! **Invariant:** a key is used with algorithms of its own type only, so that nobody can sign with HMAC and a public key
//! (RFC 8725 section 3.1); and no key set brings a symmetric key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::authenticate::strict;

/// Keys of one set; more are not looked at.
const KEYS_MAX: usize = 128;

/// All algorithms that need no shared secret; the first six are RSA's.
pub(super) const ASYMMETRIC: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// One key.
#[derive(Clone)]
pub(super) struct Key {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    decoding: DecodingKey,
}

/// The keys of one issuer at one time.
#[derive(Clone, Default)]
pub(super) struct KeySet(Vec<Key>);

/// The algorithm of this very name; no other spelling, and no `none`.
pub(super) fn algorithm(name: &str) -> Option<Algorithm> {
    name.parse().ok()
}

/// Whether `algorithm` needs a secret that both sides know.
pub(super) const fn is_symmetric(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512)
}

impl KeySet {
    /// The usable keys of a JWK set (RFC 7517 section 5). What this host does not know is passed over, as the RFC asks; the
    /// set is none if it holds nothing usable.
    pub(super) fn from_jwks(bytes: &[u8]) -> Result<KeySet, &'static str> {
        let set = strict::object(bytes).ok_or("no JSON object, or a name stands twice in it")?;
        let keys = set.get("keys").and_then(Value::as_array).ok_or("no \"keys\"")?;
        let keys: Vec<_> = keys.iter().take(KEYS_MAX).filter_map(Key::from_jwk).collect();
        if keys.is_empty() { Err("no key that could verify a signature") } else { Ok(KeySet(keys)) }
    }

    /// The public key, or that of the certificate, in a PEM text.
    pub(super) fn from_pem(text: &[u8]) -> Result<KeySet, &'static str> {
        let pem = Pem::iter_from_buffer(text).next().and_then(Result::ok).ok_or("no PEM block")?;
        Key::from_pem(&pem).map(|key| KeySet(vec![key]))
    }

    /// A secret, for those of HS256, HS384 and HS512 that it is long enough for (RFC 7518 section 3.2).
    pub(super) fn from_secret(secret: &[u8]) -> Result<KeySet, &'static str> {
        let enough = |(bytes, algorithm): (usize, Algorithm)| (secret.len() >= bytes).then_some(algorithm);
        let all = [(32, Algorithm::HS256), (48, Algorithm::HS384), (64, Algorithm::HS512)];
        let algorithms: Vec<_> = all.into_iter().filter_map(enough).collect();
        if algorithms.is_empty() {
            return Err("fewer than 32 bytes");
        }
        Ok(KeySet(vec![Key { id: None, algorithms, decoding: DecodingKey::from_secret(secret) }]))
    }

    /// Whether any of its keys may be used with `algorithm`.
    pub(super) fn knows(&self, algorithm: Algorithm) -> bool {
        self.0.iter().any(|key| key.algorithms.contains(&algorithm))
    }

    /// The keys that may have signed a token with `algorithm` and `kid`: those of this id, else those without any.
    pub(super) fn candidates(&self, kid: Option<&str>, algorithm: Algorithm) -> Vec<&DecodingKey> {
        let named = kid.is_some() && self.0.iter().any(|key| key.id.as_deref() == kid);
        let may = |key: &&Key| match kid {
            None => true,
            Some(_) if named => key.id.as_deref() == kid,
            Some(_) => key.id.is_none(),
        };
        let fits = |key: &&Key| key.algorithms.contains(&algorithm);
        self.0.iter().filter(fits).filter(may).map(|key| &key.decoding).collect()
    }
}

impl Key {
    /// A JSON Web Key (RFC 7517) that may verify; none if it is of no use here.
    fn from_jwk(jwk: &Value) -> Option<Key> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        if let Some(operations) = jwk.get("key_ops") {
            operations.as_array()?.iter().find(|operation| *operation == "verify")?;
        }
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
        let (all, decoding) = match (text("kty")?, text("crv")) {
            ("RSA", _) => rsa(&bytes("n")?, &bytes("e")?)?,
            ("EC", Some("P-256")) => (vec![Algorithm::ES256], point(&bytes("x")?, &bytes("y")?, 32)?),
            ("EC", Some("P-384")) => (vec![Algorithm::ES384], point(&bytes("x")?, &bytes("y")?, 48)?),
            ("OKP", Some("Ed25519")) => (vec![Algorithm::EdDSA], edwards(&bytes("x")?)?),
            _ => return None,
        };
        let algorithms = match jwk.get("alg") {
            None => all,
            Some(named) => {
                let named = algorithm(named.as_str()?)?;
                all.into_iter().filter(|one| *one == named).collect()
            }
        };
        if algorithms.is_empty() {
            return None;
        }
        Some(Key { id: text("kid").map(str::to_owned), algorithms, decoding })
    }

    fn from_pem(pem: &Pem) -> Result<Key, &'static str> {
        const BROKEN: &str = "a PEM block that is broken";
        let unusable = "no RSA key of 2048 bits or more, P-256, P-384 or Ed25519 key";
        let key = match pem.label.as_str() {
            "PUBLIC KEY" => {
                let (_, info) = SubjectPublicKeyInfo::from_der(&pem.contents).map_err(|_| BROKEN)?;
                of_info(&info)
            }
            "CERTIFICATE" => {
                let (_, certificate) = X509Certificate::from_der(&pem.contents).map_err(|_| BROKEN)?;
                of_info(certificate.public_key())
            }
            "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "PRIVATE KEY" => {
                return Err("a private key, which is not for here");
            }
            _ => return Err("neither a PUBLIC KEY nor a CERTIFICATE"),
        };
        let (algorithms, decoding) = key.ok_or(unusable)?;
        Ok(Key { id: None, algorithms, decoding })
    }
}

type Usable = (Vec<Algorithm>, DecodingKey);

fn of_info(info: &SubjectPublicKeyInfo<'_>) -> Option<Usable> {
    const ED25519: &str = "1.3.101.112";
    if info.algorithm.algorithm.to_id_string() == ED25519 {
        return Some((vec![Algorithm::EdDSA], edwards(&info.subject_public_key.data)?));
    }
    match info.parsed().ok()? {
        PublicKey::RSA(key) => rsa(key.modulus, key.exponent),
        PublicKey::EC(point) => {
            // The length of an uncompressed point (SEC 1 section 2.3.3) tells the curve among those of which the OID agrees.
            let curve = info.algorithm.parameters.as_ref()?.as_oid().ok()?.to_id_string();
            let (algorithm, length) = match curve.as_str() {
                "1.2.840.10045.3.1.7" => (Algorithm::ES256, 65),
                "1.3.132.0.34" => (Algorithm::ES384, 97),
                _ => return None,
            };
            let whole = point.data().len() == length && point.data()[0] == 4;
            whole.then(|| (vec![algorithm], DecodingKey::from_ec_der(point.data())))
        }
        _ => None,
    }
}

/// At least 2048 bits (RFC 7518 section 3.3), and no more than anybody uses, since checking takes time.
fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Usable> {
    let strip = |bytes: &[u8]| bytes[bytes.iter().take_while(|byte| **byte == 0).count()..].to_vec();
    let (modulus, exponent) = (strip(modulus), strip(exponent));
    let bits = modulus.len() * 8 - modulus.first()?.leading_zeros() as usize;
    let odd = exponent.last()? % 2 == 1 && exponent.as_slice() != [1];
    let sane = (2048..=8192).contains(&bits) && odd && exponent.len() <= 4;
    sane.then(|| (ASYMMETRIC[..6].to_vec(), DecodingKey::from_rsa_raw_components(&modulus, &exponent)))
}

/// The uncompressed form; whether it lies on the curve is checked with each signature.
fn point(x: &[u8], y: &[u8], length: usize) -> Option<DecodingKey> {
    let whole = x.len() == length && y.len() == length;
    whole.then(|| DecodingKey::from_ec_der(&[&[4], x, y].concat()))
}

fn edwards(x: &[u8]) -> Option<DecodingKey> {
    (x.len() == 32).then(|| DecodingKey::from_ed_der(x))
}
