//! Definitions and contexts that mean harm, or are merely broken.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::tests::flags;
use super::*;

/// Longest anything here may take, and far less than what is not bounded takes.
const BOUNDED: Duration = Duration::from_secs(30);

fn refused(file: &str) -> String {
    Document::read(Path::new("flags.json"), file.as_bytes()).unwrap_err().to_string()
}

fn ruled(rule: Value) -> Value {
    let variants = json!({"on": true, "off": false});
    json!({"flags": {"f": {"state": "ENABLED", "variants": variants, "defaultVariant": "off", "targeting": rule}}})
}

fn nested(depth: usize, open: &str, inner: &str, close: &str) -> String {
    format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
}

/// What a rule says of a list of a thousand, and that it says so soon.
fn asked(rule: Value) -> Resolution<bool> {
    let flags = flags(ruled(rule));
    let context =
        Attributes::from_json(json!({"list": (0..1_000).collect::<Vec<_>>(), "text": "x".repeat(16_000)}))
            .unwrap();
    let began = Instant::now();
    let said = flags.boolean("f", true, &context);
    assert!(began.elapsed() < BOUNDED, "{:?}", began.elapsed());
    said
}

#[test]
fn rules_that_nest_without_end_are_refused() {
    for depth in [60, 100, 1_000, 100_000] {
        let rule = nested(depth, r#"{"!":["#, "1", "]}");
        let file = ruled(json!("RULE")).to_string().replace("\"RULE\"", &rule);
        assert!(!refused(&file).is_empty(), "{depth}");
    }
    assert!(refused(&nested(1_000_000, "[", "", "]")).contains("recursion limit"));
}

#[test]
fn evaluators_that_multiply_are_refused_at_once() {
    let mut file = ruled(json!({"$ref": "e30"}));
    let level = |below: usize| json!({"and": [{"$ref": format!("e{below}")}, {"$ref": format!("e{below}")}]});
    let mut evaluators: serde_json::Map<_, _> =
        (1..=30).map(|at| (format!("e{at}"), level(at - 1))).collect();
    evaluators.insert("e0".into(), json!(true));
    file["$evaluators"] = evaluators.into();
    let began = Instant::now();
    assert!(refused(&file.to_string()).contains("too large"));
    assert!(began.elapsed() < BOUNDED);
}

/// A hundred flags, each of which would bring the same long text many times.
#[test]
fn what_references_bring_counts_in_bytes() {
    let long = "x".repeat(DEFINITION_MAX - 1_000);
    let rule = |times: usize| json!({"if": [{"or": vec![json!({"$ref": "long"}); times]}, "on", "off"]});
    let file = |times| {
        let mut file = ruled(rule(times));
        file["$evaluators"] = json!({"long": {"in": [long, {"var": "a"}]}});
        file
    };
    assert!(refused(&file(2).to_string()).contains("65536 bytes, with what $ref brings"));
    flags(file(1));
    let mut many = file(1);
    let flag = many["flags"]["f"].clone();
    many["flags"] =
        (0..1_100).map(|at| (format!("f{at}"), flag.clone())).collect::<serde_json::Map<_, _>>().into();
    assert!(refused(&many.to_string()).contains("too many rules"));
    let metadata = json!({"flags": {}, "metadata": {"note": "x".repeat(METADATA_MAX)}});
    assert!(refused(&metadata.to_string()).contains("at most 4096 bytes"));
}

#[test]
fn loops_within_loops_end_with_the_default() {
    let items = || json!((0..30).collect::<Vec<_>>());
    for looped in ["map", "filter", "all"] {
        let mut rule = json!({"+": [{"var": ""}, 1]});
        for _ in 0..8 {
            rule = json!({looped: [items(), rule]});
        }
        // Of what the context says, so that nothing of it can be known before.
        let said = asked(
            json!({"if": [{"map": [{"var": "list"}, {"+": [{"reduce": [rule, 1, 0]}, {"var": ""}]}]}, "on"]}),
        );
        assert!(said.error.is_none_or(|error| error == ErrorCode::ParseError), "{said:?}");
    }
    // A thousand items, and more than a hundred values for each.
    let mut sum = vec![json!({"var": ""})];
    sum.extend((0..150).map(|number| json!(number)));
    let said = asked(json!({"if": [{"map": [{"var": "list"}, {"+": sum}]}, "on"]}));
    assert!(said.message.as_ref().is_some_and(|message| message.contains("steps")), "{said:?}");
}

#[test]
fn texts_and_lists_that_double_end_with_the_default() {
    let (list, acc) = (json!({"var": "list"}), json!({"var": "accumulator"}));
    let bodies = [
        json!({"cat": [acc, acc]}),
        json!({"cat": [{"cat": [acc, acc]}, {"cat": [acc, acc]}]}),
        json!({"merge": [acc, acc]}),
        json!([acc, acc]),
        json!([[acc], [acc]]),
        json!({"if": [true, [acc, acc]]}),
    ];
    for body in bodies {
        let said = asked(json!({"if": [{"cat": [{"reduce": [list, body, {"var": "text"}]}]}, "on"]}));
        assert_eq!((said.value, said.error), (true, Some(ErrorCode::ParseError)), "{body}");
    }
    // Each level doubles what the one below holds.
    let mut rule = json!({"var": "list"});
    for _ in 0..20 {
        rule = json!({"map": [rule, [{"var": ""}, {"var": ""}]]});
    }
    assert!(asked(json!({"in": ["x", {"cat": [rule]}]})).error.is_some());
}

#[test]
fn long_rules_and_large_files_are_refused() {
    let long: Vec<_> = (0..5_000).collect();
    assert!(refused(&ruled(json!({"in": [1, long]})).to_string()).contains("too large"));
    let text = "x".repeat(DEFINITION_MAX);
    assert!(refused(&ruled(json!({"in": [text, {"var": "a"}]})).to_string()).contains("at most 65536 bytes"));
    let many: Value =
        (0..300).map(|at| (format!("v{at}"), json!(true))).collect::<serde_json::Map<_, _>>().into();
    let file = json!({"flags": {"f": {"state": "ENABLED", "variants": many}}});
    assert!(refused(&file.to_string()).contains("1 to 256 variants"));
    assert!(refused(&ruled(json!({"cat": vec!["x"; 65]})).to_string()).contains("at most 64 arguments"));
    let flags: serde_json::Map<_, _> = (0..=FLAGS_MAX).map(|at| (format!("f{at}"), json!(1))).collect();
    assert!(refused(&json!({"flags": flags}).to_string()).contains("at most 50000 flags"));
    let bad: serde_json::Map<_, _> = (0..1_000).map(|at| (format!("f{at}"), json!(1))).collect();
    assert!(refused(&json!({"flags": bad}).to_string()).ends_with("and 980 more"));
}

#[test]
fn what_is_told_of_a_bad_file_stays_on_its_line() {
    let file = json!({"flags": {"a\nb\u{1b}[31m": {}, "f": {"state": "x\ny".repeat(100), "variants": {"a\n": null}}}});
    for line in Document::read(Path::new("f"), file.to_string().as_bytes()).unwrap_err().problems {
        let told = line.to_string();
        assert!(!told.contains(['\n', '\u{1b}']) && told.len() < 600, "{told:?}");
    }
}

#[test]
fn hostile_contexts_are_answered() {
    let rule = json!({"if": [{"==": [{"var": "a.b.c"}, {"var": "a"}]}, "on", {"fractional": [{"var": "a"}, ["on", 1], ["off", 1]]}]});
    let flags = flags(ruled(rule));
    let deep: Value = serde_json::from_str(&nested(100, "[", "1", "]")).unwrap();
    for a in [
        json!(null),
        json!(1e308),
        json!(-0.0),
        json!(""),
        json!("\u{0}"),
        deep,
        json!({"b": {"c": {}}}),
        json!([{}, [], 1]),
    ] {
        let said =
            flags.boolean("f", true, &Attributes::from_json(json!({"targetingKey": "u", "a": a})).unwrap());
        assert!(said.error.is_none_or(|error| error == ErrorCode::ParseError), "{said:?}");
    }
}

/// Bytes of a good file changed at random: refused or taken, and every flag that was taken answers.
#[test]
fn no_bytes_make_a_file_panic() {
    let good = json!({"$evaluators": {"e": {"in": ["@x", {"var": "email"}]}}, "metadata": {"a": 1}, "flags": {
        "a": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on",
            "targeting": {"if": [{"$ref": "e"}, {"fractional": [["on", 10], ["off", 90]]}, {"sem_ver": [{"var": "v"}, ">", "1.2"]}]}},
        "b": {"state": "DISABLED", "variants": {"x": {"k": [1]}}, "defaultVariant": null, "metadata": {"m": "n"},
            "targeting": {"reduce": [{"var": "list"}, {"+": [{"var": "accumulator"}, {"var": "current"}]}, 0]}},
    }}).to_string();
    let mut random = fastrand::Rng::with_seed(7);
    let context =
        Attributes::from_json(json!({"targetingKey": "u", "email": "a@x", "v": "1.3", "list": [1, 2]}))
            .unwrap();
    let mut taken = 0;
    for _ in 0..20_000 {
        let mut bytes = good.clone().into_bytes();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..bytes.len());
            match random.u8(..4) {
                0 => bytes[at] = random.u8(..),
                1 => bytes[at] = *b"{}[]\":,0".get(random.usize(..8)).unwrap(),
                2 => drop(bytes.remove(at)),
                _ => bytes.insert(at, bytes[at]),
            }
        }
        if let Ok(document) = Document::read(Path::new("f"), &bytes) {
            taken += 1;
            let set = FlagSet::new(document.flags);
            for flag in set.iter() {
                set.resolve(flag.key(), &context);
            }
        }
    }
    assert!(taken > 100, "{taken} were taken");
}
