//! What a plugin took comes back, however often it takes it.

use harness::Host;

use super::{comes_back, goes_on};

const ROUNDS: usize = 30;

#[tokio::test]
async fn memory_bombs_leave_nothing_behind() {
    for (component, path) in [("typed", "/memory-touched"), ("p2", "/memory"), ("p3", "/memory")] {
        let host = super::host(component, "warm");
        let bombs = async |rounds| {
            for _ in 0..rounds {
                assert_eq!(host.client.get(path).await.code(), "plugin_out_of_memory");
            }
        };
        bombs(5).await;
        comes_back(&host, 0.0).await;
        let before = host.resident();
        bombs(ROUNDS).await;
        comes_back(&host, 0.0).await;
        bounded(&host, before, 16 << 20);
        goes_on(&host, path).await;
    }
}

#[tokio::test]
async fn endings_of_every_kind_leave_nothing_behind() {
    let host = super::host("p2", "warm");
    let paths = ["/trap", "/panic", "/exit", "/handles", "/silent", "/trap-inside", "/refuse", "/"];
    let round = async || {
        for path in paths {
            host.client.get(path).await;
        }
    };
    for _ in 0..10 {
        round().await;
    }
    comes_back(&host, 16e6).await;
    let before = host.resident();
    for _ in 0..ROUNDS {
        round().await;
    }
    comes_back(&host, 16e6).await;
    bounded(&host, before, 16 << 20);
    let idle = host.metric("ostler_instances", &["plugin=\"bad\"", "state=\"idle\""]).await;
    assert!(idle <= 1.0, "one client leaves {idle} instances");
}

fn bounded(host: &Host, before: u64, growth: u64) {
    let after = host.resident();
    println!("resident: {before} before, {after} after");
    assert!(after < before + growth, "resident memory grew from {before} to {after}");
}
