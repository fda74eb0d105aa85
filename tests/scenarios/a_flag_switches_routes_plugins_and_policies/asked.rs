//! What plugins ask: a hand-written handler that asks the flag its path names.

use harness::{Host, Setup};
use http::{HeaderValue, Method};
use serde_json::{Value, json};

use super::set;

fn setup() -> Setup {
    Setup::new().plugin("p", "flags", "").route("/{*key}", "p")
}

/// Status and reason that the plugin tells; see `tests/guests/wat/flags.wat`.
async fn ask(host: &Host, key: &str, plan: &str) -> (u16, String) {
    let reply = host.client.send(Method::POST, &format!("/{key}"), plan.to_owned()).await;
    (reply.status.as_u16(), reply.text())
}

#[tokio::test]
async fn a_plugin_is_told_values_reasons_and_errors() {
    let host = setup().start();
    // 210 and the number of the code: FLAG_NOT_FOUND is 1, TYPE_MISMATCH 3.
    assert_eq!(ask(&host, "missing", "").await, (211, "ERROR".into()));
    assert_eq!(ask(&host, &"k".repeat(4_000), "").await, (211, "ERROR".into()));
    set(&host, "plain", "on", Value::Null).await;
    assert_eq!(ask(&host, "plain", "").await, (201, "STATIC".into()));
    let text =
        json!({ "definition": { "state": "ENABLED", "variants": { "a": "x" }, "defaultVariant": "a" } });
    host.admin.send(Method::PUT, "/v1/flags/text", text.to_string()).await;
    assert_eq!(ask(&host, "text", "").await, (213, "ERROR".into()));
}

#[tokio::test]
async fn what_the_host_knows_and_what_the_plugin_adds_is_the_context() {
    let host = setup()
        .with("[auth.keys]\nkind = 'api-key'\n[[routes]]\npath = '/known'\nplugin = 'p'\nauth = ['keys']")
        .start();
    let equals = |name: &str, value: &str| json!({ "if": [{ "==": [{ "var": name }, value] }, "on", "off"] });
    for (name, value) in [
        ("method", "POST"),
        ("path", "/a"),
        ("route", "/{*key}"),
        ("plugin", "p"),
        ("address", "127.0.0.1"),
        ("host", "127.0.0.1"),
        ("targetingKey", "127.0.0.1"),
        ("plan", "gold"),
    ] {
        set(&host, "a", "off", equals(name, value)).await;
        assert_eq!(ask(&host, "a", "\"gold\"").await, (201, "TARGETING_MATCH".into()), "{name}");
    }
    // It ends with the exchange, although the instance is the same.
    assert_eq!(ask(&host, "a", "").await, (200, "TARGETING_MATCH".into()));
    // Who was proved to ask.
    let made = json!({ "name": "n", "subject": "ada", "tenant": "acme", "roles": ["staff"] });
    let key = host.admin.send(Method::POST, "/v1/keys", made.to_string()).await.json()["key"].clone();
    for (rule, status) in [
        (equals("subject", "ada"), 201),
        (equals("tenant", "acme"), 201),
        (equals("targetingKey", "ada"), 201),
        (json!({ "if": [{ "in": ["staff", { "var": "roles" }] }, "on", "off"] }), 201),
        (equals("subject", "eve"), 200),
    ] {
        set(&host, "known", "off", rule.clone()).await;
        let mut request = host.client.request(Method::GET, "/known", "");
        request.headers_mut().insert("x-api-key", HeaderValue::from_str(key.as_str().unwrap()).unwrap());
        assert_eq!(host.client.try_send(request).await.unwrap().status, status, "{rule}");
    }
}

#[tokio::test]
async fn a_context_that_is_none_is_refused_and_the_plugin_goes_on() {
    let host = setup().start();
    for plan in ["gold", "{", &"[".repeat(9_000), &format!("\"{}\"", "x".repeat(20_000))] {
        assert_eq!(ask(&host, "a", plan).await.0, 299, "{:.20}", plan);
    }
    assert_eq!(ask(&host, "a", "{\"b\": [1]}").await.0, 211);
}
