//! Which counter a request takes from, what it is told, and what is wrong with settings.

use std::net::{IpAddr, SocketAddr};
use std::time::{Instant, SystemTime};

use http::Request;
use ostler_core::principal::Assurance;
use ostler_core::settings::{Located, Node, Problems};
use ostler_core::{Body, Peer, RequestId, Scheme};

use super::*;

fn configs(texts: &[(&str, &str)]) -> BTreeMap<String, limits::Config> {
    let problems = Problems::new("t");
    let read = |(name, text): &(&str, &str)| {
        let node = Node::from_toml(text, &problems);
        let section = node.section(format!("limits.{name}"), &problems);
        (String::from(*name), limits::Config::read(name, section, true))
    };
    let all = texts.iter().map(read).collect();
    assert!(!problems.fatal(), "{:?}", problems.into_vec());
    all
}

fn spec(names: &[&str], cost: Option<u32>) -> LimitsSpec {
    let named = |name: &&str| Located { value: String::from(*name), line: 7 };
    LimitsSpec { limits: Some(names.iter().map(named).collect()), cost }
}

fn limiting(texts: &[(&str, &str)], names: &[&str], cost: Option<u32>) -> Limiting {
    let all = RateLimits::default();
    let set = all.next(&configs(texts));
    Limiting::new(&spec(names, cost), &all, &set, &route("/x"), &Switches::default()).unwrap()
}

fn route(path: &str) -> RouteSpec {
    let problems = Problems::new("t");
    let node = Node::from_toml(&format!("path = {path:?}\nplugin = 'p'"), &problems);
    RouteSpec::read(node.section("routes", &problems), None)
}

/// A request of somebody.
fn asks(client: &str, fields: &[(&str, &str)], known: Option<Principal>) -> (Exchange, Parts) {
    let peer =
        Peer { address: SocketAddr::from(([10, 0, 0, 1], 1)), scheme: Scheme::Http, certificate: None };
    let now = Instant::now();
    let mut exchange =
        Exchange::new(RequestId::generate(1), peer, "/x".into(), now, now + Duration::from_secs(9));
    exchange.client = client.parse::<IpAddr>().unwrap();
    exchange.principal = known.map(Arc::new);
    let mut request = Request::builder().uri("/x");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    (exchange, request.body(Body::Empty).unwrap().into_parts().0)
}

fn principal(authenticator: &str, subject: &str, tenant: Option<&str>, method: Method) -> Principal {
    Principal {
        subject: subject.into(),
        tenant: tenant.map(Into::into),
        roles: Vec::new(),
        scopes: Vec::new(),
        authenticator: authenticator.into(),
        method,
        authenticated_at: SystemTime::UNIX_EPOCH,
        assurance: Assurance::default(),
        claims: Arc::default(),
    }
}

async fn admitted(limiting: &Limiting, (exchange, head): &(Exchange, Parts)) -> bool {
    let mut fields = HeaderMap::new();
    limiting.before(exchange, head, &mut fields).await.is_ok()
        && limiting.after(exchange, head, &mut fields).await.is_ok()
}

/// Whether both take from one counter.
async fn same(by: &str, one: (Exchange, Parts), other: (Exchange, Parts)) -> bool {
    let limiting = limiting(&[("a", &format!("rate = '1/h'\nby = {by}"))], &["a"], None);
    assert!(admitted(&limiting, &one).await, "{by}");
    !admitted(&limiting, &other).await
}

#[tokio::test]
async fn a_request_is_told_how_it_stands_and_refused_with_when_to_come_again() {
    let texts = [("minute", "rate = '100/min'\nburst = 2"), ("user", "rate = '1000/h'\nby = ['user']")];
    let limiting = limiting(&texts, &["minute", "user"], None);
    let (exchange, head) = asks("192.0.2.1", &[], None);
    for left in ["1", "0"] {
        let mut fields = HeaderMap::new();
        limiting.before(&exchange, &head, &mut fields).await.unwrap();
        limiting.after(&exchange, &head, &mut fields).await.unwrap();
        let values = |name: &str| {
            fields.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(values("ratelimit-policy"), ["\"minute\";q=100;w=60", "\"user\";q=1000;w=3600"]);
        let standing = values("ratelimit");
        assert!(standing[0].starts_with(&format!("\"minute\";r={left};t=")), "{standing:?}");
        assert!(standing[1].starts_with("\"user\";r=99"), "{standing:?}");
    }
    let mut fields = HeaderMap::new();
    let error = limiting.before(&exchange, &head, &mut fields).await.unwrap_err();
    assert_eq!((error.kind, &*error.detail), (Kind::RateLimited, "the limit minute admits 100 in 1m"));
    assert!(error.retry_after.unwrap() <= Duration::from_millis(600));
    let response = error.response(&exchange.id);
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(error.more.unwrap().members["limit"], "minute");
    assert!(fields["ratelimit"].to_str().unwrap().starts_with("\"minute\";r=0;t="));
}

#[tokio::test]
async fn several_limits_are_items_of_one_list() {
    let limiting =
        limiting(&[("a", "rate = '10/min'"), ("b", "rate = '20/h'\nby = []")], &["a", "b"], Some(3));
    let (exchange, head) = asks("192.0.2.1", &[], None);
    let mut fields = HeaderMap::new();
    limiting.before(&exchange, &head, &mut fields).await.unwrap();
    assert_eq!(fields["ratelimit-policy"], "\"a\";q=10;w=60, \"b\";q=20;w=3600");
    assert_eq!(fields["ratelimit"], "\"a\";r=7;t=18, \"b\";r=17;t=540");
}

#[tokio::test]
async fn addresses_count_by_customer() {
    let from = |address| asks(address, &[], None);
    let by = "['address']";
    assert!(same(by, from("192.0.2.1"), from("192.0.2.1")).await);
    assert!(!same(by, from("192.0.2.1"), from("192.0.2.2")).await);
    assert!(same(by, from("2001:db8:0:1::1"), from("2001:db8:0:1:ffff::2")).await);
    assert!(!same(by, from("2001:db8:0:1::1"), from("2001:db8:0:2::1")).await);
    let wide = "['address']\nipv6_prefix = 48";
    assert!(same(wide, from("2001:db8:0:1::1"), from("2001:db8:0:2::1")).await);
    let whole = "['address']\nipv6_prefix = 128";
    assert!(!same(whole, from("2001:db8::1"), from("2001:db8::2")).await);
}

#[tokio::test]
async fn a_user_is_known_by_authenticator_and_subject_wherever_it_is() {
    let known = |address: &str, authenticator: &str, subject: &str, tenant, method| {
        asks(address, &[], Some(principal(authenticator, subject, tenant, method)))
    };
    let jwt = |subject, tenant| known("192.0.2.1", "main", subject, tenant, Method::Jwt);
    assert!(same("['user']", jwt("u", None), known("192.0.2.9", "main", "u", None, Method::Jwt)).await);
    assert!(!same("['user']", jwt("u", None), jwt("v", None)).await);
    assert!(!same("['user']", jwt("u", None), known("192.0.2.1", "other", "u", None, Method::Jwt)).await);
    assert!(same("['tenant']", jwt("u", Some("t")), jwt("v", Some("t"))).await);
    assert!(!same("['tenant']", jwt("u", Some("t")), jwt("u", Some("s"))).await);
    assert!(!same("['tenant', 'user']", jwt("u", Some("t")), jwt("v", Some("t"))).await);
    let by_key = |subject| known("192.0.2.1", "keys", subject, None, Method::ApiKey);
    assert!(!same("['api-key']", by_key("k1"), by_key("k2")).await);
    assert!(same("['api-key']", by_key("k1"), by_key("k1")).await);
    // Others than keys count by address, so that a token is no way around.
    assert!(same("['api-key']", jwt("u", None), jwt("v", None)).await);
}

#[tokio::test]
async fn who_leaves_a_part_out_counts_by_address() {
    let bare = |address| asks(address, &[], None);
    let field = |value| asks("192.0.2.1", &[("x-team", value)], None);
    for by in ["['user']", "['tenant']", "['api-key']", "['header:x-team']"] {
        assert!(same(by, bare("192.0.2.1"), bare("192.0.2.1")).await, "{by}");
        assert!(!same(by, bare("192.0.2.1"), bare("192.0.2.2")).await, "{by}");
    }
    assert!(same("['header:X-Team']", field("a"), field("a")).await);
    assert!(!same("['header:x-team']", field("a"), field("b")).await);
    assert!(!same("['header:x-team']", field("a"), bare("192.0.2.1")).await);
    let two = |one, other| asks("192.0.2.1", &[("x-a", one), ("x-a", other), ("x-b", "3")], None);
    let by = "['header:x-a', 'header:x-b']";
    let shifted = asks("192.0.2.1", &[("x-a", "1"), ("x-b", "2"), ("x-b", "3")], None);
    assert!(!same(by, two("1", "2"), shifted).await);
}

#[tokio::test]
async fn routes_and_methods_have_counters_of_their_own_where_it_is_said() {
    let texts =
        [("route", "rate = '1/h'\nby = ['route']"), ("plugin", "rate = '2/h'\nby = ['plugin', 'method']")];
    let all = RateLimits::default();
    let set = all.next(&configs(&texts));
    let on = |path, name| {
        Limiting::new(&spec(&[name], None), &all, &set, &route(path), &Switches::default()).unwrap()
    };
    let request = asks("192.0.2.1", &[], None);
    assert!(admitted(&on("/x", "route"), &request).await);
    assert!(admitted(&on("/y", "route"), &request).await);
    assert!(!admitted(&on("/x", "route"), &request).await);
    assert!(admitted(&on("/x", "plugin"), &request).await);
    assert!(admitted(&on("/y", "plugin"), &request).await);
    assert!(!admitted(&on("/x", "plugin"), &request).await, "both routes are of one plugin");
    let mut post = asks("192.0.2.1", &[], None);
    post.1.method = http::Method::POST;
    assert!(admitted(&on("/x", "plugin"), &post).await);
}

#[tokio::test]
async fn a_limit_that_fails_closed_is_a_503_that_names_it() {
    let texts = [("a", "rate = '1/h'\nshared = true\nwhen_unavailable = 'closed'")];
    let limiting = limiting(&texts, &["a"], None);
    let (exchange, head) = asks("192.0.2.1", &[], None);
    let error = limiting.before(&exchange, &head, &mut HeaderMap::new()).await.unwrap_err();
    assert_eq!((error.kind, error.retry_after), (Kind::LimitUnavailable, Some(UNAVAILABLE)));
    assert_eq!(error.more.unwrap().members["limit"], "a");
}

#[test]
fn names_and_costs_that_cannot_be_are_told() {
    let known = configs(&[("per-user", "rate = '10/s'"), ("even", "rate = '10/s'\nalgorithm = 'gcra'")]);
    let told = |names: &[&str], cost| {
        check(&known, &spec(names, cost)).iter().map(|flaw| (flaw.line, flaw.to_string())).collect::<Vec<_>>()
    };
    assert_eq!(told(&["per-user", "even"], None), []);
    let flaws = told(&["per-usr", "daily"], None);
    let first = "limits: found \"per-usr\"; allowed: even, per-user; repair: write \"per-user\"";
    let second = "limits: found \"daily\"; allowed: even, per-user; repair: add [limits.daily]";
    assert_eq!(flaws, [(7, first.to_owned()), (7, second.to_owned())]);
    let flaws = told(&["per-user", "even"], Some(5));
    assert!(flaws.len() == 1 && flaws[0].1.contains("at most 1, what even holds"), "{flaws:?}");
    assert!(told(&["even"; 9], None)[0].1.contains("at most 8"));
}

#[test]
fn a_limit_adds_little_to_the_future_of_an_exchange() {
    let limiting = limiting(&[("a", "rate = '1/h'\nshared = true")], &["a"], None);
    let (exchange, head) = asks("192.0.2.1", &[], None);
    let mut fields = HeaderMap::new();
    let size = size_of_val(&limiting.before(&exchange, &head, &mut fields));
    assert!(size < 200, "{size} bytes");
}
