//! Roles, tenants and rules decide what a client may, on routes and when a plugin asks; who is not known learns nothing.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use harness::{Host, Reply, Setup};
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use serde_json::{Value, json};

const SECRET: &str = "a secret of at least thirty-two bytes";

const CONFIG: &str = r#"
[auth.main]
kind = "jwt"
issuer = "https://issuer.test"
audience = ["orders"]
secret = "a secret of at least thirty-two bytes"
roles = "roles"
tenant = "tenant"

[authorization]
cedar = "rules.cedar"

[authorization.roles]
viewer = ["orders:read"]
editor = ["role:viewer", "orders:write"]
support = ["orders:read on orders/17"]

[[routes]]
path = "/{tenant}/orders/{id}"
methods = ["GET"]
plugin = "p"
auth = ["main"]
require = ["orders:read on orders/{id}"]
tenant = "path:tenant"

[[routes]]
path = "/{tenant}/orders/{id}"
methods = ["POST"]
plugin = "p"
auth = ["main"]
require = ["orders:write on orders/{id}"]
tenant = "path:tenant"

[[routes]]
path = "/may"
plugin = "p"
auth = ["main"]

[[routes]]
path = "/reports"
host = "t1.example.com"
plugin = "p"
auth = ["main"]
tenant = "host"

[[routes]]
path = "/reports"
host = "t2.example.com"
plugin = "p"
auth = ["main"]
tenant = "host"
"#;

const RULES: &str = r#"
@id("frozen")
forbid(principal, action == Action::"orders:write", resource)
when { resource.id == "99" };

@id("owner")
permit(principal, action, resource)
when { principal.claims has owns && principal.claims.owns.contains(resource.id) };

@id("only-while-asking")
permit(principal, action == Action::"path:seen", resource)
when { context.method == "GET" && context.path == "/may" && context.address.isLoopback() };

@id("needs-a-level")
forbid(principal, action == Action::"level:needed", resource)
when { principal.claims.level < 3 };
"#;

fn host() -> Host {
    let setup = Setup::new().plugin("p", "gate", "").with(CONFIG);
    fs::write(setup.folder().join("rules.cedar"), RULES).unwrap();
    setup.start()
}

/// A token of the issuer for `subject` of tenant `t1`, with these further claims.
fn token(subject: &str, more: Value) -> String {
    let mut claims = json!({ "iss": "https://issuer.test", "aud": "orders", "exp": 4_102_444_800_u64, "sub": subject, "tenant": "t1" });
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", part(&json!({ "alg": "HS256", "typ": "JWT" })), part(&claims));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

async fn ask(host: &Host, token: &str, method: Method, path: &str) -> Reply {
    at(host, token, method, path, "").await
}

async fn at(host: &Host, token: &str, method: Method, path: &str, name: &str) -> Reply {
    let mut request = host.client.request(method, path, "");
    if !token.is_empty() {
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    if !name.is_empty() {
        request.headers_mut().insert("host", name.parse().unwrap());
    }
    host.client.try_send(request).await.unwrap()
}

fn forbidden(reply: &Reply) -> String {
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (403, "forbidden"), "{reply:?}");
    reply.json()["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn roles_decide_and_only_who_is_known_learns_what_is_lacking() {
    let host = host();
    let viewer = token("vic", json!({ "roles": ["viewer"] }));
    let editor = token("eve", json!({ "roles": ["editor"] }));
    let support = token("sue", json!({ "roles": ["support"] }));
    assert_eq!(ask(&host, &viewer, Method::GET, "/t1/orders/1").await.status, 200);
    assert_eq!(ask(&host, &editor, Method::POST, "/t1/orders/1").await.status, 200);
    assert_eq!(ask(&host, &support, Method::GET, "/t1/orders/17").await.status, 200);
    let refused = ask(&host, &viewer, Method::POST, "/t1/orders/1").await;
    assert_eq!(forbidden(&refused), "this needs the permission orders:write on orders/1");
    assert_eq!(refused.json()["permission"], "orders:write");
    forbidden(&ask(&host, &support, Method::GET, "/t1/orders/18").await);
    let stranger = ask(&host, "", Method::POST, "/t1/orders/1").await;
    assert_eq!(stranger.status, 401);
    assert!(!stranger.text().contains("orders:write"), "{}", stranger.text());
    let labels = ["route=\"/{tenant}/orders/{id}\"", "permission=\"orders:write on orders/{id}\""];
    assert_eq!(host.metric("ostler_authorization_denied_total", &labels).await, 1.0);
}

#[tokio::test]
async fn scopes_bound_what_roles_give() {
    let host = host();
    let narrow = token("eve", json!({ "roles": ["editor"], "scope": "openid orders:read" }));
    assert_eq!(ask(&host, &narrow, Method::GET, "/t1/orders/1").await.status, 200);
    forbidden(&ask(&host, &narrow, Method::POST, "/t1/orders/1").await);
    let scopes_only = token("app", json!({ "scope": "orders:write" }));
    assert_eq!(ask(&host, &scopes_only, Method::POST, "/t1/orders/1").await.status, 200);
    forbidden(&ask(&host, &scopes_only, Method::GET, "/t1/orders/1").await);
}

#[tokio::test]
async fn tenants_do_not_reach_each_other() {
    let host = host();
    let one = token("eve", json!({ "roles": ["editor"] }));
    let two = token("eve", json!({ "roles": ["editor"], "tenant": "t2" }));
    let none = token("eve", json!({ "roles": ["editor"], "tenant": null }));
    for (token, path, name, status) in [
        (&one, "/t1/orders/1", "", 200),
        (&two, "/t2/orders/1", "", 200),
        (&one, "/t2/orders/1", "", 403),
        (&two, "/t1/orders/1", "", 403),
        (&one, "/T1/orders/1", "", 403),
        (&one, "/reports", "t1.example.com", 200),
        (&one, "/reports", "T1.Example.com:80", 200),
        (&one, "/reports", "t2.example.com", 403),
        (&two, "/reports", "t1.example.com", 403),
    ] {
        let reply = at(&host, token, Method::GET, path, name).await;
        assert_eq!(reply.status.as_u16(), status, "{path} {name}: {reply:?}");
    }
    let reply = ask(&host, &none, Method::GET, "/t1/orders/1").await;
    assert!([401, 403].contains(&reply.status.as_u16()), "{reply:?}");
}

#[tokio::test]
async fn hostile_segments_name_no_resource() {
    let host = host();
    let editor = token("eve", json!({ "roles": ["editor"] }));
    for segment in ["..", "%2e%2e", "%2f", "17%2f..%2f1", "%00", "%5c", "%ff"] {
        let reply = ask(&host, &editor, Method::GET, &format!("/t1/orders/{segment}")).await;
        assert_ne!(reply.status, 200, "{segment}");
    }
    let support = token("sue", json!({ "roles": ["support"] }));
    for segment in ["*", "%2a", "1%37%00", "%31%37x", "17%20"] {
        forbidden(&ask(&host, &support, Method::GET, &format!("/t1/orders/{segment}")).await);
    }
}

#[tokio::test]
async fn rules_forbid_what_roles_give_and_permit_what_they_do_not() {
    let host = host();
    let editor = token("eve", json!({ "roles": ["editor"] }));
    forbidden(&ask(&host, &editor, Method::POST, "/t1/orders/99").await);
    assert_eq!(ask(&host, &editor, Method::GET, "/t1/orders/99").await.status, 200);
    let owner = token("olga", json!({ "owns": ["7", "99"] }));
    assert_eq!(ask(&host, &owner, Method::POST, "/t1/orders/7").await.status, 200);
    forbidden(&ask(&host, &owner, Method::POST, "/t1/orders/8").await);
    forbidden(&ask(&host, &owner, Method::POST, "/t1/orders/99").await);
}

#[tokio::test]
async fn a_plugin_that_asks_gets_the_same_decisions() {
    let host = host();
    let may = async |token: &str, permission: &str, resource: &str| {
        let path = format!("/may?permission={permission}&resource={resource}");
        let reply = ask(&host, token, Method::GET, &path).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        (reply.json()["allowed"] == true, reply.json()["reason"].as_str().unwrap().to_owned())
    };
    let editor = token("eve", json!({ "roles": ["editor"] }));
    let given = (true, "role editor gives orders:read (by way of editor > viewer)".to_owned());
    assert_eq!(may(&editor, "orders:read", "orders/1").await, given);
    assert_eq!(may(&editor, "orders:write", "orders/99").await, (false, "rule frozen forbids it".into()));
    assert_eq!(may(&editor, "orders:delete", "").await, (false, "nothing allows it".into()));
    assert_eq!(may(&editor, "path:seen", "").await, (true, "rule only-while-asking permits it".into()));
    let (allowed, reason) = may(&editor, "level:needed", "").await;
    assert!(
        !allowed && reason.starts_with("rule needs-a-level, which may forbid it, cannot be evaluated"),
        "{reason}"
    );
}
