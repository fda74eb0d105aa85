//! WASI is there, and empty.

use ::http::Method;
use harness::{Host, Setup};

use super::good;

#[tokio::test]
async fn a_plugin_sees_nothing_of_the_machine() {
    for instances in ["warm", "fresh"] {
        let host = Host::of("p2", &format!("instances = {instances:?}"));
        let seen = good(&host, Method::GET, "/around", "").await.text();
        for nothing in
            ["env=0", "folders=0", "root=false", "passwd=false", "socket=false", "name=false", "stdin=0"]
        {
            assert!(seen.lines().any(|line| line == nothing), "{nothing} is missing in {seen}");
        }
        assert!(seen.contains("args=0") || seen.contains("args=1"), "{seen}");
        assert!(seen.contains("clock=true"), "{seen}");
    }
}

#[tokio::test]
async fn one_plugins_configuration_is_not_anothers() {
    let host = Setup::new()
        .plugin("one", "typed", "grant = { config = { key = \"hunter2\" } }")
        .route("/one", "one")
        .plugin("two", "typed", "")
        .route("/{*rest}", "two")
        .start();
    assert_eq!(host.client.get("/config?key=key").await.status, 404);
}
