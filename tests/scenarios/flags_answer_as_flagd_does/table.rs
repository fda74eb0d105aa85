//! The definitions and the contexts.

use serde_json::{Map, Value, json};

fn flag(default: Value, targeting: Value) -> Value {
    let variants = json!({"on": true, "off": false, "true": true, "false": false});
    json!({"state": "ENABLED", "variants": variants, "defaultVariant": default, "targeting": targeting})
}

/// Rules that give a truth; what is true gives "on", what is not "off".
fn truths() -> Vec<Value> {
    let var = |name: &str| json!({"var": name});
    vec![
        json!({"==": [var("tier"), "gold"]}),
        json!({"!=": [var("tier"), "gold"]}),
        json!({"===": [var("age"), 18]}),
        json!({"!==": [var("age"), 18]}),
        json!({">": [var("age"), 18]}),
        json!({"<=": [18, var("age"), 65]}),
        json!({"<": [var("ratio"), 0.5]}),
        json!({"in": [var("tier"), ["gold", "silver"]]}),
        json!({"in": ["@example.com", var("email")]}),
        json!({"in": ["beta", var("roles")]}),
        json!({"!": [var("beta")]}),
        json!({"!!": [var("roles")]}),
        json!({"and": [var("beta"), {"==": [var("tier"), "gold"]}]}),
        json!({"or": [var("beta"), {"==": [var("tier"), "gold"]}]}),
        json!({"starts_with": [var("email"), "ada"]}),
        json!({"ends_with": [var("email"), "@example.com"]}),
        json!({"ends_with": [var("age"), "8"]}),
        json!({"starts_with": [var("email")]}),
        json!({"sem_ver": [var("app.version"), ">=", "1.2.3"]}),
        json!({"sem_ver": [var("app.version"), "^", "1.0.0"]}),
        json!({"sem_ver": [var("app.version"), "~", "1.2.0"]}),
        json!({"sem_ver": [var("app.version"), "=", "v1.2.3"]}),
        json!({"sem_ver": [var("app.version"), "!=", "1.2"]}),
        json!({"sem_ver": [var("app.version"), "<", "1.2.3-rc.1"]}),
        json!({"sem_ver": [var("app.version"), "==", "1.2.3"]}),
        json!({"sem_ver": [var("app.version"), ">", "2"]}),
        json!({"some": [var("roles"), {"==": [var(""), "beta"]}]}),
        json!({"all": [var("roles"), {"in": [var(""), ["beta", "staff"]]}]}),
        json!({"none": [var("roles"), {"==": [var(""), "beta"]}]}),
        json!({">=": [{"reduce": [var("numbers"), {"+": [var("accumulator"), var("current")]}, 0]}, 6]}),
        json!({"in": [4, {"map": [var("numbers"), {"*": [var(""), 2]}]}]}),
        json!({"==": [{"%": [var("age"), 2]}, 0]}),
        json!({"==": [{"-": [var("age"), 1]}, 17]}),
        json!({">": [{"max": [var("age"), 20]}, 20]}),
        json!({"<": [{"min": [var("age"), 20]}, 20]}),
        json!({"==": [{"cat": [var("tier"), "-", var("tier")]}, "gold-gold"]}),
        json!({"==": [{"substr": [var("email"), -4]}, ".com"]}),
        json!({"==": [{"substr": [var("email"), 0, 3]}, "ada"]}),
        json!({"==": [{"var": ["nothing", "fallback"]}, "fallback"]}),
        json!({"missing": ["tier", "age"]}),
        json!({"missing_some": [1, ["tier", "age"]]}),
        json!({"==": [var("$flagd.flagKey"), "truth-41"]}),
        json!({">": [var("$flagd.timestamp"), 1_700_000_000]}),
        json!({"==": [var("targetingKey"), "ada"]}),
        json!({"$ref": "staff"}),
        json!({"and": [{"$ref": "staff"}, {"$ref": "adult"}]}),
        json!({"in": [var("roles.0"), ["beta"]]}),
        json!({"merge": [var("roles"), []]}),
        json!({"==": [var("age"), "18"]}),
    ]
}

/// Every rule as a condition, and what targeting may give besides the name of a variant.
pub(super) fn rules() -> Value {
    let mut flags = Map::new();
    for (index, truth) in truths().into_iter().enumerate() {
        flags.insert(format!("truth-{index}"), flag(json!("off"), json!({"if": [truth, "on", "off"]})));
    }
    let var = |name: &str| json!({"var": name});
    let others = [
        ("boolean", flag(json!("off"), json!({"==": [var("tier"), "gold"]}))),
        ("nothing", flag(json!("off"), json!({"if": [var("beta"), "on"]}))),
        ("code-default", flag(json!(null), json!({"if": [var("beta"), "on", null]}))),
        ("no-such-variant", flag(json!("on"), json!({"if": [var("beta"), "up", "down"]}))),
        ("no-targeting", flag(json!("on"), json!({}))),
        ("by-attribute", flag(json!("off"), var("tier"))),
        ("broken-version", flag(json!("off"), json!({"sem_ver": [var("app.version"), ">=", "one"]}))),
        (
            "else-if",
            flag(json!("off"), json!({"if": [var("beta"), "on", {"==": [var("age"), 18]}, "true", "false"]})),
        ),
        ("dark", json!({"state": "DISABLED", "variants": {"on": true}, "defaultVariant": "on"})),
        (
            "text",
            json!({"state": "ENABLED", "variants": {"a": "x", "b": "y"}, "defaultVariant": "a",
            "targeting": {"if": [var("beta"), "b"]}}),
        ),
        (
            "number",
            json!({"state": "ENABLED", "variants": {"a": 1.5, "b": 7}, "defaultVariant": "a",
            "targeting": {"if": [var("beta"), "b"]}}),
        ),
        (
            "object",
            json!({"state": "ENABLED", "variants": {"a": {"k": [1, {"z": null}]}}, "defaultVariant": "a"}),
        ),
    ];
    flags.extend(others.map(|(name, flag)| (name.to_owned(), flag)));
    let staff = json!({"in": ["staff", {"var": "roles"}]});
    json!({"flags": flags, "$evaluators": {"staff": staff, "adult": {">=": [{"var": "age"}, 18]}}})
}

pub(super) fn contexts() -> Vec<Value> {
    let mut all = vec![
        json!({"roles": [], "email": "", "age": 0, "numbers": []}),
        json!({"targetingKey": "ada", "tier": "gold", "age": 18, "email": "ada@example.com", "beta": true, "ratio": 0.25,
            "roles": ["beta", "staff"], "numbers": [1, 2, 3], "app": {"version": "1.2.3"}}),
        json!({"targetingKey": "bob", "tier": "silver", "age": 17, "email": "bob@example.org", "beta": false, "ratio": 0.5,
            "roles": ["staff"], "numbers": [1], "app": {"version": "v1.2"}}),
        json!({"targetingKey": "", "tier": "off", "age": 66.0, "email": "ada@example.com.evil", "beta": "yes", "ratio": 1,
            "roles": ["guest"], "numbers": [4, 4], "app": {"version": "2"}}),
        json!({"targetingKey": "eve", "tier": "on", "age": 20, "email": "ünïcödé@example.com", "roles": ["beta"], "numbers": [2],
            "app": {"version": "1.2.3-rc.1+build.5"}, "ratio": -1}),
        json!({"targetingKey": "kim", "age": 18, "roles": ["x"], "email": "k", "numbers": [9], "app": {"version": "not one"}}),
    ];
    for version in
        ["1.2.4", "1.10.0", "0.9", "1.2.3+a", "V1.2.3", "1.2.3-alpha", "01.2.3", "1.2.3.4", "", "1.-1.0"]
    {
        all.push(json!({"targetingKey": version, "age": 40, "roles": ["staff"], "email": "a@b", "numbers": [3, 3], "app": {"version": version}}));
    }
    all
}

/// `fractional` in every shape.
pub(super) fn shares() -> Value {
    let var = |name: &str| json!({"var": name});
    let variants = json!({"a": "a", "b": "b", "c": "c", "d": "d"});
    let shapes = [
        ("halves", json!([["a", 50], ["b", 50]])),
        ("one-percent", json!([["a", 1], ["b", 99]])),
        ("four", json!([["a", 10], ["b", 20], ["c", 30], ["d", 40]])),
        ("no-weights", json!([["a"], ["b"], ["c"]])),
        ("some-weights", json!([["a", 3], ["b"]])),
        ("fine", json!([["a", 1], ["b", 999_999]])),
        ("largest", json!([["a", 1], ["b", 2_147_483_646]])),
        ("too-large", json!([["a", 1], ["b", 2_147_483_647]])),
        ("zero", json!([["a", 0], ["b", 0]])),
        ("negative", json!([["a", -5], ["b", 5]])),
        ("by-email", json!([var("email"), ["a", 25], ["b", 75]])),
        ("by-number", json!([var("number"), ["a", 50], ["b", 50]])),
        ("by-truth", json!([var("truth"), ["a", 50], ["b", 50]])),
        ("by-object", json!([var("object"), ["a", 50], ["b", 50]])),
        ("by-nothing", json!([var("nothing"), ["a", 50], ["b", 50]])),
        ("by-both", json!([{"cat": [var("$flagd.flagKey"), var("email")]}, ["a", 50], ["b", 50]])),
        ("computed-variant", json!([[{"if": [var("truth"), "c", "d"]}, 50], ["b", 50]])),
        ("computed-weight", json!([["a", {"if": [var("truth"), 90, 10]}], ["b", 10]])),
        ("boolean-weight", json!([["a", true], ["b", 10]])),
        ("text-weight", json!([["a", "50"], ["b", 50]])),
        ("three", json!([["a", 50, 1], ["b", 50]])),
        ("empty", json!([])),
        ("empty-share", json!([[], ["b", 1]])),
        ("null-variant", json!([[null, 50], ["b", 50]])),
    ];
    let flag = |(name, shape): (&str, Value)| {
        let targeting = json!({"fractional": shape});
        let flag =
            json!({"state": "ENABLED", "variants": variants, "defaultVariant": "d", "targeting": targeting});
        (name.to_owned(), flag)
    };
    json!({"flags": shapes.into_iter().map(flag).collect::<Map<_, _>>()})
}

pub(super) fn subjects() -> Vec<Value> {
    let mut all: Vec<_> = (0..500)
        .map(|index: i64| {
            let number = if index % 3 == 0 { json!(index * 7_919) } else { json!(index as f64 / 8.0 - 11.0) };
            json!({"targetingKey": format!("user-{index}"), "email": format!("u{index}@example.com"), "number": number,
                "truth": index % 2 == 0, "object": {"b": index, "aa": [index, null, "ü"], "a": -index}})
        })
        .collect();
    all.push(json!({"email": "without@key", "number": 1e20, "truth": true}));
    all.push(json!({"targetingKey": "", "email": "", "number": -1e-7, "truth": false}));
    all.push(
        json!({"targetingKey": "ключ-钥匙", "email": "x".repeat(300), "number": 65_504.0, "truth": true}),
    );
    all
}
