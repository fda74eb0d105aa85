//! Routes and what they ask: every way a path, a host or a token may try to get past.

use std::sync::Arc;
use std::time::Instant;

use http::Request;
use ostler_core::{Peer, RequestId};

use super::super::Config;
use super::super::tests::{principal, roles};
use super::*;

fn authorization() -> Authorization {
    let roles = roles(&[
        ("editor", &["orders:read", "orders:write"]),
        ("support", &["orders:read on orders/*"]),
        ("own", &["profile:write on users/{subject}"]),
    ]);
    Authorization::new(&Config { roles, ..Config::default() }, "".as_ref()).unwrap()
}

fn spec(require: &[&str], tenant: Option<TenantSpec>) -> AccessSpec {
    let at = |line, value: &str| Located { value: value.to_owned(), line };
    AccessSpec {
        auth: Some(vec![at(1, "main")]),
        require: Some(require.iter().map(|text| at(2, text)).collect()),
        tenant: tenant.map(|value| Located { value, line: 3 }),
        mfa: None,
    }
}

fn ask(
    spec: &AccessSpec,
    pattern: &str,
    who: Option<Principal>,
    host: &str,
    path: &str,
) -> Result<(), Error> {
    let authorization = authorization();
    let require = authorization.route(spec, pattern).unwrap().unwrap();
    let peer = Peer { address: "127.0.0.1:1".parse().unwrap(), scheme: Scheme::Http, certificate: None };
    let now = Instant::now();
    let mut exchange = Exchange::new(RequestId::generate(1), peer, pattern.into(), now, now);
    exchange.principal = who.map(Arc::new);
    let (head, ()) = Request::builder().uri(path).header("host", host).body(()).unwrap().into_parts();
    require.check(&authorization, &exchange, &head)
}

fn told(spec: &AccessSpec, pattern: &str) -> Vec<String> {
    let flaws = authorization().route(spec, pattern).err().unwrap_or_default();
    flaws.iter().map(|flaw| format!("{}: {flaw}", flaw.line)).collect()
}

#[test]
fn a_route_asks_for_its_permission_on_what_its_path_names() {
    let spec = spec(&["orders:read on orders/{id}"], None);
    let table = [
        ("editor", "/orders/17", true),
        ("support", "/orders/17", true),
        ("support", "/orders/a%20b", true),
        ("own", "/orders/17", false),
        ("nobody", "/orders/17", false),
    ];
    for (role, path, expected) in table {
        let who = principal("alice", None, &[role], &[]);
        assert_eq!(ask(&spec, "/orders/{id}", Some(who), "x", path).is_ok(), expected, "{role} {path}");
    }
}

#[test]
fn hostile_segments_never_name_a_resource() {
    let spec = spec(&["orders:read on orders/{id}"], None);
    for segment in [
        "..",
        ".",
        "%2e%2e",
        "%2E",
        "%2f",
        "a%2fb",
        "..%2f..",
        "%5c",
        "a%00",
        "%0a",
        "%ff",
        "%c0%af",
        "",
        "%2e%2e%2fadmin",
    ] {
        for role in ["support", "editor"] {
            let who = principal("alice", None, &[role], &[]);
            let path = format!("/orders/{segment}");
            let error = ask(&spec, "/orders/{id}", Some(who), "x", &path).expect_err(segment);
            assert_eq!(error.kind, Kind::Forbidden, "{segment}");
        }
    }
    // Decoded once only, and a wildcard is a character like any other.
    let seventeen = super::super::tests::roles(&[("one", &["orders:read on orders/17"])]);
    let authorization =
        Authorization::new(&Config { roles: seventeen, ..Config::default() }, "".as_ref()).unwrap();
    let require = authorization.route(&spec, "/orders/{id}").unwrap().unwrap();
    for (segment, named) in
        [("%2531%37", "orders/%317"), ("*", "orders/*"), ("%2a%2a", "orders/**"), ("{id}", "orders/{id}")]
    {
        let need = require.needs(&format!("/orders/{segment}")).remove(0);
        assert_eq!(need.resource.as_deref(), Some(named));
        let who = principal("alice", None, &["one"], &[]);
        let asked = Asked {
            principal: Some(&who),
            permission: &need.permission,
            resource: named,
            request: None,
            now: SystemTime::now(),
        };
        assert!(!authorization.decide(&asked).allowed, "{segment}");
    }
}

#[test]
fn parameters_are_found_where_the_pattern_has_them() {
    let table = [
        ("/a/{id}", "/a/1", "x/1"),
        ("/{id}/b", "/1/b", "x/1"),
        ("/a/{id}.json", "/a/1.json", "x/1"),
        ("/a/v{id}", "/a/v1", "x/1"),
        ("/{{a}}/{id}", "/{a}/1", "x/1"),
        ("/a/{*id}", "/a/1/2/3", "x/1/2/3"),
    ];
    for (pattern, path, expected) in table {
        let require = authorization().route(&spec(&["p on x/{id}"], None), pattern).unwrap().unwrap();
        assert_eq!(require.needs(path)[0].resource.as_deref(), Some(expected), "{pattern}");
    }
    let require = authorization().route(&spec(&["p on x/{id}"], None), "/a/{*id}").unwrap().unwrap();
    for path in ["/a/1/../2", "/a/1//2", "/a/1/", "/a/1/%2e%2e", "/a"] {
        assert_eq!(require.needs(path)[0].resource, None, "{path}");
    }
    let two = authorization().route(&spec(&["p on t/{t}/o/{o}"], None), "/{t}/orders/{o}").unwrap().unwrap();
    assert_eq!(two.needs("/t1/orders/9")[0].resource.as_deref(), Some("t/t1/o/9"));
}

#[test]
fn all_permissions_are_needed_and_the_lacking_one_is_named() {
    let spec = spec(&["orders:read", "orders:write on orders/{id}"], None);
    let editor = principal("alice", None, &["editor"], &[]);
    assert!(ask(&spec, "/orders/{id}", Some(editor), "x", "/orders/17").is_ok());
    let clerk = principal("bob", None, &[], &["orders:read"]);
    let error = ask(&spec, "/orders/{id}", Some(clerk), "x", "/orders/17").unwrap_err();
    assert_eq!(error.kind, Kind::Forbidden);
    assert_eq!(error.detail, "this needs the permission orders:write on orders/17");
    let more = error.more.unwrap();
    assert_eq!(more.members["permission"], "orders:write");
    assert_eq!(more.members["resource"], "orders/17");
    let error = ask(&spec, "/orders/{id}", None, "x", "/orders/17").unwrap_err();
    assert_eq!(error.kind, Kind::Unauthenticated);
    assert!(!error.detail.contains("orders"), "a stranger learns nothing: {}", error.detail);
}

#[test]
fn own_resources_are_those_of_the_subject() {
    let spec = spec(&["profile:write on users/{name}"], None);
    let alice = || Some(principal("alice", None, &["own"], &[]));
    assert!(ask(&spec, "/users/{name}", alice(), "x", "/users/alice").is_ok());
    assert!(ask(&spec, "/users/{name}", alice(), "x", "/users/%61lice").is_ok());
    for path in ["/users/bob", "/users/Alice", "/users/alice%20", "/users/%7Bsubject%7D"] {
        assert!(ask(&spec, "/users/{name}", alice(), "x", path).is_err(), "{path}");
    }
}

#[test]
fn a_tenant_reaches_only_its_own_path() {
    let spec = spec(&[], Some(TenantSpec::Path("tenant".into())));
    let ask = |own: Option<&str>, path: &str| {
        let who = principal("alice", own, &["editor"], &["*"]);
        ask(&spec, "/{tenant}/orders", Some(who), "x", path).map_err(|error| (error.kind, error.detail))
    };
    assert_eq!(ask(Some("t1"), "/t1/orders"), Ok(()));
    assert_eq!(ask(Some("t 1"), "/t%201/orders"), Ok(()));
    let refused = Err((Kind::Forbidden, "this is not of your tenant".into()));
    for path in
        ["/t2/orders", "/T1/orders", "/t1%00/orders", "/t1%2f/orders", "/*/orders", "/t1./orders", "//orders"]
    {
        assert_eq!(ask(Some("t1"), path), refused, "{path}");
    }
    assert_eq!(ask(None, "/t1/orders"), refused);
    assert_eq!(ask(None, "/%00/orders"), refused);
    assert_eq!(ask(Some(""), "//orders"), refused);
    assert_eq!(ask(Some("*"), "/t1/orders"), refused);
}

#[test]
fn a_tenant_reaches_only_its_own_host() {
    let spec = spec(&[], Some(TenantSpec::Host));
    let ask = |own: Option<&str>, host: &str| {
        ask(&spec, "/", Some(principal("alice", own, &[], &[])), host, "/").is_ok()
    };
    for host in [
        "t1.example.com",
        "T1.Example.COM",
        "t1.example.com.",
        "t1.example.com:8080",
        "t1.example.com.:80",
        "t1",
    ] {
        assert!(ask(Some("t1"), host), "{host}");
    }
    for host in [
        "t2.example.com",
        "xt1.example.com",
        "example.com",
        ".t1.example.com",
        "t1-.example.com",
        "",
        ".",
        ":80",
    ] {
        assert!(!ask(Some("t1"), host), "{host}");
    }
    assert!(!ask(None, "t1.example.com"));
    assert!(!ask(Some(""), ".example.com"));
    assert!(!ask(Some("10"), "10.0.0.1"));
    assert!(!ask(Some("["), "[::1]:80"));
    assert!(!ask(Some("[::1]"), "[::1]"));
    // Exact but for the host's own case.
    assert!(!ask(Some("T1"), "T1.example.com"));
}

#[test]
fn what_cannot_be_asked_for_is_explained() {
    let told_of = |text: &str| told(&spec(&[text], None), "/orders/{id}").join("\n");
    for text in [
        "",
        "orders:*",
        "*",
        "a b",
        "x on ",
        "x on orders/*",
        "x on orders/{other}",
        "x on a{id}",
        "x on ../{id}",
    ] {
        assert!(told_of(text).starts_with("2: require: found "), "{text}: {}", told_of(text));
    }
    assert!(told_of("x on orders/{other}").contains("parameters of /orders/{id}: {id}"));
    let tenant = told(&spec(&[], Some(TenantSpec::Path("t".into()))), "/orders");
    assert!(
        tenant[0].starts_with("3: tenant: found \"path:t\", but /orders has no segment {t}"),
        "{tenant:?}"
    );
    assert!(!told(&spec(&[], Some(TenantSpec::Path("t".into()))), "/{*t}").is_empty());
}

#[test]
fn asking_what_somebody_may_needs_asking_who_they_are() {
    for auth in [None, Some(Vec::new())] {
        let spec = AccessSpec { auth: auth.clone(), ..spec(&["x"], None) };
        let told = told(&spec, "/");
        assert!(told[0].starts_with("2: require: found no auth beside it"), "{told:?}");
        assert!(told[0].contains("add auth = [\"NAME\"]"), "{told:?}");
        let tenant = AccessSpec { auth, require: None, ..self::spec(&[], Some(TenantSpec::Host)) };
        assert!(told_tenant(&tenant).contains("3: tenant: found no auth beside it"));
    }
    assert!(authorization().route(&AccessSpec::default(), "/").unwrap().is_none());
    let lifted = AccessSpec { auth: None, ..spec(&[], Some(TenantSpec::None)) };
    assert!(authorization().route(&lifted, "/").unwrap().is_none());
}

fn told_tenant(spec: &AccessSpec) -> String {
    told(spec, "/").join("\n")
}

#[test]
fn refusals_are_counted_by_route_and_permission() {
    let metrics = ostler_observe::Metrics::default();
    let authorization = authorization().counting(&metrics);
    let require =
        authorization.route(&spec(&["orders:write on orders/{id}"], None), "/orders/{id}").unwrap().unwrap();
    let peer = Peer { address: "127.0.0.1:1".parse().unwrap(), scheme: Scheme::Http, certificate: None };
    let now = Instant::now();
    let mut exchange = Exchange::new(RequestId::generate(1), peer, "/orders/{id}".into(), now, now);
    exchange.principal = Some(Arc::new(principal("alice", None, &[], &[])));
    for id in 0..3 {
        let (head, ()) = Request::builder().uri(format!("/orders/{id}")).body(()).unwrap().into_parts();
        require.check(&authorization, &exchange, &head).unwrap_err();
    }
    let line = "ostler_authorization_denied_total{route=\"/orders/{id}\",permission=\"orders:write on orders/{id}\"} 3\n";
    assert!(metrics.render().contains(line), "{}", metrics.render());
}
