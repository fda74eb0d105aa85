//! Everything is linked and nothing is granted: a plugin finds an empty world, and is told what to ask for.

use harness::{Host, Setup};
use http::Method;

#[tokio::test]
async fn wasi_is_whole_and_empty() {
    let host = Host::of("p2", "");
    let seen = host.client.get("/around").await.text();
    for line in [
        "env=0",
        "args=0",
        "folders=0",
        "root=false",
        "passwd=false",
        "socket=false",
        "name=false",
        "stdin=0",
    ] {
        assert!(seen.lines().any(|told| told == line), "{line} is not in\n{seen}");
    }
}

#[tokio::test]
async fn stores_and_origins_are_denied_with_the_grant_that_is_missing() {
    let host = Host::of("typed", "grant = { kv = [\"mine\"], http = [\"http://a.example:1\"] }");
    assert_eq!(host.client.send(Method::POST, "/kv/set?store=mine&key=a", "1").await.status, 200);
    let denied = host.client.get("/kv/get?store=theirs&key=a").await;
    assert_eq!(denied.status, 502);
    assert!(denied.text().contains(r#"grant = { kv = [\"theirs\"] } of plugin p"#), "{}", denied.text());
    let denied = host.client.get("/fetch?url=http://b.example/").await;
    assert_eq!(denied.status, 502);
    assert!(denied.text().contains(r#"grant = { http = [\"http://b.example\"] }"#), "{}", denied.text());
    assert_eq!(host.client.get("/config?key=greeting").await.status, 404);
}

#[tokio::test]
async fn a_granted_name_that_leads_into_the_hosts_own_network_is_denied_until_the_network_is_granted() {
    let server = Host::of("typed", "");
    let port = server.address.port();
    let asks = |grant: String| async move {
        let host = Setup::new().plugin("p", "typed", &grant).route("/{*rest}", "p").start();
        host.client.get(&format!("/fetch?url=http://localhost:{port}/")).await
    };
    let denied = asks(format!("grant = {{ http = [\"http://localhost:{port}\"] }}")).await;
    assert_eq!(denied.status, 502);
    assert!(
        denied.text().contains("a loopback address; to allow it: grant = { networks = ["),
        "{}",
        denied.text()
    );
    let networks = "networks = [\"127.0.0.0/8\", \"::1\"]";
    let answered = asks(format!("grant = {{ http = [\"http://localhost:{port}\"], {networks} }}")).await;
    assert_eq!((answered.status.as_u16(), answered.text().trim()), (200, "good"));
}
