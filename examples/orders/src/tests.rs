//! The handler without a host: the SDK's stand-ins take the places of the gate, the store and the cache.

use std::time::Duration;

use ostler_sdk::context::Principal;
use ostler_sdk::testing::{Host, Installed};
use ostler_sdk::{Request, Response};
use serde_json::{Value, json};

use super::{escaped, handle};

fn clerk(tenant: &str) -> Principal {
    Principal::new("ada").with_tenant(tenant).with_role("clerk")
}

/// What the gate lets through; `id` as the document types it.
fn host(tenant: &str) -> Host {
    Host::new().kv("orders").cache("summaries").principal(clerk(tenant))
}

fn get(target: &str) -> Response {
    handle(Request::get(target)).unwrap()
}

fn value(response: &Response) -> Value {
    response.read_json().unwrap()
}

fn place(sku: &str) -> Response {
    let body = json!({ "items": [{ "sku": sku, "quantity": 3, "price": 250 }] });
    handle(Request::post("/orders").with_json(&body)).unwrap()
}

fn change(body: Value) -> Result<Response, ostler_sdk::Error> {
    handle(Request::new("PATCH", "/orders/1").with_json(&body))
}

/// Puts one order into the store of a host and takes the host along.
fn with_order(host: Host) -> Installed {
    let host = host.parameter("id", 1).install();
    place("bolt");
    host
}

#[test]
fn an_order_is_placed_and_read() {
    let _host = host("acme").parameter("id", 1).install();
    let placed = place("bolt");
    assert_eq!((placed.status(), placed.header("location")), (201, Some("/orders/1")));
    assert_eq!(placed.header("cache-purge"), Some("acme/orders"));
    let order = json!({
        "id": 1, "status": "open", "items": [{ "sku": "bolt", "quantity": 3, "price": 250 }],
        "note": "", "total": 750, "placed_by": "ada", "version": 1,
    });
    let read = get("/orders/1");
    assert_eq!((value(&placed), value(&read)), (order.clone(), order));
    assert_eq!(
        (read.header("etag"), read.header("cache-tag")),
        (Some("\"1-1\""), Some("acme/orders, acme/orders/1"))
    );
}

#[test]
fn whole_numbers_may_be_written_with_a_fraction_of_nothing() {
    let _host = host("acme").install();
    let placed = |quantity: &str| {
        let body = format!(r#"{{"items":[{{"sku":"a","quantity":{quantity},"price":1e2}}]}}"#);
        handle(Request::post("/orders").with_body(body))
            .map_or_else(|error| error.status(), |answer| answer.status())
    };
    assert_eq!((placed("3.0"), placed("3e1"), placed("3")), (201, 201, 201));
    assert_eq!((placed("3.5"), placed("-1"), placed("\"3\"")), (422, 422, 422));
    assert_eq!(value(&get("/orders"))["orders"][0]["total"], 300);
}

#[test]
fn an_order_lives_as_long_as_it_may() {
    let _host = with_order(host("acme").allow("orders:refund", "orders/1"));
    for (status, outcome) in [
        ("shipped", 409),
        ("paid", 200),
        ("paid", 200),
        ("cancelled", 409),
        ("shipped", 200),
        ("refunded", 200),
        ("open", 409),
    ] {
        let found = change(json!({ "status": status }))
            .map_or_else(|error| error.status(), |response| response.status());
        assert_eq!(found, outcome, "{status}");
    }
    let noted = change(json!({ "note": "gone" })).unwrap();
    assert_eq!((&value(&noted)["note"], &value(&noted)["status"]), (&json!("gone"), &json!("refunded")));
    assert_eq!(noted.header("cache-purge"), Some("acme/orders, acme/orders/1"));
}

#[test]
fn money_is_given_back_by_those_only_who_may() {
    let _host = with_order(host("acme").allow("orders:refund", "orders/2"));
    change(json!({ "status": "paid" })).unwrap();
    let refusal = change(json!({ "status": "refunded" })).unwrap_err();
    assert_eq!(refusal.to_string(), "403 Forbidden: this needs the permission orders:refund on orders/1");
    assert_eq!(value(&get("/orders/1"))["status"], "paid");
}

#[test]
fn tenants_see_their_own_orders_only() {
    let host_of_one = with_order(host("acme"));
    let stored = host_of_one.value("orders", "acme/order/1").unwrap();
    drop(host_of_one);
    for other in ["acm", "acme/order", "ACME", "acme%2forder", "other"] {
        let _host =
            host(other).parameter("id", 1).kv_value("orders", "acme/order/1", stored.clone()).install();
        assert_eq!(value(&get("/orders"))["orders"], json!([]), "{other}");
        assert_eq!(handle(Request::get("/orders/1")).unwrap_err().status(), 404, "{other}");
    }
    assert_eq!(escaped("a/b, \r\nç%"), "a%2fb%2c%20%0d%0a%c3%a7%25");
}

#[test]
fn pages_follow_each_other_and_leave_out_what_is_not_asked_for() {
    let installed = host("acme").install();
    (0..250).for_each(|_| drop(place("nut")));
    let page = |host: Host| {
        let mut host = host;
        for key in ["acme/last".to_owned()].into_iter().chain((1..=250).map(|id| format!("acme/order/{id}")))
        {
            host = host.kv_value("orders", &key, installed.value("orders", &key).unwrap());
        }
        host
    };
    let asked = [
        (page(host("acme")), 20, json!(20)),
        (page(host("acme")).parameter("limit", 100).parameter("after", 20), 100, json!(120)),
        (page(host("acme")).parameter("limit", 100).parameter("after", 150), 100, Value::Null),
        (page(host("acme")).parameter("after", 9_007_199_254_740_991_u64), 0, Value::Null),
        (page(host("acme")).parameter("status", "paid"), 0, Value::Null),
    ];
    for (host, count, next) in asked {
        let _host = host.install();
        let page = value(&get("/orders"));
        assert_eq!((page["orders"].as_array().unwrap().len(), &page["next"]), (count, &next));
    }
}

#[test]
fn a_summary_is_made_once_until_something_changes() {
    let host = with_order(host("acme"));
    let all = |count: u64| json!({ "by_status": { "open": { "count": count, "total": 750 * count } } });
    assert_eq!(value(&get("/orders/summary")), all(1));
    assert!(host.cached("summaries", "acme").is_some());
    place("nut");
    assert_eq!(value(&get("/orders/summary")), all(2), "the one that was kept is dropped");
    host.lose_cache("summaries");
    place("nut");
    assert_eq!(value(&get("/orders/summary")), all(3), "also without the cache");
    assert!(host.logs().iter().any(|line| line.message.contains("summary may be old")));
}

#[test]
fn a_deleted_order_is_gone() {
    let host = with_order(host("acme"));
    let deleted = handle(Request::delete("/orders/1")).unwrap();
    assert_eq!((deleted.status(), deleted.header("cache-purge")), (204, Some("acme/orders, acme/orders/1")));
    for method in ["GET", "DELETE", "PATCH"] {
        assert_eq!(handle(Request::new(method, "/orders/1")).unwrap_err().status(), 404, "{method}");
    }
    host.advance(Duration::from_secs(1));
    place("nut");
    assert_eq!(value(&get("/orders"))["orders"][0]["id"], 2, "ids are not given twice");
}

#[test]
fn who_belongs_to_no_tenant_has_no_orders() {
    for principal in [Principal::new("ada"), Principal::new("ada").with_tenant("")] {
        let _host = Host::new().kv("orders").principal(principal).install();
        assert_eq!(handle(Request::get("/orders")).unwrap_err().status(), 403);
    }
    let _host = Host::new().kv("orders").install();
    assert_eq!(
        handle(Request::get("/orders")).unwrap_err().status(),
        500,
        "a route without auth is a mistake"
    );
}

#[test]
fn other_paths_and_methods_are_told() {
    let _host = host("acme").install();
    for (method, target, status) in [
        ("PUT", "/orders", 405),
        ("POST", "/orders/summary", 405),
        ("PUT", "/orders/1", 405),
        ("GET", "/elsewhere", 404),
    ] {
        assert_eq!(handle(Request::new(method, target)).unwrap_err().status(), status, "{method} {target}");
    }
}

#[test]
fn the_configuration_grants_what_the_handler_uses() {
    assert!(include_str!("../ostler.toml").contains(r#"grant = { kv = ["orders"], cache = ["summaries"] }"#));
}
