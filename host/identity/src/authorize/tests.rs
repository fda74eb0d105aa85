//! Who may what: roles, scopes and rules together. The makers here serve the tests of the files below too.

use std::time::SystemTime;

use ostler_core::principal::{Assurance, Method};

use super::*;

pub(super) fn principal(subject: &str, tenant: Option<&str>, roles: &[&str], scopes: &[&str]) -> Principal {
    let list = |texts: &[&str]| texts.iter().map(|text| (*text).into()).collect();
    Principal {
        subject: subject.into(),
        tenant: tenant.map(Into::into),
        roles: list(roles),
        scopes: list(scopes),
        authenticator: "main".into(),
        method: Method::Jwt,
        authenticated_at: SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_728_993_000),
        assurance: Assurance::default(),
        claims: serde_json::json!({}).into(),
    }
}

pub(super) fn roles(config: &[(&str, &[&str])]) -> roles::Config {
    let list =
        |items: &[&str]| items.iter().map(|item| Located { value: (*item).to_owned(), line: 5 }).collect();
    config.iter().map(|(name, items)| ((*name).to_owned(), list(items))).collect()
}

/// With roles `editor` (all of orders) and `reader`.
fn authorization(scopes: Scopes, rules: Option<&str>) -> Authorization {
    let folder = tempfile::tempdir().unwrap();
    let cedar = rules.map(|rules| {
        std::fs::write(folder.path().join("rules.cedar"), rules).unwrap();
        Located { value: "rules.cedar".to_owned(), line: 9 }
    });
    let roles = roles(&[("editor", &["orders:*"]), ("reader", &["orders:read"])]);
    Authorization::new(&Config { roles, scopes, cedar }, folder.path()).unwrap()
}

#[test]
fn scopes_bound_what_roles_give_and_give_where_there_are_none() {
    use Scopes::{Grant, Ignore, Restrict};
    type Row = (&'static [&'static str], &'static [&'static str], bool, bool, bool);
    // Roles, scopes, and what each meaning of scopes makes of it.
    let table: [Row; 11] = [
        (&["editor"], &[], true, true, true),
        (&["editor"], &["orders:write"], true, true, true),
        (&["editor"], &["orders:*"], true, true, true),
        (&["editor"], &["orders:read"], false, true, true),
        (&["editor"], &["openid", "profile", "email"], true, true, true),
        (&["editor"], &["openid", "orders:read"], false, true, true),
        (&["reader"], &["orders:write"], false, true, false),
        (&["unknown"], &["orders:write"], false, true, false),
        (&[], &["orders:write"], true, true, false),
        (&[], &["openid"], false, false, false),
        (&[], &[], false, false, false),
    ];
    for (roles, scopes, restrict, grant, ignore) in table {
        let alice = principal("alice", None, roles, scopes);
        for (meaning, expected) in [(Restrict, restrict), (Grant, grant), (Ignore, ignore)] {
            let decision = authorization(meaning, None).check(Some(&alice), "orders:write", "");
            assert_eq!(decision.allowed, expected, "{roles:?} {scopes:?} {meaning:?}: {}", decision.reason);
        }
    }
}

#[test]
fn nobody_may_do_anything() {
    let authorization = authorization(Scopes::Grant, Some("permit(principal, action, resource);"));
    let decision = authorization.check(None, "orders:read", "");
    assert_eq!((decision.allowed, &*decision.reason), (false, "nobody has proved who they are"));
}

#[test]
fn a_forbid_wins_over_roles_and_a_permit_gives_what_they_do_not() {
    let rules = "@id(\"frozen\") forbid(principal, action, resource) when { resource.id == \"17\" };\n\
        @id(\"bobs\") permit(principal == Principal::\"bob\", action == Action::\"orders:delete\", resource);";
    let authorization = authorization(Scopes::Restrict, Some(rules));
    let check = |who: &Principal, permission: &str, resource: &str| {
        authorization.check(Some(who), permission, resource)
    };
    let (alice, bob) = (principal("alice", None, &["editor"], &[]), principal("bob", None, &["reader"], &[]));
    assert_eq!(check(&alice, "orders:write", "orders/18").reason, "role editor gives orders:*");
    let frozen = check(&alice, "orders:write", "orders/17");
    assert_eq!((frozen.allowed, &*frozen.reason), (false, "rule frozen forbids it"));
    let given = check(&bob, "orders:delete", "orders/18");
    assert_eq!((given.allowed, &*given.reason), (true, "rule bobs permits it"));
    assert_eq!(check(&bob, "orders:write", "orders/18").reason, "nothing allows it");
    // No rule gives a token more than its scopes.
    let narrow = principal("bob", None, &["reader"], &["orders:read"]);
    assert_eq!(check(&narrow, "orders:delete", "orders/18").reason, "the scopes do not cover it");
    let wide = principal("bob", None, &["reader"], &["orders:delete"]);
    assert!(check(&wide, "orders:delete", "orders/18").allowed);
}

#[test]
fn a_forbid_that_cannot_be_evaluated_refuses_what_roles_give() {
    let rules = "@id(\"odd\") forbid(principal, action, resource) when { principal.claims.level < 3 };";
    let authorization = authorization(Scopes::Restrict, Some(rules));
    let mut alice = principal("alice", None, &["editor"], &[]);
    let decision = authorization.check(Some(&alice), "orders:write", "");
    assert!(!decision.allowed);
    assert!(
        decision.reason.starts_with("rule odd, which may forbid it, cannot be evaluated: "),
        "{}",
        decision.reason
    );
    alice.claims = serde_json::json!({ "level": 3 }).into();
    assert!(authorization.check(Some(&alice), "orders:write", "").allowed);
    alice.claims = serde_json::json!({ "level": "3" }).into();
    assert!(!authorization.check(Some(&alice), "orders:write", "").allowed);
}

#[test]
fn what_is_too_long_is_refused() {
    let authorization = authorization(Scopes::Restrict, None);
    let alice = principal("alice", None, &["editor"], &[]);
    let check = |permission: &str, resource: &str| authorization.check(Some(&alice), permission, resource);
    assert!(check("orders:read", &"r".repeat(RESOURCE_MAX)).allowed);
    assert!(!check("orders:read", &"r".repeat(RESOURCE_MAX + 1)).allowed);
    assert!(!check(&format!("orders:{}", "r".repeat(PERMISSION_MAX)), "").allowed);
}

#[test]
fn every_step_to_a_decision_is_told() {
    let rules = "@id(\"night\") forbid(principal, action, resource) when { context.now.toTime() > duration(\"22h\") };";
    let authorization = authorization(Scopes::Restrict, Some(rules));
    let alice = principal("alice", None, &["reader", "ghost"], &["orders:write"]);
    let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_728_993_600);
    let asked =
        Asked { principal: Some(&alice), permission: "orders:write", resource: "", request: None, now };
    let told = authorization.explain(&asked);
    let steps: Vec<_> = told.steps.iter().map(|step| format!("{}: {}", step.of, step.says)).collect();
    assert_eq!(
        steps,
        [
            "role reader: gives only orders:read",
            "role ghost: is not defined in [authorization] roles",
            "scopes: cover it (orders:write), so it is left to roles and rules",
            "rules of rules.cedar (1): none concerns it",
        ]
    );
    assert_eq!((told.allowed, &*told.reason), (false, "nothing allows it"));
}

#[test]
fn rules_are_evaluated_on_stacks_that_are_not_the_threads_too() {
    let rules = "@id(\"post\") permit(principal, action, resource) when { context.method == \"POST\" };";
    let authorization = std::sync::Arc::new(authorization(Scopes::Restrict, Some(rules)));
    let peer = ostler_core::Peer {
        address: "127.0.0.1:1".parse().unwrap(),
        scheme: ostler_core::Scheme::Http,
        certificate: None,
    };
    let uri = "/orders".parse().unwrap();
    let within = authorization.within(&http::Method::POST, &uri, &peer, peer.address.ip());
    let alice = principal("alice", None, &[], &[]);
    // As small as a plugin's stack may be when it asks.
    let asked = stacker::grow(64 << 10, || within.check(Some(&alice), "orders:write", ""));
    assert_eq!((asked.allowed, &*asked.reason), (true, "rule post permits it"));
}
