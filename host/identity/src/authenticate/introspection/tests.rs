//! An issuer that answers as it is told, and a clock that stands still.

use std::collections::VecDeque;

use ostler_core::settings::{Node, Problems};
use ostler_core::{Peer, RequestId, Scheme};
use serde_json::json;

use super::*;

const NOW: i64 = 1_768_435_200;

#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<Result<Value, String>>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Issuer for Script {
    fn ask<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Fetched, String>> {
        self.asked.lock().unwrap().push(token.to_owned());
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(5)).await;
            answer.unwrap().map(|json| Fetched { body: json.to_string().into(), max_age: None })
        })
    }
}

fn read(keys: &str) -> Result<Config, Vec<String>> {
    let problems = Problems::new("t");
    let node = Node::from_toml(keys, &problems);
    let mut section = node.section("auth.t", &problems);
    let config = Config::read(&mut section);
    section.finish();
    let fatal = problems.fatal();
    let told = problems.into_vec().iter().map(ToString::to_string).collect();
    if fatal { Err(told) } else { Ok(config) }
}

fn introspection(
    keys: &str,
    answers: impl IntoIterator<Item = Result<Value, String>>,
) -> (Introspection, Script, Clock) {
    let config =
        read(&format!("url = 'https://a.test/i'\nclient_id = 'c'\nclient_secret = 's'\n{keys}")).unwrap();
    let script = Script { answers: Arc::new(Mutex::new(answers.into_iter().collect())), ..Script::default() };
    let clock = Clock::manual(NOW * 1000);
    (Introspection::with("t", &config, Box::new(script.clone()), clock.clone()), script, clock)
}

fn active(more: Value) -> Result<Value, String> {
    let mut all = json!({"active": true, "sub": "anna", "scope": "a b", "exp": NOW + 600});
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Ok(all)
}

fn head(token: &str) -> Parts {
    let mut head = http::Request::new(()).into_parts().0;
    head.headers
        .insert("authorization", HeaderValue::from_bytes(format!("Bearer {token}").as_bytes()).unwrap());
    head
}

async fn ask(one: &Introspection, token: &str) -> Result<String, Reason> {
    let peer = Peer { address: "192.0.2.1:1".parse().unwrap(), scheme: Scheme::Https, certificate: None };
    let now = Instant::now().into_std();
    let exchange =
        Exchange::new(RequestId::generate(1), peer, "/".into(), now, now + Duration::from_secs(10));
    match one.authenticate(&exchange, &head(token)).await {
        Verdict::Known(principal) => Ok(principal.subject.to_string()),
        Verdict::Refused(error) | Verdict::Foreign(error) => Err(Reason::of(&error)),
        Verdict::Absent => panic!("it is there"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_kept_no_longer_than_the_token_nor_than_allowed() {
    for (keys, exp, kept) in
        [("", 600, 60), ("max_cache = '20s'", 600, 20), ("", 30, 30), ("max_cache = '0s'", 600, 0)]
    {
        let (one, script, clock) = introspection(keys, [active(json!({"exp": NOW + exp}))]);
        assert_eq!(ask(&one, "abc").await, Ok("anna".into()));
        if kept > 0 {
            clock.advance(Duration::from_secs(kept - 1));
            assert!(one.remembered(&head("abc")).is_some(), "{keys} {exp}");
            clock.advance(Duration::from_secs(1));
        }
        assert!(one.remembered(&head("abc")).is_none(), "{keys} {exp}");
        assert!(one.remembered(&head("abd")).is_none());
        assert_eq!(script.asked.lock().unwrap().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_requests_with_one_token_are_one_question() {
    let (one, script, _) = introspection("", [active(json!({}))]);
    let asked = futures::future::join_all((0..100).map(|_| ask(&one, "abc"))).await;
    assert!(asked.iter().all(Result::is_ok), "{asked:?}");
    assert_eq!(script.asked.lock().unwrap().len(), 1);
    assert!(one.0.under_way.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_active_is_refused_and_that_is_known_for_a_while() {
    let (one, script, clock) = introspection("", [Ok(json!({"active": false})), active(json!({}))]);
    for _ in 0..5 {
        assert_eq!(ask(&one, "abc").await, Err(Reason::Inactive));
    }
    assert_eq!(script.asked.lock().unwrap().len(), 1);
    clock.advance(INACTIVE);
    assert_eq!(ask(&one, "abc").await, Ok("anna".into()));
}

#[tokio::test(start_paused = true)]
async fn answers_are_checked_against_the_rules() {
    let keys = "issuer = 'https://i.test'\naudience = ['api']";
    let good = json!({"iss": "https://i.test", "aud": ["x", "api"]});
    for (more, expected) in [
        (json!({}), Ok("anna".to_owned())),
        (json!({"iss": "https://j.test"}), Err(Reason::Issuer)),
        (json!({"iss": null}), Err(Reason::Issuer)),
        (json!({"aud": "x"}), Err(Reason::Audience)),
        (json!({"aud": null}), Err(Reason::Audience)),
        (json!({"exp": NOW}), Err(Reason::Expired)),
        (json!({"exp": "soon"}), Err(Reason::Claims)),
        (json!({"nbf": NOW + 1}), Err(Reason::NotYet)),
        (json!({"sub": null}), Err(Reason::Claims)),
        (json!({"cnf": {"jkt": "x"}}), Err(Reason::Binding)),
        (json!({"active": "true"}), Err(Reason::Unavailable)),
        (json!({"active": 1}), Err(Reason::Unavailable)),
        (json!({"active": null}), Err(Reason::Unavailable)),
    ] {
        let mut all = good.clone();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (one, ..) = introspection(keys, [active(all)]);
        assert_eq!(ask(&one, "abc").await, expected, "{more}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_is_down_is_left_alone_for_a_moment() {
    let (one, script, _) = introspection("", [Err("refused".into()), active(json!({}))]);
    for index in 0..10 {
        assert_eq!(ask(&one, &format!("t{index}")).await, Err(Reason::Unavailable));
    }
    assert_eq!(script.asked.lock().unwrap().len(), 1);
    tokio::time::advance(BACK_OFF).await;
    assert_eq!(ask(&one, "abc").await, Ok("anna".into()));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_a_token_is_not_asked_about() {
    let (one, script, _) = introspection("", [active(json!({}))]);
    assert_eq!(ask(&one, &"x".repeat(TOKEN_MAX + 1)).await, Err(Reason::TooLarge));
    assert_eq!(ask(&one, "a b").await, Err(Reason::Malformed));
    assert_eq!(ask(&one, "a\u{e9}").await, Err(Reason::Malformed));
    assert!(script.asked.lock().unwrap().is_empty());
}

#[test]
fn settings_are_needed_and_their_secret_is_not_shown() {
    let problems = read("").unwrap_err();
    assert_eq!(problems.len(), 3, "{problems:?}");
    let keys = "client_id = 'c'\nclient_secret = 'hunter2'\nurl = ";
    assert!(read(&format!("{keys}'http://a.test/'")).unwrap_err()[0].contains("insecure_http = true"));
    let config = read(&format!("{keys}'http://a.test/'\ninsecure_http = true")).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
}
