//! Questions within and beyond their bounds, and answers in the protocol's words.

use std::sync::Arc;

use http::{HeaderValue, StatusCode};
use ostler_core::settings::{Node, Problems};
use ostler_observe::Observe;
use ostler_release::flags::{ErrorCode, Reason, Resolution, Store};
use serde_json::{Value, json};

use super::{ATTRIBUTES_MAX, Config, DEPTH_MAX, Server, answer, asked};

fn nested(depth: usize) -> String {
    format!("{{\"context\": {{\"a\": {}1{}}}}}", "[".repeat(depth - 1), "]".repeat(depth - 1))
}

#[test]
fn a_context_is_read_within_its_bounds_and_no_byte_of_it_is_repeated() {
    let context =
        asked::context(br#"{"context": {"targetingKey": "ada", "plan": "gold"}, "more": 1}"#).unwrap();
    assert_eq!((context.targeting_key.as_deref(), &context.values["plan"]), (Some("ada"), &json!("gold")));
    for nobody in ["", "{}", "{\"context\": null}", "{\"context\": {}}"] {
        assert_eq!(asked::context(nobody.as_bytes()).unwrap(), Default::default(), "{nobody}");
    }
    assert!(asked::context(nested(DEPTH_MAX).as_bytes()).is_ok());
    let wide: serde_json::Map<_, _> = (0..=ATTRIBUTES_MAX).map(|n| (format!("a{n}"), json!(1))).collect();
    for (body, code) in [
        ("s3cret", ErrorCode::ParseError),
        ("\"s3cret\"", ErrorCode::ParseError),
        ("{\"context\": \"s3cret\"}", ErrorCode::InvalidContext),
        (&nested(DEPTH_MAX + 1), ErrorCode::InvalidContext),
        (&nested(200), ErrorCode::ParseError),
        (&json!({ "context": wide }).to_string(), ErrorCode::InvalidContext),
    ] {
        let refused = asked::context(body.as_bytes()).unwrap_err();
        assert_eq!(refused.code, code, "{}", refused.details);
        assert!(!refused.details.contains("s3cret"), "{}", refused.details);
    }
}

fn said(value: Option<Value>, reason: Reason) -> Resolution<Option<Arc<Value>>> {
    let failed = Resolution::failed(value.map(Arc::new), ErrorCode::General, "");
    Resolution { reason, error: None, message: None, variant: Some("on".into()), ..failed }
}

#[test]
fn a_flag_that_leaves_its_value_to_who_asks_is_not_found() {
    let found = answer::one("f", said(Some(json!(true)), Reason::Static));
    assert_eq!(found.status(), StatusCode::OK);
    assert_eq!(answer::one("f", said(None, Reason::Disabled)).status(), StatusCode::NOT_FOUND);
    assert_eq!(answer::in_bulk("f", said(None, Reason::Disabled)), None);
    let broken = Resolution::failed(None, ErrorCode::ParseError, "why");
    let told = json!({ "key": "f", "errorCode": "PARSE_ERROR", "errorDetails": "why" });
    assert_eq!(answer::in_bulk("f", broken), Some(told));
}

#[test]
fn a_bulk_answer_is_known_by_its_tag_however_that_is_written() {
    let all = || vec![answer::in_bulk("f", said(Some(json!(1)), Reason::Static)).unwrap()];
    let tag = answer::bulk(all(), None).headers()["etag"].to_str().unwrap().to_owned();
    for (known, status) in
        [(tag.clone(), 304), (format!("\"a\", W/{tag}"), 304), ("*".into(), 304), ("\"a\"".into(), 200)]
    {
        let known = HeaderValue::try_from(known).unwrap();
        assert_eq!(answer::bulk(all(), Some(&known)).status(), status, "{known:?}");
    }
}

#[test]
fn who_may_ask_has_to_be_written() {
    let read = |text: &str| {
        let problems = Problems::new("t");
        let node = Node::from_toml(text, &problems);
        let config = Config::read(node.section("flags.ofrep", &problems));
        (config, problems.into_vec().iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let (config, told) = read("auth = []");
    assert_eq!((config.unwrap().path.as_str(), told.len()), ("/ofrep", 0));
    for (broken, part) in [
        ("", "auth = [] where everybody may ask"),
        ("auth = []\npath = '/flags'", "a path that ends in /ofrep"),
        ("auth = []\npath = '/{a}/ofrep'", "a path that ends in /ofrep"),
        ("auth = []\nlisten = '0.0.0.0:1'", "a loopback address"),
        ("auth = []\nlisten = 'http://x'", "IP:PORT"),
        ("auth = []\nbulk = 0", "from 1 to 50000"),
    ] {
        let (_, told) = read(broken);
        assert!(told.len() == 1 && told[0].contains(part), "{broken}: {told:?}");
    }
}

#[tokio::test]
async fn an_answer_about_one_flag_is_counted_as_shown_and_one_about_all_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flags.json");
    let flag = json!({ "state": "ENABLED", "variants": { "on": true }, "defaultVariant": "on" });
    std::fs::write(&file, json!({ "flags": { "f": flag } }).to_string()).unwrap();
    let database = ostler_services::Database::open(&folder.path().join("state")).unwrap();
    let config = ostler_release::flags::Config { files: vec![file], ..Default::default() };
    let store = Store::open(database, ostler_services::Clock::default(), &config, None).unwrap();
    let observe = Observe::to(&ostler_observe::Config::default(), std::io::sink()).unwrap();
    let (flags, exposures) = (store.flags().clone(), observe.exposures.clone());
    let server = Server { flags, exposures, bulk_max: 10, told: Default::default() };
    let shown = || observe.metrics.render().contains("ostler_flag_exposures_total{flag=\"f\"");
    assert_eq!(server.all(&Default::default(), None).await.status(), StatusCode::OK);
    assert!(!shown());
    assert_eq!(server.one("f", &Default::default()).status(), StatusCode::OK);
    assert!(shown());
}
