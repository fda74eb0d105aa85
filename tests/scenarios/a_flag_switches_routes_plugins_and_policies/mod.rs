//! `when`: flags that choose between routes, switch plugins off, and throw limits and caches; what plugins ask themselves; flags that
//! are another server's.

mod asked;
mod elsewhere;

use harness::{Host, Reply, Setup};
use http::{HeaderValue, Method};
use serde_json::{Value, json};

/// Sets a flag over the API: on or off, with targeting if that is not null.
async fn set(host: &Host, key: &str, default: &str, targeting: Value) {
    let variants = json!({ "on": true, "off": false });
    let mut definition = json!({ "state": "ENABLED", "variants": variants, "defaultVariant": default });
    if !targeting.is_null() {
        definition["targeting"] = targeting;
    }
    let body = json!({ "definition": definition }).to_string();
    let reply = host.admin.send(Method::PUT, &format!("/v1/flags/{key}"), body).await;
    assert!(reply.status.is_success(), "{}", reply.text());
}

async fn get(host: &Host, path: &str, fields: &[(&'static str, &str)]) -> Reply {
    let mut request = host.client.request(Method::GET, path, "");
    for (name, value) in fields {
        request.headers_mut().append(*name, HeaderValue::from_str(value).unwrap());
    }
    host.client.try_send(request).await.unwrap()
}

/// Two plugins at one path: `new` while the flag `new-shop` holds, else `old`.
fn two() -> Setup {
    let setup = Setup::new();
    for name in ["old", "new"] {
        let file = format!("{name}.wasm");
        let says = if name == "old" { "old!" } else { "new!" };
        std::fs::write(setup.folder().join(&file), harness::saying("p2", says)).unwrap();
    }
    setup
        .with("[plugins.old]\npath = 'old.wasm'\n[plugins.new]\npath = 'new.wasm'\nwhen = 'flag:new-plugin'")
        .route("/", "old")
        .route("/", "new")
        .with("when = 'flag:new-shop'")
        .with(
            "[auth.shop]\nkind = 'api-key'\nheader = 'x-shop-key'\n[flags]\ntargeting_key = 'cookie:visitor'",
        )
}

#[tokio::test]
async fn a_route_is_there_only_while_its_flag_holds() {
    let host = two().start();
    assert_eq!(host.client.get("/").await.text(), "old!", "a flag that is missing is false");
    set(&host, "new-shop", "on", Value::Null).await;
    assert_eq!(host.client.get("/").await.text(), "new!");
    let beta = json!({ "if": [{ "==": [{ "var": "header.x-beta" }, "yes"] }, "on", "off"] });
    set(&host, "new-shop", "on", beta).await;
    assert_eq!(get(&host, "/", &[("x-beta", "yes")]).await.text(), "new!");
    assert_eq!(get(&host, "/", &[("x-beta", "no")]).await.text(), "old!");
    // Credentials are not told to flags.
    let told = |name: &str| json!({ "var": format!("header.{name}") });
    let secret =
        json!({ "if": [{ "or": [told("authorization"), told("cookie"), told("x-shop-key")] }, "on", "off"] });
    set(&host, "new-shop", "on", secret).await;
    let fields = [("authorization", "Bearer s3cret"), ("cookie", "visitor=1"), ("x-shop-key", "s3cret")];
    assert_eq!(get(&host, "/", &fields).await.text(), "old!");
}

#[tokio::test]
async fn a_share_of_visitors_takes_the_new_route_and_keeps_to_it() {
    let host = two().start();
    set(&host, "new-shop", "off", json!({ "fractional": [["on", 25], ["off", 75]] })).await;
    let (visitors, mut new) = (400, 0);
    for visitor in 0..visitors {
        let cookie = format!("a=b; visitor=v{visitor}");
        let first = get(&host, "/", &[("cookie", &cookie)]).await.text();
        new += usize::from(first == "new!");
        if visitor % 20 == 0 {
            assert_eq!(get(&host, "/", &[("cookie", &cookie)]).await.text(), first);
        }
    }
    // Five standard deviations of a binomial with p = 1/4.
    let deviation = (f64::from(visitors) * 0.25 * 0.75).sqrt();
    assert!((new as f64 - f64::from(visitors) * 0.25).abs() < 5.0 * deviation, "{new} of {visitors}");
    // Whose cookie is missing is told apart by address, and so always the same.
    let first = host.client.get("/").await.text();
    for _ in 0..10 {
        assert_eq!(host.client.get("/").await.text(), first);
    }
    let counted = host
        .metric("ostler_flag_exposures_total", &["flag=\"new-shop\"", "reason=\"TARGETING_MATCH\""])
        .await;
    assert!(counted >= f64::from(visitors), "{counted}");
}

#[tokio::test]
async fn a_plugin_that_is_switched_off_answers_503_until_it_is_on_again() {
    let host = two().start();
    set(&host, "new-shop", "on", Value::Null).await;
    assert_eq!(host.client.get("/").await.text(), "new!", "a flag that is missing kills nothing");
    set(&host, "new-plugin", "off", Value::Null).await;
    let reply = host.client.get("/").await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (503, "plugin_switched_off"));
    let toggle = |enabled: bool| {
        host.admin.send(
            Method::POST,
            "/v1/flags/new-plugin/toggle",
            json!({ "enabled": enabled }).to_string(),
        )
    };
    // A flag that is disabled says nothing.
    assert_eq!(toggle(false).await.status, 200);
    assert_eq!(host.client.get("/").await.text(), "new!");
    assert_eq!(toggle(true).await.status, 200);
    assert_eq!(host.client.get("/").await.status, 503);
    let refused =
        host.metric("ostler_requests_total", &["kind=\"plugin_switched_off\"", "plugin=\"new\""]).await;
    assert_eq!(refused, 2.0);
}

#[tokio::test]
async fn a_limit_and_a_cache_hold_unless_their_flag_says_otherwise() {
    let host = Setup::new()
        .with("[limits.slow]\nrate = '1/h'\nwhen = 'flag:limited'")
        .plugin("p", "typed", "")
        .route("/echo", "p")
        .with("limits = ['slow']")
        .start();
    let ask = || host.client.get("/echo");
    assert_eq!(ask().await.status, 200);
    assert_eq!(ask().await.status, 429, "a flag that is missing leaves protection on");
    set(&host, "limited", "off", Value::Null).await;
    let reply = ask().await;
    assert_eq!((reply.status.as_u16(), reply.headers.contains_key("ratelimit-policy")), (200, false));
    set(&host, "limited", "on", json!({ "if": [{ "==": [{ "var": "header.x-staff" }, "1"] }, "off", "on"] }))
        .await;
    assert_eq!(get(&host, "/echo", &[("x-staff", "1")]).await.status, 200);
    assert_eq!(ask().await.status, 429);
}

#[tokio::test]
async fn exposures_are_told_in_the_log_without_the_subject() {
    let host = two().with("exposure_log = '100%'").start();
    set(&host, "new-shop", "on", Value::Null).await;
    assert_eq!(get(&host, "/", &[("cookie", "visitor=ada-lovelace")]).await.text(), "new!");
    let line = host.line(|line| line["msg"] == "flag shown" && line["flag"] == "new-shop").await;
    assert_eq!(
        (&line["variant"], &line["reason"], &line["asked_by"]),
        (&json!("on"), &json!("STATIC"), &json!("when"))
    );
    assert_eq!(line["subject"].as_str().map(str::len), Some(16), "{line}");
    assert!(!host.lines_so_far().await.iter().any(|line| line.to_string().contains("ada-lovelace")));
}
