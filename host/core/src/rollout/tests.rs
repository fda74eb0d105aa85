//! How rollouts are read, written and refused.

use super::*;
use crate::settings::{Node, Problems};

fn read(text: &str) -> (RolloutSpec, Vec<String>) {
    let problems = Problems::new("t");
    let node = Node::from_toml(text, &problems);
    let mut section = node.section("r", &problems);
    let spec = RolloutSpec::read(&mut section, &RolloutSpec::default());
    section.finish();
    (spec, problems.into_vec().iter().map(ToString::to_string).collect())
}

const FULL: &str = r#"
    strategy = "canary"
    keep = "1h"
    steps = ["0.1%", 1, "12.5%"]
    share = "7%"
    interval = "1500ms"
    min_requests = 12
    sticky = "cookie:sid"
    testers = "test-releases"
    rules = [{ tenant = "acme", release = "candidate" }, { header = "X-Beta", value = "1", release = "stable" }]
    unsafe_methods = true
    [analysis]
    every = "2s"
    failures = 3
    significance = 1e-6
    error_rate = 0.01
    p50 = 2
    p99 = 2.5
    memory = 3
    metrics = [{ name = "orders", at_least = 0.95 }, { name = "retries", at_most = 1.1 }]
"#;

#[test]
fn every_key_is_read() {
    let (spec, problems) = read(FULL);
    assert_eq!(problems, Vec::<String>::new());
    let rule =
        |tenant: Option<&str>, header, candidate| Rule { tenant: tenant.map(Into::into), header, candidate };
    let metric = |name: &str, at_least, at_most| MetricRule { name: name.into(), at_least, at_most };
    let expected = RolloutSpec {
        strategy: Strategy::Canary,
        keep: Duration::from_secs(3600),
        steps: vec![Share(100), Share(1_000), Share(12_500), Share::ALL],
        share: Some(Share(7_000)),
        interval: Duration::from_millis(1500),
        min_requests: 12,
        sticky: Sticky::Cookie("sid".into()),
        testers: Some("test-releases".into()),
        rules: vec![
            rule(Some("acme"), None, true),
            rule(None, Some(("x-beta".into(), Some("1".into()))), false),
        ],
        unsafe_methods: true,
        analysis: AnalysisSpec {
            every: Duration::from_secs(2),
            failures: 3,
            significance: 1e-6,
            error_rate: 0.01,
            p50: 2.0,
            p99: 2.5,
            memory: 3.0,
            metrics: vec![metric("orders", Some(0.95), None), metric("retries", None, Some(1.1))],
        },
    };
    assert_eq!(spec, expected);
}

#[test]
fn what_is_stored_is_read_again_and_a_default_as_well() {
    for spec in [read(FULL).0, RolloutSpec::default(), read("sticky = 'header:X-User'\nrules = []").0] {
        let text = spec.to_json().to_string();
        let (read, problems) = RolloutSpec::from_json(&serde_json::from_str(&text).unwrap());
        assert_eq!((read, problems.len()), (spec, 0), "{text}");
    }
}

#[test]
fn what_another_version_stored_is_understood_as_far_as_it_goes_and_the_rest_is_told() {
    let told = |json| {
        let (spec, problems) = RolloutSpec::from_json(&json);
        (spec, problems.iter().map(|problem| problem.key.clone()).collect::<Vec<_>>())
    };
    let older = serde_json::json!({ "strategy": "canary", "analysis": { "p50": 4 } });
    let (spec, problems) = told(older);
    assert_eq!((spec.strategy, spec.analysis.p50, spec.min_requests), (Strategy::Canary, 4.0, 100));
    assert_eq!(problems, Vec::<String>::new());
    for (later, key) in [
        (serde_json::json!({ "strategy": "soaking" }), "strategy"),
        (serde_json::json!({ "strategy": "canary", "of_the_future": [1] }), "of_the_future"),
        (serde_json::json!({ "analysis": { "p51": 2 } }), "analysis.p51"),
        (serde_json::json!({ "steps": { "a": 1 } }), "steps"),
    ] {
        let (_, problems) = told(later);
        assert!(problems.len() == 1 && problems[0].ends_with(key), "{key}: {problems:?}");
    }
    for broken in [serde_json::json!(null), serde_json::json!([1])] {
        assert_eq!(told(broken.clone()).0, RolloutSpec::default());
        assert!(!told(broken.clone()).1.is_empty(), "{broken}");
    }
}

#[test]
fn what_a_deployment_leaves_open_its_plugin_says() {
    let (base, _) = read(FULL);
    let json = serde_json::json!({ "strategy": "ab", "analysis": { "failures": 1 }, "rules": [] });
    let problems = Problems::new("options");
    let node = Node::from_json(&json);
    let spec = RolloutSpec::read(&mut node.section("", &problems), &base);
    let analysis = AnalysisSpec { failures: 1, ..base.analysis.clone() };
    assert_eq!(spec, RolloutSpec { strategy: Strategy::Ab, analysis, rules: Vec::new(), ..base });
}

#[test]
fn shares_are_read_and_written() {
    for (text, share) in [("0.001%", 1), ("0.1%", 100), ("1%", 1_000), ("12.5%", 12_500), ("100%", 100_000)] {
        assert_eq!(Share::parse(text), Some(Share(share)));
        assert_eq!(Share(share).to_string(), text);
    }
    assert_eq!(Share::parse("29"), Some(Share(29_000)));
    assert_eq!(Share::parse("0.29%"), Some(Share(290)), "although 0.29 is no binary number");
    for text in ["", "%", "-1%", "1e1%", "101%", "100.001%", "0.0001%", "inf%", "NaN", "1 %", "1.2.3%", "+5%"]
    {
        assert_eq!(Share::parse(text), None, "{text}");
    }
}

#[test]
fn the_first_step_that_is_wrong_is_told_and_why() {
    for (text, told) in [
        ("steps = [1, 25, '5%', 2]", "found 5% after 25%;"),
        ("steps = [1, '5 %']", "found \"5 %\", which is no share"),
        ("steps = [1, 1]", "found 1% after 1%;"),
    ] {
        let (_, problems) = read(text);
        assert!(problems.len() == 1 && problems[0].contains(told), "{text}: {problems:?}");
    }
}

#[test]
fn what_is_impossible_is_told() {
    for (text, told) in [
        ("steps = [5, 1]", "shares that rise"),
        ("steps = [1, 1]", "shares that rise"),
        ("steps = []", "1 to 20 shares"),
        ("steps = [0, 100]", "shares that rise"),
        ("steps = [1, 101]", "shares that rise"),
        ("steps = [0.5]", "as [1, 5, 25, 50, 100]"),
        ("steps = 5", "1 to 20 shares"),
        ("steps = [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]", "1 to 20 shares"),
        ("share = 0", "above 0%"),
        ("share = -1", "above 0%"),
        ("share = 4294967297", "above 0%"),
        ("share = '0.0001%'", "in steps of 0.001%"),
        ("strategy = 'bluegreen'", "\"blue-green\""),
        ("keep = '2d'", "from \"0s\" to \"1d\""),
        ("interval = '1ms'", "from \"100ms\""),
        ("min_requests = 0", "from 1"),
        ("sticky = 'session'", "\"cookie:NAME\""),
        ("sticky = 'cookie:'", "\"cookie:NAME\""),
        ("sticky = 'cookie:a b'", "\"cookie:NAME\""),
        ("sticky = \"header:a\\r\\nb\"", "\"header:NAME\""),
        ("testers = ''", "1 to 256 bytes"),
        ("rules = [{ release = 'candidate' }]", "neither tenant nor header"),
        ("rules = [{ tenant = 'a' }]", "release: found nothing"),
        ("rules = [{ tenant = 'a', release = 'both' }]", "\"candidate\" or \"stable\""),
        ("rules = [{ tenant = 'a', value = '1', release = 'stable' }]", "only beside header"),
        ("rules = [{ header = 'a b', release = 'stable' }]", "a field's name"),
        ("rules = [{ header = 'a', value = \"\\n\", release = 'stable' }]", "a field's value"),
        ("rules = [{ tenant = 'a', relase = 'stable', release = 'stable' }]", "an unknown key"),
        ("analysis = { p99 = 0.5 }", "from 1 to 1000"),
        ("analysis = { p99 = 'nan' }", "from 1 to 1000"),
        ("analysis = { p99 = nan }", "from 1 to 1000"),
        ("analysis = { significance = 0 }", "from 0.000000001 to 0.2"),
        ("analysis = { metrics = [{ name = 'a' }] }", "neither at_least nor at_most"),
        ("analysis = { metrics = [{ name = 'a', at_least = 2, at_most = 1 }] }", "less than at_least"),
        ("analysis = { metrics = [{ at_least = 2 }] }", "name: found nothing"),
        ("analysis = { memroy = 2 }", "write memory"),
    ] {
        let (spec, problems) = read(text);
        assert_eq!(problems.len(), 1, "{text}: {problems:#?}");
        assert!(problems[0].contains(told), "{text}: {}", problems[0]);
        assert_eq!(spec.strategy, Strategy::Instant);
    }
    let many = |count| format!("rules = [{}]", "{ tenant = 'a', release = 'stable' },".repeat(count));
    assert_eq!((read(&many(50)).1.len(), read(&many(51)).1.len()), (0, 1));
}
