//! Flags as files define them, asked as code asks.

use std::path::Path;

use serde_json::{Value, json};

use super::*;

/// The flags of a file with this content, in force.
pub(super) fn flags(file: Value) -> Flags {
    let flags = Flags::default();
    let document = Document::read(Path::new("flags.json"), file.to_string().as_bytes()).unwrap();
    flags.put(FlagSet::new(document.flags));
    flags
}

fn refused(file: Value) -> String {
    Document::read(Path::new("flags.json"), file.to_string().as_bytes()).unwrap_err().to_string()
}

fn user(key: &str) -> Attributes {
    Attributes { targeting_key: Some(key.into()), ..Default::default() }
}

fn attributes(values: Value) -> Attributes {
    Attributes::from_json(values).unwrap()
}

/// A file of one flag, `f`, with the variants `on` and `off`.
fn one(targeting: Value) -> Value {
    let variants = json!({"on": true, "off": false});
    json!({"flags": {"f": {"state": "ENABLED", "variants": variants, "defaultVariant": "off", "targeting": targeting}}})
}

#[test]
fn a_flag_without_targeting_is_its_default_variant() {
    let flags = flags(one(json!({})));
    let said = flags.boolean("f", true, &Nobody);
    assert_eq!((said.value, said.variant.as_deref(), said.reason), (false, Some("off"), Reason::Static));
}

#[test]
fn what_cannot_be_answered_is_the_default_with_its_reason() {
    let flags = flags(json!({"flags": {
        "dark": {"state": "DISABLED", "variants": {"on": true}, "defaultVariant": "on"},
        "code": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": null},
        "text": {"state": "ENABLED", "variants": {"a": "x"}, "defaultVariant": "a"},
        "gone": {"state": "ENABLED", "variants": {"a": "x"}, "defaultVariant": "a", "targeting": {"cat": ["z", "z"]}},
    }}));
    let ask = |key| {
        let said = flags.boolean(key, true, &Nobody);
        (said.value, said.variant, said.reason, said.error)
    };
    assert_eq!(ask("none"), (true, None, Reason::Error, Some(ErrorCode::FlagNotFound)));
    assert_eq!(ask("text"), (true, None, Reason::Error, Some(ErrorCode::TypeMismatch)));
    assert_eq!(ask("dark"), (true, None, Reason::Disabled, None));
    assert_eq!(ask("code"), (true, None, Reason::Default, None));
    assert_eq!(ask("gone"), (true, None, Reason::Error, Some(ErrorCode::General)));
    assert_eq!(flags.resolve("dark", &Nobody).value, None);
}

#[test]
fn each_type_is_asked_as_what_it_is() {
    let flags = flags(json!({"flags": {
        "s": {"state": "ENABLED", "variants": {"a": "x"}, "defaultVariant": "a"},
        "n": {"state": "ENABLED", "variants": {"a": 7}, "defaultVariant": "a"},
        "o": {"state": "ENABLED", "variants": {"a": {"k": [1]}}, "defaultVariant": "a"},
    }}));
    assert_eq!(flags.string("s", "d".into(), &Nobody).value, "x");
    assert_eq!(flags.number("n", 0.0, &Nobody).value, 7.0);
    assert_eq!(*flags.object("o", Default::default(), &Nobody).value, json!({"k": [1]}));
    assert_eq!(flags.number("s", 2.5, &Nobody).value, 2.5);
    assert_eq!(flags.resolve("n", &Nobody).value.as_deref(), Some(&json!(7)));
}

#[test]
fn targeting_picks_a_variant_by_name_or_by_truth() {
    let flags = flags(one(json!({"if": [{"ends_with": [{"var": "email"}, "@example.com"]}, "on", null]})));
    let ask = |email: &str| {
        let said = flags.boolean("f", true, &attributes(json!({"email": email})));
        (said.value, said.reason)
    };
    assert_eq!(ask("a@example.com"), (true, Reason::TargetingMatch));
    assert_eq!(ask("a@example.org"), (false, Reason::Default));
    let truth = json!({"flags": {"f": {"state": "ENABLED", "variants": {"true": 1, "false": 2}, "defaultVariant": "true",
        "targeting": {"sem_ver": [{"var": "app.version"}, ">=", "1.2.0"]}}}});
    let flags = super::tests::flags(truth);
    let ask = |version: &str| flags.number("f", 0.0, &attributes(json!({"app": {"version": version}}))).value;
    assert_eq!((ask("1.10.0"), ask("1.1.9"), ask("no version")), (1.0, 2.0, 1.0));
}

#[test]
fn a_share_of_the_keys_gets_a_variant_and_each_key_always_the_same() {
    let flags = flags(one(json!({"fractional": [["on", 25], ["off", 75]]})));
    let on = |index: u32| flags.boolean("f", false, &user(&format!("user-{index}"))).value;
    let count = (0..10_000).filter(|index| on(*index)).count();
    assert!((2_300..2_700).contains(&count), "{count}");
    assert!((0..100).all(|index| on(index) == on(index)));
    assert_eq!(flags.boolean("f", true, &Nobody).reason, Reason::Default);
}

#[test]
fn rules_see_the_flag_they_are_of_and_the_time() {
    let flags = flags(one(json!({"if": [{"and": [
        {"==": [{"var": "$flagd.flagKey"}, "f"]}, {">": [{"var": "$flagd.timestamp"}, 1_700_000_000]},
        {"==": [{"var": "targetingKey"}, "u"]}]}, "on", "off"]})));
    let mut context = user("u");
    context.values.insert("$flagd".into(), json!({"flagKey": "other"}));
    context.values.insert("targetingKey".into(), json!("other"));
    assert!(flags.boolean("f", false, &context).value);
}

#[test]
fn evaluators_are_shared_rules_that_may_use_each_other() {
    let mut file = one(json!({"if": [{"$ref": "staff"}, "on", "off"]}));
    file["$evaluators"] =
        json!({"staff": {"or": [{"$ref": "mail"}, false]}, "mail": {"in": ["@corp", {"var": "email"}]}});
    let ours = flags(file.clone());
    assert!(ours.boolean("f", false, &attributes(json!({"email": "x@corp"}))).value);
    file["$evaluators"] = json!({"staff": {"$ref": "mail"}, "mail": {"!": {"$ref": "staff"}}});
    let told = refused(file);
    assert!(told.contains("leads back to itself"), "{told}");
}

#[test]
fn metadata_of_the_file_and_of_the_flag_come_with_the_answer() {
    let mut file = one(json!({}));
    file["metadata"] = json!({"team": "a", "set": 1});
    file["flags"]["f"]["metadata"] = json!({"team": "b"});
    assert_eq!(*flags(file).boolean("f", false, &Nobody).metadata, json!({"team": "b", "set": 1}));
}

#[test]
fn the_version_is_that_of_what_is_defined() {
    let version = |file| flags(file).all().version();
    assert_eq!(version(one(json!({}))), version(one(json!({}))));
    assert_ne!(version(one(json!({}))), version(one(json!({"!": [true]}))));
    assert_eq!(Flags::default().all().version(), "0".repeat(32));
}

/// Each with the line that is told.
#[test]
fn a_bad_definition_is_refused_with_its_path() {
    let flag = |change: Value| {
        let mut file = one(json!({}));
        for (key, value) in change.as_object().unwrap() {
            file["flags"]["f"][key] = value.clone();
        }
        file
    };
    let table = [
        (json!([]), "the file: found a list of 0; allowed: an object with flags"),
        (json!({}), "flags: found nothing"),
        (
            json!({"flags": {}, "flag": {}}),
            "flag: found an unknown key; allowed: flags, $evaluators, metadata; repair: write flags",
        ),
        (json!({"flags": {"a b": {}}}), "flags.\"a b\": found \"a b\"; allowed: 1 to 128"),
        (json!({"flags": {"f": 1}}), "flags.f: found 1; allowed: an object"),
        (
            flag(json!({"defaultVariant": "onn"})),
            "flags.f.defaultVariant: found \"onn\"; allowed: off, on; repair: write \"on\"",
        ),
        (
            flag(json!({"state": "enabled"})),
            "flags.f.state: found \"enabled\"; allowed: \"ENABLED\", \"DISABLED\"",
        ),
        (flag(json!({"variants": {}})), "flags.f.variants: found 0"),
        (flag(json!({"variants": {"on": true, "off": 1}})), "flags.f.variants: found"),
        (flag(json!({"variants": {"on": [1]}})), "flags.f.variants.on: found a list of 1"),
        (flag(json!({"defaultVarient": "on"})), "flags.f.defaultVarient: found an unknown key"),
        (flag(json!({"targeting": "on"})), "flags.f.targeting: found \"on\""),
        (flag(json!({"targeting": {"iff": []}})), "flags.f.targeting: found the operator \"iff\""),
        (
            flag(json!({"targeting": {"if": [{"a": 1, "b": 2}]}})),
            "flags.f.targeting.if[0]: found an object of 2",
        ),
        (flag(json!({"targeting": {"$ref": "x"}})), "flags.f.targeting.$ref: found \"x\""),
        (flag(json!({"targeting": {"log": "x"}})), "flags.f.targeting: found the operator \"log\""),
        (flag(json!({"targeting": {"map": [1]}})), "flags.f.targeting.map: found no list and rule"),
        (flag(json!({"metadata": {"a": []}})), "flags.f.metadata.a: found a list of 0"),
    ];
    for (file, line) in table {
        let told = refused(file);
        assert!(told.starts_with(line), "{told}\n{line}");
    }
}
