//! Tokens that an attacker would send, each of them refused, and for the reason that it should be.
//!
//! The clock stands still; the issuer is real as far as its keys go. Whoever finds another attack adds a row.

use std::sync::LazyLock;

use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::testing::*;
use super::*;
use crate::authenticate::Reason as R;

static OURS: LazyLock<Issuer> = LazyLock::new(|| Issuer::new(""));
static THEIRS: LazyLock<Issuer> = LazyLock::new(|| Issuer::new(""));

/// A key of 1024 bits, and a token that it did sign.
const WEAK_MODULUS: &str = "zBPHB2Ky7dEUF_imYFMeK3RKhj43WOtHdtU3lauZSxTutUZBJiaxNeOEhjU7BzWbRLEqfiVoC5HBNJIhoRwjhzOqhB4nquGr1M_g_sW8NvyFR8XcHoRplEPl0NqiUrd2mJBxAovEJ10fJKLlG8Kq0v2zLn2ms3WFDYHDQDPhSpM";
const WEAK_TOKEN: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6IndlYWsifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci50ZXN0IiwiYXVkIjoiYXBpIiwic3ViIjoiYW5uYSIsImlhdCI6MTc2ODQzNTE5MCwiZXhwIjoxNzY4NDM1ODAwfQ.hlSn4v7yQu0uG4BKI59tz_Z1eNSDliEaBMe8VjN9MmT8Xq4HsoAnpIh9o17t0tXZEAum-HGvcEVXUKFNwaw7TacEmKb8uG_LQovsGfOH0YqaUtdVngOdziobyw7n1U_r-xUnAX0cwXxileuvtOzc3zHKWC2sOtLq3uhd0FIXRCI";

mod contents;

type Row = (String, String, Reason);

fn es256(header: Value, more: Value) -> String {
    let mut all = json!({"alg": "ES256", "kid": "p256"});
    all.as_object_mut().unwrap().extend(header.as_object().unwrap().clone());
    OURS.sign(Algorithm::ES256, &all, &claims(more))
}

fn raw(header: &str, payload: &str) -> String {
    sign_text(&OURS.p256, Algorithm::ES256, header, payload)
}

fn replace_part(token: &str, index: usize, part: &str) -> String {
    let mut parts: Vec<_> = token.split('.').collect();
    parts[index] = part;
    parts.join(".")
}

/// Nobody signed, or the wrong one did.
fn signatures(rows: &mut Vec<Row>) {
    let mut row = |name: &str, token: String, reason| rows.push((name.to_owned(), token, reason));
    let good = OURS.token(json!({}));
    for alg in [
        "none",
        "None",
        "NONE",
        "nOnE",
        " none",
        "none\0",
        "\u{ff4e}one",
        "",
        "HS256 ",
        "es256",
        "ES512",
        "RSA",
    ] {
        let header = json!({"alg": alg, "kid": "p256"}).to_string();
        for signature in ["", good.rsplit('.').next().unwrap()] {
            let token = format!("{}.{}.{signature}", b64(&header), b64(claims(json!({})).to_string()));
            row(&format!("alg {alg:?}, signature {signature:?}"), token, R::Algorithm);
        }
    }
    for alg in [json!(null), json!(["ES256"]), json!({"alg": "ES256"}), json!(1)] {
        row(
            &format!("alg {alg}"),
            raw(&json!({"alg": alg}).to_string(), &claims(json!({})).to_string()),
            R::Malformed,
        );
    }
    row("no alg", raw("{}", &claims(json!({})).to_string()), R::Algorithm);
    row("signature stripped", replace_part(&good, 2, ""), R::Signature);
    row("signature and its dot stripped", good.rsplit_once('.').unwrap().0.to_owned(), R::Malformed);
    row(
        "signature of another payload",
        replace_part(&OURS.token(json!({"sub": "admin"})), 2, good.rsplit('.').next().unwrap()),
        R::Signature,
    );
    row(
        "payload replaced",
        replace_part(&good, 1, &b64(claims(json!({"sub": "admin"})).to_string())),
        R::Signature,
    );
    row("psychic signature, r = s = 0 (CVE-2022-21449)", replace_part(&good, 2, &b64([0; 64])), R::Signature);
    let order = b"\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51";
    row(
        "psychic signature, r = s = n",
        replace_part(&good, 2, &b64([&order[..], &order[..]].concat())),
        R::Signature,
    );
    row("ECDSA signature in DER", replace_part(&good, 2, &b64([0x30, 6, 2, 1, 1, 2, 1, 1])), R::Signature);
    let bytes = token::decode(good.rsplit('.').next().unwrap()).unwrap();
    row("signature cut short", replace_part(&good, 2, &b64(&bytes[..60])), R::Signature);
    row(
        "signature of another length",
        replace_part(&good, 2, &b64([&bytes[..], &[0]].concat())),
        R::Signature,
    );
    let jwt = |alg: Algorithm, kid: &str, sign_with: &EncodingKey, with: Algorithm| {
        sign(sign_with, with, &json!({"alg": format!("{alg:?}"), "kid": kid}), &claims(json!({})))
    };
    let (a, p) = (Algorithm::RS256, Algorithm::PS256);
    row("says PS256, signed with RS256", jwt(p, "rsa", &OURS.rsa, a), R::Signature);
    row("says RS384, signed with RS256", jwt(Algorithm::RS384, "rsa", &OURS.rsa, a), R::Signature);
    row(
        "says ES256 with the id of an RSA key",
        jwt(Algorithm::ES256, "rsa", &OURS.p256, Algorithm::ES256),
        R::UnknownKey,
    );
    row("says RS256 with the id of an EC key", jwt(a, "p256", &OURS.rsa, a), R::UnknownKey);
    row(
        "says ES384 with the id of a P-256 key",
        jwt(Algorithm::ES384, "p256", &OURS.p384, Algorithm::ES384),
        R::UnknownKey,
    );
    row(
        "says EdDSA, signed with ES256",
        jwt(Algorithm::EdDSA, "ed", &OURS.p256, Algorithm::ES256),
        R::Signature,
    );
    for alg in [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA, a, p] {
        let id = ["rsa", "p256", "p384", "ed"];
        let id = id[match alg {
            Algorithm::ES256 => 1,
            Algorithm::ES384 => 2,
            Algorithm::EdDSA => 3,
            _ => 0,
        }];
        row(
            &format!("{alg:?} with the right id, signed by another"),
            THEIRS.sign(alg, &json!({"alg": format!("{alg:?}"), "kid": id}), &claims(json!({}))),
            R::Signature,
        );
        row(
            &format!("{alg:?} without an id, signed by another"),
            THEIRS.sign(alg, &json!({"alg": format!("{alg:?}")}), &claims(json!({}))),
            R::Signature,
        );
    }
}

/// A public key is no secret.
fn confusion(rows: &mut Vec<Row>) {
    let mut row = |name: String, token: String| rows.push((name, token, R::Algorithm));
    let key =
        |index: usize, name: &str| token::decode(OURS.jwks["keys"][index][name].as_str().unwrap()).unwrap();
    let secrets = [
        ("the RSA modulus", key(0, "n")),
        ("the JWK", OURS.jwks["keys"][0].to_string().into_bytes()),
        ("the whole set", OURS.jwks.to_string().into_bytes()),
        ("the EC point", [key(1, "x"), key(1, "y")].concat()),
        ("the Ed25519 key", key(3, "x")),
        ("nothing", Vec::new()),
    ];
    for (name, secret) in secrets {
        let secret = EncodingKey::from_secret(&secret);
        for (kid, alg) in [("rsa", Algorithm::HS256), ("p256", Algorithm::HS384), ("ed", Algorithm::HS512)] {
            let header = json!({"alg": format!("{alg:?}"), "kid": kid});
            row(format!("{alg:?} with {name} as secret"), sign(&secret, alg, &header, &claims(json!({}))));
        }
    }
}

/// The header brings no key and no rules.
fn headers(rows: &mut Vec<Row>) {
    let mut row = |name: &str, token: String, reason| rows.push((name.to_owned(), token, reason));
    let theirs = |header: Value| {
        let mut all = json!({"alg": "ES256"});
        all.as_object_mut().unwrap().extend(header.as_object().unwrap().clone());
        THEIRS.sign(Algorithm::ES256, &all, &claims(json!({})))
    };
    row("jwk", theirs(json!({"jwk": THEIRS.jwks["keys"][1]})), R::Signature);
    row("jwk with our id", theirs(json!({"kid": "p256", "jwk": THEIRS.jwks["keys"][1]})), R::Signature);
    row("jku", theirs(json!({"jku": "http://127.0.0.1:1/jwks.json"})), R::Signature);
    row(
        "jku that looks like ours",
        theirs(json!({"kid": "new", "jku": "https://issuer.test@evil.test/jwks"})),
        R::UnknownKey,
    );
    row("x5u", theirs(json!({"x5u": "https://evil.test/cert.pem"})), R::Signature);
    row("x5c", theirs(json!({"x5c": ["MIIB"], "x5t": "AAAA"})), R::Signature);
    for kid in [
        "../../../../dev/null",
        "/dev/null",
        "p256' OR '1'='1",
        "p256\0",
        "P256",
        "p256 ",
        "",
        "\u{440}256",
        "http://evil.test/key",
        "|id",
        "${jndi:ldap://evil.test}",
    ] {
        row(&format!("kid {kid:?}"), es256(json!({"kid": kid}), json!({})), R::UnknownKey);
    }
    row("kid of 300 bytes", es256(json!({"kid": "k".repeat(300)}), json!({})), R::UnknownKey);
    for kid in [json!(1), json!(["p256"]), json!({"$ne": ""}), json!(null)] {
        row(&format!("kid {kid}"), es256(json!({"kid": kid}), json!({})), R::Malformed);
    }
    for critical in [
        json!(["exp"]),
        json!([]),
        json!(["b64"]),
        json!(["https://x.test/unknown"]),
        json!("exp"),
        json!(null),
    ] {
        row(
            &format!("crit {critical}"),
            es256(json!({"crit": critical, "exp": 1, "b64": true}), json!({})),
            R::Critical,
        );
        row(&format!("only crit {critical}"), es256(json!({"crit": critical}), json!({})), R::Critical);
    }
    row("b64 false (RFC 7797)", es256(json!({"b64": false}), json!({})), R::Critical);
    row("zip", es256(json!({"zip": "DEF"}), json!({})), R::Type);
    row("nested", es256(json!({"cty": "JWT"}), json!({})), R::Type);
    row("encrypted, as a header of three parts", es256(json!({"enc": "A256GCM"}), json!({})), R::Type);
    for kind in ["logout+jwt", "dpop+jwt", "secevent+jwt", "JWE", "", "at+jwt ", "application/logout+jwt"] {
        row(&format!("typ {kind:?}"), es256(json!({"typ": kind}), json!({})), R::Type);
    }
    let payload = claims(json!({})).to_string();
    row("alg twice", raw(r#"{"alg":"none","kid":"p256","alg":"ES256"}"#, &payload), R::Malformed);
    row(
        "alg twice, once escaped",
        raw(r#"{"alg":"ES256","\u0061lg":"none","kid":"p256"}"#, &payload),
        R::Malformed,
    );
    row("kid twice", raw(r#"{"alg":"ES256","kid":"p256","kid":"ed"}"#, &payload), R::Malformed);
    row("a list as header", raw("[]", &payload), R::Malformed);
    row("a broken header", raw("{", &payload), R::Malformed);
    row("more behind the header", raw(r#"{"alg":"ES256","kid":"p256"}{}"#, &payload), R::Malformed);
}

#[tokio::test]
async fn every_attack_is_refused_for_its_reason() {
    let mut rows = Vec::new();
    signatures(&mut rows);
    confusion(&mut rows);
    headers(&mut rows);
    contents::contents(&mut rows);
    contents::forms(&mut rows);
    let (jwt, _) = jwt(&OURS.jwks, "");
    assert_eq!(ask(&jwt, &OURS.token(json!({}))).await, Ok("anna".into()), "or refusing would prove nothing");
    for (name, token, reason) in &rows {
        assert_eq!(ask(&jwt, token).await.as_ref(), Err(reason), "{name}: {token}");
        assert!(jwt.remembered(&head(token)).is_none(), "{name}");
    }
    assert!(rows.len() > 200, "{}", rows.len());
}

/// Whatever is changed in a good token, it is not good any more; and nothing panics.
#[tokio::test]
async fn no_change_of_a_good_token_is_accepted() {
    let header = json!({"alg": "RS256", "kid": "rsa"});
    let good = OURS.sign(Algorithm::RS256, &header, &claims(json!({})));
    let (jwt, _) = jwt(&OURS.jwks, "");
    let mut random = fastrand::Rng::with_seed(4);
    for _ in 0..3_000 {
        let mut changed: Vec<char> = good.chars().collect();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(0..changed.len());
            match random.u8(0..4) {
                0 => drop(changed.remove(at)),
                1 => changed.insert(at, random.char('!'..='~')),
                2 => changed.truncate(at.max(1)),
                _ => changed[at] = random.char('!'..='~'),
            }
        }
        let changed: String = changed.into_iter().collect();
        assert!(changed == good || ask(&jwt, &changed).await.is_err(), "{changed}");
    }
}

/// Keys that must not verify although they are in the issuer's set.
#[tokio::test]
async fn keys_that_are_not_for_this_are_not_used() {
    let change = |index: usize, more: Value| {
        let mut set = OURS.jwks.clone();
        set["keys"][index].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        set
    };
    let es256 = OURS.token(json!({}));
    let ps256 = OURS.sign(Algorithm::PS256, &json!({"alg": "PS256", "kid": "rsa"}), &claims(json!({})));
    let mut with_weak = OURS.jwks.clone();
    let weak = json!({"kty": "RSA", "kid": "weak", "n": WEAK_MODULUS, "e": "AQAB"});
    with_weak["keys"].as_array_mut().unwrap().push(weak);
    let mut with_secret = OURS.jwks.clone();
    with_secret["keys"].as_array_mut().unwrap().push(json!({"kty": "oct", "kid": "s", "k": b64([7; 64])}));
    let hs256 = sign(
        &EncodingKey::from_secret(&[7; 64]),
        Algorithm::HS256,
        &json!({"alg": "HS256", "kid": "s"}),
        &claims(json!({})),
    );
    let rows = [
        ("a key for encryption", change(1, json!({"use": "enc"})), &es256, R::Algorithm),
        ("a key to sign with only", change(1, json!({"key_ops": ["sign"]})), &es256, R::Algorithm),
        ("a key of another algorithm", change(1, json!({"alg": "ES384"})), &es256, R::Algorithm),
        ("a key of no algorithm", change(1, json!({"alg": "none"})), &es256, R::Algorithm),
        ("a key of an RSA algorithm only", change(0, json!({"alg": "RS256"})), &ps256, R::Algorithm),
        ("a point that is not on the curve", change(1, json!({"x": b64([1; 32])})), &es256, R::Signature),
        ("half a point", change(1, json!({"y": ""})), &es256, R::Algorithm),
        ("an exponent of one", change(0, json!({"e": "AQ"})), &ps256, R::Algorithm),
        ("an even exponent", change(0, json!({"e": "Ag"})), &ps256, R::Algorithm),
        ("a modulus of 1024 bits", with_weak, &WEAK_TOKEN.to_owned(), R::UnknownKey),
        ("a secret in a set that all can read", with_secret, &hs256, R::Algorithm),
        ("another tenant's set", THEIRS.jwks.clone(), &es256, R::Signature),
    ];
    for (name, set, token, reason) in rows {
        assert_eq!(ask(&jwt(&set, "").0, token).await, Err(reason), "{name}");
    }
}

/// A host that takes HS256 takes nothing else, and no secret but its own.
#[tokio::test]
async fn a_secret_verifies_what_was_made_with_it_and_nothing_else() {
    let config =
        config("audience = ['api']\nsecret = 'correct horse battery staple 012'", std::path::Path::new(""))
            .unwrap();
    let (jwt, _) = with(&config, Arc::new(Offline));
    let token = |secret: &[u8], alg: Algorithm| {
        sign(&EncodingKey::from_secret(secret), alg, &json!({"alg": format!("{alg:?}")}), &claims(json!({})))
    };
    let secret = b"correct horse battery staple 012";
    assert_eq!(ask(&jwt, &token(secret, Algorithm::HS256)).await, Ok("anna".into()));
    assert_eq!(ask(&jwt, &token(secret, Algorithm::HS512)).await, Err(R::Algorithm), "too short for it");
    for wrong in [&b""[..], b"secret", b"correct horse battery staple 013", &secret[..31]] {
        assert_eq!(ask(&jwt, &token(wrong, Algorithm::HS256)).await, Err(R::Signature));
    }
    assert_eq!(ask(&jwt, &OURS.token(json!({}))).await, Err(R::Algorithm));
    assert_eq!(
        ask(&jwt, &OURS.sign(Algorithm::RS256, &json!({"alg": "RS256"}), &claims(json!({})))).await,
        Err(R::Algorithm)
    );
}
