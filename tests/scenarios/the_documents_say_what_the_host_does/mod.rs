//! `docs/operations.md` names every metric and `docs/admin-api.md` every endpoint of a live host, and no others.

use std::collections::BTreeSet;

use harness::{Host, Setup, tagged};
use http::{HeaderValue, Method};

const OPERATIONS: &str = include_str!("../../../docs/operations.md");
const ADMIN_API: &str = include_str!("../../../docs/admin-api.md");

/// Signed with the secret below; it expires in the year 2286.
const TOKEN: &str = "Bearer eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJ0IiwiYXVkIjoidCIsInN1YiI6InQiLCJleHAiOjk5OTk5OTk5OTl9.lFttBjeyBpN9ycFWL89euvpFdeBfOKMMK0_JywGYFBg";

#[tokio::test]
async fn every_metric_is_documented_with_its_type() {
    let tables = "[auth.t]\nkind = \"jwt\"\nissuer = \"t\"\naudience = [\"t\"]\nsecret = \"of thirty-two bytes, as is needed\"\n\
        [[routes]]\npath = \"/{*rest}\"\nplugin = \"p\"\n[[routes]]\npath = \"/echo\"\nplugin = \"p\"\nauth = [\"t\"]\nlimits = [\"l\"]\n\
        [[routes]]\npath = \"/denied\"\nplugin = \"p\"\nauth = [\"t\"]\nrequire = [\"a:b\"]\n\
        [limits.l]\nrate = \"100/s\"\n[redis]\nurl = \"redis://127.0.0.1:1\"\n\
        [flags]\nshared = true\nfiles = [\"flags.json\"]\n[plugins.q]";
    let setup = Setup::new();
    let flag = r#"{"flags":{"f":{"state":"ENABLED","variants":{"on":true},"defaultVariant":"on","metadata":{"experiment":true}}}}"#;
    std::fs::write(setup.folder().join("flags.json"), flag).unwrap();
    let host =
        setup.plugin("p", "typed", "").plugin("e", "rollout", "").route("/track", "e").with(tables).start();
    // Some metrics exist from their first count on.
    assert_eq!(host.client.get("/trap").await.status, 500);
    for (path, token, status) in
        [("/echo", "Bearer rubbish", 401), ("/echo", TOKEN, 200), ("/denied", TOKEN, 403)]
    {
        let mut request = host.client.request(Method::GET, path, "");
        request.headers_mut().insert("authorization", HeaderValue::from_static(token));
        assert_eq!(host.client.try_send(request).await.unwrap().status, status);
    }
    assert_eq!(host.client.get("/track?metric=m&value=1&f").await.text(), "true");
    for (tag, strategy) in [("v1", "instant"), ("v2", "canary")] {
        let path = format!("/v1/plugins/q/releases?strategy={strategy}");
        assert_eq!(host.admin.send(Method::PUT, &path, tagged("typed", tag)).await.status, 201);
    }
    let live = host.admin.get("/metrics").await.text();
    let live: BTreeSet<_> = live.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let cells = |row: &'static str| row.split(" | ").map(|cell| cell.trim_matches(['|', ' ', '`']));
    let rows =
        OPERATIONS.lines().filter(|line| line.starts_with("| `ostler_") || line.starts_with("| `process_"));
    let told: BTreeSet<_> = rows.map(|row| cells(row).take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(told.iter().map(String::as_str).collect::<BTreeSet<_>>(), live);
}

#[tokio::test]
async fn every_endpoint_is_documented() {
    let host = Host::of("typed", "");
    let described = host.admin.get("/v1/openapi.json").await.json();
    let paths = described["paths"].as_object().unwrap();
    let methods = paths.iter().flat_map(|(path, operations)| {
        let methods = operations.as_object().unwrap().keys().filter(|key| *key != "parameters");
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    let heading = |line: &'static str| line.strip_prefix("### `")?.strip_suffix('`').map(str::to_owned);
    let told: BTreeSet<String> = ADMIN_API.lines().filter_map(heading).collect();
    assert_eq!(told, methods.collect());
}
