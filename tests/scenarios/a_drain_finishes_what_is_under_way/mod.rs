//! SIGTERM: not ready any more, no new connections, what is under way is finished within the grace period, exit 0.

use std::time::{Duration, Instant};

use harness::{BOUNDED, Host, Pipe, Reply, Setup, Version, until};
use rustix::process::Signal;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

fn host(handler: &str, grace: &str) -> Host {
    let listen = format!("listen = [\"http://127.0.0.1:0\"]\ngrace = {grace:?}");
    Setup::new().server(&listen).plugin("p", handler, "deadline = \"60s\"").route("/{*rest}", "p").start()
}

/// A request that is under way once this returns.
async fn under_way(host: &Host, version: Version, path: &'static str) -> JoinHandle<Result<Reply, String>> {
    let client = host.client(version);
    let before = busy(host).await;
    let asking =
        tokio::spawn(async move { client.try_send(client.request(http::Method::GET, path, "")).await });
    until("the request does not begin", async || busy(host).await > before).await;
    asking
}

async fn busy(host: &Host) -> f64 {
    host.metric("ostler_instances", &["plugin=\"p\"", "state=\"busy\""]).await
}

/// SIGTERM, until it lets nobody in.
async fn shut(host: &Host) {
    assert_eq!(host.admin.get("/readyz").await.status, 200);
    host.signal(Signal::TERM);
    until("/readyz does not turn 503", async || host.admin.get("/readyz").await.status == 503).await;
    assert_eq!(host.admin.get("/healthz").await.status, 200);
    until("connections are not refused", async || TcpStream::connect(host.address).await.is_err()).await;
}

#[tokio::test]
async fn streams_are_finished_while_nobody_new_is_let_in() {
    for handler in ["p2", "p3"] {
        let mut host = host(handler, "60s");
        let mut pipes = Vec::new();
        for version in [Version::Http1, Version::Http2] {
            pipes.push((version, Pipe::open(&host, version, "/echo").await));
        }
        shut(&host).await;
        for (version, (mut pipe, mut body)) in pipes {
            pipe.send("when the door is shut").await;
            assert_eq!(body.data().await.unwrap(), "when the door is shut", "{handler} {version:?}");
            drop(pipe);
            assert!(body.data().await.is_none() && body.whole, "{handler} {version:?}");
        }
        assert_eq!(host.wait().code(), Some(0), "{handler}");
    }
}

#[tokio::test]
async fn computations_are_finished_while_nobody_new_is_let_in() {
    let mut host = host("typed", "60s");
    let requests = [Version::Http1, Version::Http2].map(|version| {
        let client = host.client(version);
        tokio::spawn(async move { client.get("/burn?rounds=400000000").await })
    });
    until("they do not begin", async || busy(&host).await == 2.0).await;
    shut(&host).await;
    let finished = requests.iter().filter(|request| request.is_finished()).count();
    println!("{finished} of 2 had ended when the door was shut");
    for request in requests {
        let reply = request.await.unwrap();
        assert!(reply.status == 200 && reply.whole, "{} {}", reply.status, reply.text());
    }
    assert_eq!(host.wait().code(), Some(0));
}

#[tokio::test]
async fn with_a_drain_delay_it_says_so_before_it_shuts_the_door() {
    let listen = "listen = [\"http://127.0.0.1:0\"]\ndrain_delay = \"10s\"";
    let setup = Setup::new().server(listen).plugin("p", "hello-p2", "").route("/{*rest}", "p");
    let mut host = setup.start();
    host.signal(Signal::TERM);
    until("/readyz does not turn 503", async || host.admin.get("/readyz").await.status == 503).await;
    let late = host.client(Version::Http1);
    assert_eq!(late.get("/x").await.status, 200, "a balancer that has not asked yet still sends requests");
    until("connections are not refused", async || TcpStream::connect(host.address).await.is_err()).await;
    assert_eq!(host.wait().code(), Some(0));
}

#[tokio::test]
async fn idle_connections_do_not_hold_it_up() {
    let mut host = host("hello-p2", "60s");
    let idle = [host.client(Version::Http1), host.client(Version::Http2)];
    for client in &idle {
        assert_eq!(client.get("/x").await.status, 200);
    }
    let _silent = TcpStream::connect(host.address).await.unwrap();
    let start = Instant::now();
    host.signal(Signal::TERM);
    // The clients do not even answer while this blocks their thread.
    assert_eq!(host.wait().code(), Some(0));
    println!("ended after {:?}", start.elapsed());
    assert!(start.elapsed() < BOUNDED, "{:?}", start.elapsed());
}

#[tokio::test]
async fn the_grace_period_cuts_what_does_not_end() {
    let mut host = host("p2", "1s");
    let request = under_way(&host, Version::Http1, "/drip?chunks=1000&ms=1000").await;
    let start = Instant::now();
    host.signal(Signal::TERM);
    assert_eq!(host.wait().code(), Some(0));
    println!("a grace of 1 s took {:?}", start.elapsed());
    assert!((Duration::from_secs(1)..BOUNDED).contains(&start.elapsed()));
    assert!(request.await.unwrap().is_ok_and(|reply| !reply.whole), "a cut body must not look whole");
    assert_eq!(host.line(|line| line["msg"] == "stopped").await["cut"], 1);
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let mut host = host("p2", "60s");
    let request = under_way(&host, Version::Http1, "/drip?chunks=1000&ms=1000").await;
    host.signal(Signal::TERM);
    until("it does not drain", async || host.admin.get("/readyz").await.status == 503).await;
    let start = Instant::now();
    host.signal(Signal::INT);
    assert_eq!(host.wait().code(), Some(0));
    assert!(start.elapsed() < BOUNDED, "{:?}", start.elapsed());
    drop(request);
}

#[tokio::test]
async fn a_reload_under_way_does_not_hold_up_a_stop() {
    let host = host("hello-p2", "60s");
    host.signal(Signal::HUP);
    assert_eq!(host.terminate().code(), Some(0));
}
