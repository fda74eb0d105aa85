//! Tokens that are accepted, and what becomes of them.

use std::sync::LazyLock;
use std::time::{Duration, UNIX_EPOCH};

use jsonwebtoken::Algorithm;
use serde_json::json;

use super::testing::*;
use super::*;

static OURS: LazyLock<Issuer> = LazyLock::new(|| Issuer::new(""));

#[tokio::test]
async fn every_algorithm_is_verified_with_its_key_with_and_without_an_id() {
    let (jwt, _) = jwt(&OURS.jwks, "");
    for (name, kid) in [
        ("RS256", "rsa"),
        ("RS384", "rsa"),
        ("RS512", "rsa"),
        ("PS256", "rsa"),
        ("PS384", "rsa"),
        ("PS512", "rsa"),
        ("ES256", "p256"),
        ("ES384", "p384"),
        ("EdDSA", "ed"),
    ] {
        let algorithm: Algorithm = name.parse().unwrap();
        for header in [json!({"alg": name, "kid": kid, "typ": "JWT"}), json!({"alg": name})] {
            let token = OURS.sign(algorithm, &header, &claims(json!({})));
            assert_eq!(ask(&jwt, &token).await, Ok("anna".into()), "{header}");
        }
    }
}

#[tokio::test]
async fn what_the_rules_allow_is_accepted() {
    let (jwt, _) = jwt(&OURS.jwks, "");
    for more in [
        json!({"aud": ["x", "api"]}),
        json!({"aud": "other"}),
        json!({"exp": NOW - 59}),
        json!({"nbf": NOW + 60}),
        json!({"iat": NOW + 60}),
        json!({"iat": null}),
        json!({"exp": NOW as f64 + 0.5}),
        json!({"jku": "in the claims"}),
    ] {
        assert_eq!(ask(&jwt, &OURS.token(more.clone())).await, Ok("anna".into()), "{more}");
    }
    for kind in ["JWT", "jwt", "at+jwt", "application/at+jwt", "Application/AT+JWT"] {
        let token = OURS.sign(Algorithm::ES256, &json!({"alg": "ES256", "typ": kind}), &claims(json!({})));
        assert_eq!(ask(&jwt, &token).await, Ok("anna".into()), "{kind}");
    }
}

#[tokio::test]
async fn settings_narrow_what_is_accepted() {
    let token =
        |kind: &str| OURS.sign(Algorithm::ES256, &json!({"alg": "ES256", "typ": kind}), &claims(json!({})));
    let (access, _) = jwt(&OURS.jwks, "type = 'at+jwt'");
    assert_eq!(ask(&access, &token("application/at+jwt")).await, Ok("anna".into()));
    assert_eq!(ask(&access, &token("JWT")).await, Err(Reason::Type));
    assert_eq!(ask(&access, &OURS.token(json!({}))).await, Err(Reason::Type));
    let (rsa, _) = jwt(&OURS.jwks, "algorithms = ['RS256']");
    assert_eq!(ask(&rsa, &OURS.token(json!({}))).await, Err(Reason::Algorithm));
    let (exact, _) = jwt(&OURS.jwks, "leeway = '0s'");
    assert_eq!(ask(&exact, &OURS.token(json!({"exp": NOW}))).await, Err(Reason::Expired));
    assert_eq!(ask(&exact, &OURS.token(json!({"nbf": NOW + 1}))).await, Err(Reason::NotYet));
    let (any, _) = jwt(&OURS.jwks, "audience = ['any']");
    assert_eq!(ask(&any, &OURS.token(json!({"aud": null}))).await, Ok("anna".into()));
    assert_eq!(ask(&any, &OURS.token(json!({"aud": "whoever"}))).await, Ok("anna".into()));
}

#[tokio::test]
async fn a_proved_token_is_remembered_until_it_ends() {
    let (jwt, clock) = jwt(&OURS.jwks, "tenant = 'org'");
    let token = OURS.token(json!({"exp": NOW + 100, "org": "acme", "auth_time": NOW - 100}));
    let with = head(&token);
    assert!(jwt.remembered(&with).is_none(), "not before it was proved");
    assert!(ask(&jwt, &token).await.is_ok());
    let principal = jwt.remembered(&with).unwrap();
    assert_eq!((&*principal.subject, principal.tenant.as_deref()), ("anna", Some("acme")));
    assert_eq!((&*principal.authenticator, principal.method), ("t", Method::Jwt));
    assert_eq!(principal.authenticated_at, UNIX_EPOCH + Duration::from_secs(NOW as u64 - 100));
    assert_eq!(principal.claims["org"], "acme");
    let last = if token.ends_with('A') { "B" } else { "A" };
    let other = format!("{}{last}", &token[..token.len() - 1]);
    assert!(jwt.remembered(&head(&other)).is_none(), "another token");
    clock.advance(Duration::from_secs(159));
    assert!(jwt.remembered(&with).is_some());
    clock.advance(Duration::from_secs(1));
    assert!(jwt.remembered(&with).is_none());
    assert_eq!(ask(&jwt, &token).await, Err(Reason::Expired));
}

#[tokio::test]
async fn a_token_bound_to_a_certificate_is_good_with_that_certificate_only() {
    let (jwt, _) = jwt(&OURS.jwks, "");
    let certificate: Arc<[u8]> = Arc::from(&b"a certificate"[..]);
    let token = OURS.token(json!({"cnf": {"x5t#S256": b64(Sha256::digest(&certificate))}}));
    for (shown, accepted) in
        [(Some(certificate), true), (Some(Arc::from(&b"another"[..])), false), (None, false)]
    {
        let mut exchange = exchange();
        exchange.peer.certificate = shown;
        let verdict = jwt.authenticate(&exchange, &head(&token)).await;
        assert_eq!(matches!(verdict, Verdict::Known(_)), accepted);
        assert!(jwt.remembered(&head(&token)).is_none(), "or the next connection would not be asked");
    }
}

#[tokio::test]
async fn what_is_of_another_issuer_is_left_to_others() {
    let (jwt, _) = jwt(&OURS.jwks, "");
    for token in ["opaque", &OURS.token(json!({"iss": "https://other.test"}))] {
        assert!(matches!(jwt.authenticate(&exchange(), &head(token)).await, Verdict::Foreign(_)), "{token}");
    }
    let wrong = OURS.token(json!({"aud": "x"}));
    assert!(matches!(jwt.authenticate(&exchange(), &head(&wrong)).await, Verdict::Refused(_)));
}

#[tokio::test]
async fn the_token_is_taken_from_where_it_was_said_and_kept_from_the_plugin() {
    let token = OURS.token(json!({}));
    for (keys, name, value, left) in [
        ("", "authorization", format!("Bearer {token}"), None),
        ("header = 'x-token'", "x-token", token.clone(), None),
        ("cookie = 't'", "cookie", format!("a=b; t={token}"), Some("a=b".to_owned())),
        (
            "pass_credential = true",
            "authorization",
            format!("bearer {token}"),
            Some(format!("bearer {token}")),
        ),
    ] {
        let (jwt, _) = jwt(&OURS.jwks, keys);
        let mut head = http::Request::new(()).into_parts().0;
        head.headers.insert(name, value.parse().unwrap());
        assert!(matches!(jwt.authenticate(&exchange(), &head).await, Verdict::Known(_)), "{keys}");
        jwt.forget(&mut head.headers);
        let now = head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(now, left, "{keys}");
    }
}

#[test]
fn settings_that_cannot_be_meant_are_told_with_their_repair() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("empty.json", r#"{"keys": []}"#);
    write("weak.json", r#"{"keys": [{"kty": "oct", "k": "AAAA"}]}"#);
    write("text.pem", "no PEM");
    let key = rcgen::KeyPair::generate().unwrap();
    write("private.pem", &key.serialize_pem());
    for (keys, told) in [
        ("", "a list of what aud may say"),
        ("audience = []", "names, or \"any\" alone"),
        ("audience = ['any', 'x']", "\"any\" beside others"),
        ("audience = ['x']\njwks = 'http://issuer.test/keys'", "insecure_http = true"),
        ("audience = ['x']\njwks_file = 'none.json'", "No such file"),
        ("audience = ['x']\njwks_file = 'empty.json'", "no key that could verify"),
        ("audience = ['x']\njwks_file = 'weak.json'", "no key that could verify"),
        ("audience = ['x']\npublic_key = 'text.pem'", "no PEM block"),
        ("audience = ['x']\npublic_key = 'private.pem'", "a private key"),
        ("audience = ['x']\nsecret = 'short'", "fewer than 32 bytes"),
        (
            "audience = ['x']\nsecret = 'correct horse battery staple 012'\nalgorithms = ['RS256']",
            "found \"RS256\"",
        ),
        ("audience = ['x']\nalgorithms = ['HS256']", "add secret ="),
        ("audience = ['x']\nalgorithms = ['none']", "found \"none\""),
        ("audience = ['x']\nleeway = '1h'", "from \"0s\" to \"5m\""),
        ("audience = ['x']\nheader = 'a b'", "a field name"),
        ("audience = ['x']\nheader = 'x-a'\ncookie = 'a'", "remove one"),
        (
            "audience = ['x']\njwks = 'https://a.test/'\nsecret = 'correct horse battery staple 012'",
            "together",
        ),
        ("audience = ['x']\nisuer = 'x'", "write issuer"),
    ] {
        let problems = config(keys, folder.path()).expect_err(keys);
        assert!(problems.len() == 1 && problems[0].contains(told), "{keys}: {problems:?}");
        assert!(!problems[0].contains("correct horse"), "{problems:?}");
    }
}

#[tokio::test]
async fn a_public_key_in_a_file_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519] {
        let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        std::fs::write(folder.path().join("key.pem"), key.public_key_pem()).unwrap();
        let config = config("audience = ['api']\npublic_key = 'key.pem'", folder.path()).unwrap();
        let [algorithm] = config.rules.algorithms[..] else { panic!("{:?}", config.rules.algorithms) };
        let der = key.serialize_der();
        let signing = match algorithm {
            Algorithm::EdDSA => jsonwebtoken::EncodingKey::from_ed_der(&der),
            _ => jsonwebtoken::EncodingKey::from_ec_der(&der),
        };
        let token = sign(
            &signing,
            algorithm,
            &json!({"alg": format!("{algorithm:?}"), "kid": "any"}),
            &claims(json!({})),
        );
        assert_eq!(
            ask(&with(&config, Arc::new(Offline)).0, &token).await,
            Ok("anna".into()),
            "{algorithm:?}"
        );
    }
}

#[test]
fn no_secret_is_shown() {
    let config =
        config("audience = ['api']\nsecret = 'correct horse battery staple 012'", std::path::Path::new(""))
            .unwrap();
    assert!(!format!("{config:?}").contains("horse"));
}

/// Not a benchmark, but enough to see an order of magnitude: run with `--nocapture`.
#[tokio::test]
async fn a_remembered_token_costs_little() {
    let (jwt, _) = jwt(&OURS.jwks, "");
    for name in ["RS256", "PS256", "ES256", "ES384", "EdDSA"] {
        let token =
            OURS.sign(name.parse().unwrap(), &json!({"alg": name}), &claims(json!({"scope": "a b c"})));
        let (exchange, head) = (exchange(), head(&token));
        let per = |since: std::time::Instant, times: u32| since.elapsed() / times;
        let since = std::time::Instant::now();
        for _ in 0..50 {
            assert!(matches!(jwt.authenticate(&exchange, &head).await, Verdict::Known(_)));
        }
        let cold = per(since, 50);
        let since = std::time::Instant::now();
        for _ in 0..10_000 {
            assert!(jwt.remembered(&head).is_some());
        }
        let cached = per(since, 10_000);
        println!("{name}: cold {cold:?}, remembered {cached:?}, {} bytes", token.len());
        assert!(cached < cold, "{name}: {cold:?}, {cached:?}");
    }
}
