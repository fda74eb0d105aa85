//! What rules can say, and what becomes of those that cannot be read or evaluated.

use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::super::tests::principal;
use super::super::{Asked, Facts};
use super::*;

fn rules(text: &str) -> Rules {
    Rules::new("rules.cedar", 7, text).unwrap_or_else(|flaws| panic!("{flaws:?}"))
}

fn noon() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_728_993_600)
}

fn alice() -> Principal {
    let claims = json!({ "level": 3, "tags": ["a", "b"], "org": { "id": "o1" }, "none": null, "half": 0.5,
        "__entity": { "type": "Role", "id": "root" } });
    Principal { claims: claims.into(), ..principal("alice", Some("t1"), &["editor"], &["orders:read"]) }
}

fn judge(rules: &Rules, permission: &str, resource: &str) -> Ruling {
    judged(rules, &alice(), permission, resource)
}

fn judged(rules: &Rules, principal: &Principal, permission: &str, resource: &str) -> Ruling {
    let address = IpAddr::from([10, 1, 2, 3]);
    let request = Some(Facts { method: "POST", path: "/orders/17", address, secure: true });
    let asked = Asked { principal: Some(principal), permission, resource, request, now: noon() };
    rules.judge(principal, &asked)
}

/// Whether a permit with this condition permits.
fn holds(condition: &str) -> bool {
    let rules = rules(&format!("@id(\"it\") permit(principal, action, resource) when {{ {condition} }};"));
    judge(&rules, "orders:write", "orders/17") == Ruling::Permit("it".into())
}

#[test]
fn a_condition_can_ask_for_all_that_is_known() {
    for condition in [
        "principal == Principal::\"alice\"",
        "principal in Role::\"editor\" && principal in Tenant::\"t1\"",
        "principal.subject == \"alice\" && principal.tenant == \"t1\" && principal.method == \"jwt\"",
        "principal.roles.contains(\"editor\") && principal.scopes.contains(\"orders:read\")",
        "principal.authenticator == \"main\"",
        "principal.claims.level >= 3 && principal.claims.tags.contains(\"b\") && principal.claims.org.id == \"o1\"",
        "action == Action::\"orders:write\"",
        "resource == Resource::\"orders/17\" && resource.kind == \"orders\" && resource.id == \"17\"",
        "context.method == \"POST\" && context.path like \"/orders/*\" && context.secure",
        "context.address.isInRange(ip(\"10.0.0.0/8\"))",
        "context.now.toTime() == duration(\"12h\") && context.now < datetime(\"2025-01-01\")",
        "context.login_age < 3600 && !(context has mfa_age)",
        "!(principal.claims has none) && !(principal.claims has half)",
        // A claim named as Cedar's JSON names entities is a record like any other.
        "principal.claims[\"__entity\"].id == \"root\" && !(principal in Role::\"root\")",
    ] {
        assert!(holds(condition), "{condition}");
    }
    for condition in [
        "principal in Role::\"admin\"",
        "principal.tenant == \"t2\"",
        "principal.claims.missing == 1",
        "resource.id == \"18\"",
        "context.address.isInRange(ip(\"192.168.0.0/16\"))",
    ] {
        assert!(!holds(condition), "{condition}");
    }
}

#[test]
fn the_age_of_a_second_factor_is_known_if_there_was_one() {
    let rules =
        rules("permit(principal, action, resource) when { context has mfa_age && context.mfa_age < 300 };");
    let mut alice = alice();
    assert_eq!(judged(&rules, &alice, "x", ""), Ruling::Silent);
    alice.assurance.second_factor_at = Some(noon() - Duration::from_secs(299));
    assert_eq!(judged(&rules, &alice, "x", ""), Ruling::Permit("number 1".into()));
    alice.assurance.second_factor_at = Some(noon() - Duration::from_secs(300));
    assert_eq!(judged(&rules, &alice, "x", ""), Ruling::Silent);
    // A clock that went back makes nothing old.
    alice.assurance.second_factor_at = Some(noon() + Duration::from_secs(5));
    assert_eq!(judged(&rules, &alice, "x", ""), Ruling::Permit("number 1".into()));
}

#[test]
fn a_forbid_wins_over_every_permit() {
    let rules = rules(
        "permit(principal, action, resource);\n@id(\"frozen\") forbid(principal, action, resource) when { resource.id == \"17\" };",
    );
    assert_eq!(judge(&rules, "x", "orders/17"), Ruling::Forbid("frozen".into()));
    assert_eq!(judge(&rules, "x", "orders/18"), Ruling::Permit("number 1".into()));
}

#[test]
fn a_rule_that_cannot_be_evaluated_never_opens_the_door() {
    let broken = rules("permit(principal, action, resource) when { principal.claims.nope == 1 };");
    assert_eq!(judge(&broken, "x", ""), Ruling::Silent);
    let forbid = rules(
        "permit(principal, action, resource);\n@id(\"odd\") forbid(principal, action, resource) when { principal.claims.nope == 1 };",
    );
    let Ruling::Broken(name, error) = judge(&forbid, "x", "") else { panic!("it must refuse") };
    assert_eq!(name, "odd");
    assert!(error.contains("nope"), "{error}");
    // A permit that holds does so beside a permit that cannot be evaluated.
    let both =
        rules("permit(principal, action, resource);\npermit(principal, action, resource) when { 1 < true };");
    assert_eq!(judge(&both, "x", ""), Ruling::Permit("number 1".into()));
    let overflow = rules(
        "forbid(principal, action, resource) when { principal.claims.level * 9223372036854775807 > 0 };",
    );
    assert!(matches!(judge(&overflow, "x", ""), Ruling::Broken(..)));
}

#[test]
fn hostile_texts_are_ids_and_values_only() {
    let rules = rules("permit(principal == Principal::\"root\", action, resource);");
    for text in ["root\"", "\" || true", "Principal::\"root\"", "root\0", "", "\u{202e}toor", "root\n"] {
        let mallory = principal(text, Some(text), &[text], &[text]);
        assert_eq!(judged(&rules, &mallory, text, text), Ruling::Silent, "{text:?}");
    }
    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!({ "x": [deep] });
    }
    let mallory = Principal { claims: deep.into(), ..principal("mallory", None, &[], &[]) };
    assert_eq!(judged(&rules, &mallory, "x", ""), Ruling::Silent);
}

#[test]
fn a_file_that_cannot_be_read_is_explained_with_its_lines() {
    let flaws = |text: &str| Rules::new("rules.cedar", 7, text).err().unwrap_or_default();
    let told = flaws("permit(principal, action, resource);\n\npermitt(principal, action, resource);\n");
    assert_eq!(told[0].line, 7);
    assert!(told[0].found.starts_with("rules.cedar:3: "), "{told:?}");
    let told = flaws("permit(principal, action, resource) when { principal.x = 1 };");
    assert!(told[0].found.starts_with("rules.cedar:1: "), "{told:?}");
    let told = flaws("permit(principal == ?principal, action, resource);");
    assert!(told[0].found.contains("a template"), "{told:?}");
    let many = "permit(principal, action, resource);\n".repeat(RULES_MAX + 1);
    assert!(flaws(&many)[0].found.contains("1001 policies"));
    for garbage in ["\0\0", "((((((((", "é\u{0301}permit", &"when {".repeat(1000), &"(".repeat(100_000)] {
        assert!(!flaws(garbage).is_empty());
    }
}

#[test]
fn a_file_that_is_not_there_or_too_large_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str| {
        let path = Located { value: name.to_owned(), line: 3 };
        Rules::read(&path, folder.path()).err().unwrap_or_default()
    };
    assert!(read("none.cedar")[0].found.starts_with("none.cedar: "), "{:?}", read("none.cedar"));
    assert!(read(".")[0].found.contains("no file"));
    std::fs::write(folder.path().join("big.cedar"), vec![b' '; RULES_BYTES_MAX as usize + 1]).unwrap();
    assert!(read("big.cedar")[0].found.contains("too large"));
    std::fs::write(folder.path().join("odd.cedar"), b"\xff\xfe").unwrap();
    assert_eq!(read("odd.cedar").len(), 1);
    std::fs::write(folder.path().join("empty.cedar"), b"").unwrap();
    assert!(read("empty.cedar").is_empty());
}

#[test]
fn a_name_written_with_escapes_is_seen_too() {
    assert!(holds(r#"context["\u{6e}ow"] < datetime("2025-01-01")"#));
    assert!(holds(r#"principal["subj\x65ct"] == "alice""#));
}
