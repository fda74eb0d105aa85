//! Three hosts that share a Redis, and what becomes of them when it hangs, dies and comes back.

use std::process::Command;
use std::time::Instant;

use harness::{BOUNDED, Host, Server, until};
use rustix::process::Signal;

use super::{flood, host};

const LIMITED: [(&str, &str); 1] = [("/", "limits = [\"a\"]")];

fn redis(port: u16) -> Command {
    let mut command = Command::new("redis-server");
    let port = port.to_string();
    command.args([
        "--bind",
        "127.0.0.1",
        "--port",
        &port,
        "--save",
        "",
        "--appendonly",
        "no",
        "--dir",
        "/tmp",
    ]);
    command
}

fn tables(server: &Server, deadline: &str, limit: &str) -> String {
    let port = server.port();
    format!(
        "[redis]\nurl = \"redis://127.0.0.1:{port}\"\ndeadline = {deadline:?}\n[limits.a]\nshared = true\n{limit}"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hosts_admit_together_what_one_would() {
    let server = Server::start(redis);
    let tables = tables(&server, "10s", "rate = \"100/day\"\nwhen_unavailable = \"closed\"");
    let hosts: Vec<Host> = (0..3).map(|_| host(&tables, &LIMITED)).collect();
    let floods = hosts.iter().map(|host| tokio::spawn(flood(host.address, 22, 5, "/")));
    let (mut admitted, mut refused) = (0, 0);
    for flood in floods.collect::<Vec<_>>() {
        let mut counts = flood.await.unwrap();
        admitted += counts.remove(&200).unwrap_or_default();
        refused += counts.remove(&429).unwrap_or_default();
        assert!(counts.is_empty(), "{counts:?}");
    }
    assert_eq!((admitted, refused), (100, 230));
}

#[tokio::test]
async fn a_redis_that_goes_is_told_once_and_costs_one_deadline() {
    let server = Server::start(redis);
    let port = server.port();
    let tables = tables(&server, "2s", "rate = \"5/day\"");
    let host = host(&tables, &LIMITED);
    assert_eq!(host.client.get("/").await.status, 200);
    assert_eq!(host.metric("ostler_redis_up", &[]).await, 1.0);

    server.signal(Signal::STOP);
    let start = Instant::now();
    assert_eq!(host.client.get("/").await.status, 200);
    assert!(start.elapsed() < BOUNDED, "{:?}", start.elapsed());
    assert_eq!(host.metric("ostler_redis_up", &[]).await, 0.0);
    // The rule holds on this host meanwhile: four more, and then no more.
    let mut statuses = Vec::new();
    for _ in 0..10 {
        statuses.push(host.client.get("/").await.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 200, 200, 429, 429, 429, 429, 429, 429]);
    assert_eq!(host.metric("ostler_limit_alone_total", &["limit=\"a\""]).await, 11.0);

    server.signal(Signal::CONT);
    host.line(|line| line["msg"].as_str().is_some_and(|text| text.starts_with("Redis is back"))).await;
    assert_eq!(host.client.get("/").await.status, 200, "Redis has counted one or two");

    server.kill();
    assert_eq!(host.client.get("/").await.status, 429, "what this host admitted alone still counts here");
    let _server = Server::again(port, redis(port));
    until("it does not come back", async || host.metric("ostler_redis_up", &[]).await == 1.0).await;
    assert_eq!(host.client.get("/").await.status, 200);
    let gone = |text: &str| text.starts_with("Redis is gone");
    let told = host.lines_so_far().await.iter().filter(|line| line["msg"].as_str().is_some_and(gone)).count();
    assert!((1..=2).contains(&told), "{told} lines for two outages");
}

#[tokio::test]
async fn without_redis_open_admits_and_closed_refuses() {
    for (when, status, code) in [("open", 200, ""), ("closed", 503, "limit_unavailable")] {
        let server = Server::start(redis);
        let limit = format!("rate = \"2/day\"\nwhen_unavailable = \"{when}\"");
        let host = host(&tables(&server, "10s", &limit), &LIMITED);
        assert_eq!(host.client.get("/").await.status, 200);
        server.kill();
        for _ in 0..5 {
            let reply = host.client.get("/").await;
            assert_eq!(reply.status, status, "{when}: {}", reply.text());
            if status == 503 {
                assert_eq!((reply.code().as_str(), reply.header("retry-after")), (code, "1"));
            }
        }
        assert_eq!(host.metric("ostler_limit_alone_total", &[]).await, 5.0);
    }
}
