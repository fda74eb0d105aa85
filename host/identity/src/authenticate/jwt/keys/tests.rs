//! Rotation, caching and an issuer that is down, with time that stands still.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::super::testing::*;
use super::*;

static FIRST: LazyLock<Issuer> = LazyLock::new(|| Issuer::new("first-"));
static SECOND: LazyLock<Issuer> = LazyLock::new(|| Issuer::new("second-"));

fn down() -> Result<Fetched, String> {
    Err("connection refused".into())
}

fn remote(script: &Arc<Script>) -> super::super::Jwt {
    let config =
        config("audience = ['api']\njwks = 'https://issuer.test/keys'", std::path::Path::new("")).unwrap();
    with(&config, script.clone()).0
}

async fn settle() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_once_for_all_who_need_them() {
    let script = Script::new([fetched(&FIRST.jwks)]);
    let jwt = remote(&script);
    let tokens: Vec<_> = (0..20).map(|index| FIRST.token(json!({"n": index}))).collect();
    let asked = futures::future::join_all(tokens.iter().map(|token| ask(&jwt, token))).await;
    assert!(asked.iter().all(Result::is_ok), "{asked:?}");
    assert_eq!(script.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rotated_key_is_found_by_asking_again_and_old_tokens_end_with_their_key() {
    let script = Script::new([fetched(&FIRST.jwks), fetched(&SECOND.jwks)]);
    let jwt = remote(&script);
    let old = FIRST.token(json!({}));
    assert!(ask(&jwt, &old).await.is_ok());
    assert!(jwt.remembered(&head(&old)).is_some());
    tokio::time::advance(AT_ONCE).await;
    assert_eq!(ask(&jwt, &SECOND.token(json!({}))).await, Ok("anna".into()));
    assert_eq!(script.asked(), 2);
    assert!(jwt.remembered(&head(&old)).is_none(), "its key is gone");
    assert_eq!(ask(&jwt, &old).await, Err(Reason::UnknownKey));
}

#[tokio::test(start_paused = true)]
async fn made_up_ids_do_not_make_a_flood() {
    let script = Script::new([fetched(&FIRST.jwks)]);
    let jwt = remote(&script);
    for index in 0..500 {
        let header = json!({"alg": "ES256", "kid": format!("made-up-{index}")});
        let token = FIRST.sign(jsonwebtoken::Algorithm::ES256, &header, &claims(json!({})));
        assert_eq!(ask(&jwt, &token).await, Err(Reason::UnknownKey));
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    // 50 seconds of it.
    assert!((2..=6).contains(&script.asked()), "{}", script.asked());
    assert!(ask(&jwt, &FIRST.token(json!({}))).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_is_down_changes_nothing_until_its_keys_are_too_old() {
    let script = Script::new([fetched(&FIRST.jwks), down()]);
    let jwt = remote(&script);
    assert!(ask(&jwt, &FIRST.token(json!({}))).await.is_ok());
    let known = FIRST.token(json!({"n": 1}));
    assert!(ask(&jwt, &known).await.is_ok());
    for hour in 1..24 {
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(ask(&jwt, &FIRST.token(json!({"hour": hour}))).await, Ok("anna".into()));
        assert!(jwt.remembered(&head(&known)).is_some());
        settle().await;
    }
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert_eq!(ask(&jwt, &FIRST.token(json!({"x": 1}))).await, Err(Reason::Unavailable));
    assert!(jwt.remembered(&head(&known)).is_none());
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_was_never_there_is_asked_less_and_less_often() {
    let script = Script::new([down()]);
    let jwt = remote(&script);
    for _ in 0..600 {
        assert_eq!(ask(&jwt, &FIRST.token(json!({}))).await, Err(Reason::Unavailable));
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    // After 0, 1, 3, 7, 15, 31, 63 seconds and then every 60.
    assert!((12..=18).contains(&script.asked()), "{}", script.asked());
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_hangs_costs_a_request_its_deadline_and_no_more() {
    let config =
        config("audience = ['api']\njwks = 'https://issuer.test/keys'", std::path::Path::new("")).unwrap();
    let answers = Mutex::new([fetched(&FIRST.jwks)].into());
    let script = Arc::new(Script { answers, asked: Mutex::default(), takes: Duration::from_secs(3600) });
    let jwt = with(&config, script).0;
    let before = Instant::now();
    assert_eq!(ask(&jwt, &FIRST.token(json!({}))).await, Err(Reason::Unavailable));
    assert!(before.elapsed() <= Duration::from_secs(11));
}

#[tokio::test(start_paused = true)]
async fn the_answers_max_age_counts_within_bounds() {
    for (max_age, asked_after) in [(None, 600), (Some(1), 60), (Some(120), 120), (Some(1_000_000), 3600)] {
        let mut answer = fetched(&FIRST.jwks).unwrap();
        answer.max_age = max_age.map(Duration::from_secs);
        let script = Script::new([Ok(answer)]);
        let jwt = remote(&script);
        let token = FIRST.token(json!({}));
        assert!(ask(&jwt, &token).await.is_ok());
        tokio::time::advance(Duration::from_secs(asked_after - 1)).await;
        assert!(jwt.remembered(&head(&token)).is_some());
        settle().await;
        assert_eq!(script.asked(), 1, "{max_age:?}");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(jwt.remembered(&head(&token)).is_some(), "renewed beside the request");
        settle().await;
        assert_eq!(script.asked(), 2, "{max_age:?}");
        assert!(jwt.remembered(&head(&token)).is_some(), "the same keys are the same generation");
    }
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_no_key_set_are_not_taken_over() {
    let rubbish = |text: &'static str| Ok(Fetched { body: text.into(), max_age: None });
    let script = Script::new([
        fetched(&FIRST.jwks),
        rubbish("<html>"),
        rubbish(r#"{"keys": []}"#),
        rubbish(r#"{"keys": [], "keys": [1]}"#),
        rubbish(r#"{"keys": [{"kty": "oct", "k": "AAAA"}]}"#),
        rubbish("[]"),
    ]);
    let jwt = remote(&script);
    assert!(ask(&jwt, &FIRST.token(json!({}))).await.is_ok());
    for index in 0..6 {
        tokio::time::advance(Duration::from_secs(700)).await;
        assert!(ask(&jwt, &FIRST.token(json!({"n": index}))).await.is_ok());
        settle().await;
    }
    assert!(script.asked() >= 6);
}

#[tokio::test(start_paused = true)]
async fn an_issuer_is_asked_where_its_keys_are_and_speaks_for_itself_only() {
    let config = config("audience = ['api']", std::path::Path::new("")).unwrap();
    let description = |issuer: &str, keys: &str| fetched(&json!({"issuer": issuer, "jwks_uri": keys}));
    for (description, expected) in [
        (description("https://issuer.test", "https://keys.test/set"), Ok("anna".to_owned())),
        (description("https://issuer.test/", "https://keys.test/set"), Err(Reason::Unavailable)),
        (description("https://evil.test", "https://keys.test/set"), Err(Reason::Unavailable)),
        (description("https://issuer.test", "http://keys.test/set"), Err(Reason::Unavailable)),
        (description("https://issuer.test", "file:///etc/passwd"), Err(Reason::Unavailable)),
        (fetched(&json!([])), Err(Reason::Unavailable)),
    ] {
        let script = Script::new([description.clone(), fetched(&FIRST.jwks)]);
        let jwt = with(&config, script.clone()).0;
        assert_eq!(ask(&jwt, &FIRST.token(json!({}))).await, expected, "{description:?}");
        let asked = script.asked.lock().unwrap().clone();
        assert_eq!(asked[0], "https://issuer.test/.well-known/openid-configuration");
        assert_eq!(asked.get(1).map(String::as_str), expected.is_ok().then_some("https://keys.test/set"));
    }
}

/// A request that goes away must not take with it the fetch that others wait for.
#[tokio::test(start_paused = true)]
async fn a_fetch_outlives_the_request_that_began_it() {
    let script = Script::new([fetched(&FIRST.jwks)]);
    let (jwt, done) = (remote(&script), AtomicUsize::new(0));
    let token = FIRST.token(json!({}));
    let impatient = tokio::time::timeout(Duration::from_millis(1), ask(&jwt, &token));
    let patient = async {
        assert!(ask(&jwt, &token).await.is_ok());
        done.fetch_add(1, Ordering::Relaxed);
    };
    let (gone, ()) = tokio::join!(impatient, patient);
    assert!(gone.is_err());
    assert_eq!((done.into_inner(), script.asked()), (1, 1));
}
