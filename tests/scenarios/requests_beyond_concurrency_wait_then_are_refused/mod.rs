//! A plugin's places are few: who finds none waits within the deadline, and is told when to come again.

use std::time::Instant;

use harness::{BOUNDED, Host, Reply, until};
use tokio::task::JoinSet;

#[tokio::test]
async fn who_waits_is_answered_when_a_place_is_free() {
    let host = Host::of("p2", "concurrency = 1\ndeadline = \"20s\"");
    let first = tokio::spawn(asked(&host, "/drip?chunks=40&ms=50"));
    until("the first does not begin", async || busy(&host).await == 1.0).await;
    let replies = together(&host, 3, "/drip?chunks=2&ms=50").await;
    assert!(replies.iter().all(|reply| reply.text() == "0\n1\n"), "{replies:?}");
    assert!(first.await.unwrap().text().ends_with("39\n"));
    let waited = host.metric("ostler_queue_wait_seconds_count", &["plugin=\"p\""]).await;
    assert!(waited >= 3.0, "{waited} waits were counted");
    // The last of them waited for two others at least, each at least 50 ms.
    assert!(host.metric("ostler_queue_wait_seconds_sum", &["plugin=\"p\""]).await > 0.1);
}

#[tokio::test]
async fn who_finds_no_place_within_the_deadline_is_told_to_come_again() {
    for component in ["p2", "p3"] {
        let host = Host::of(component, "concurrency = 2\ndeadline = \"1s\"");
        let start = Instant::now();
        let replies = together(&host, 6, "/wait").await;
        assert!(start.elapsed() < BOUNDED, "{:?}", start.elapsed());
        let (ran, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 504);
        assert!(ran.len() >= 2, "{replies:?}");
        for reply in refused {
            overloaded(reply);
        }
        free(&host).await;
        assert_eq!(host.client.get("/").await.status, 200);
    }
}

#[tokio::test]
async fn more_than_a_bounded_number_may_not_wait() {
    let host = Host::of("p2", "concurrency = 1\ndeadline = \"10s\"");
    let mut asking: JoinSet<_> = (0..40).map(|_| asked(&host, "/wait")).collect();
    let mut at_once = 0;
    while let Some(reply) = asking.join_next().await {
        let reply = reply.unwrap();
        if reply.status == 504 {
            break;
        }
        overloaded(&reply);
        at_once += 1;
    }
    // One runs, sixteen wait, all others are refused before the deadline of the one that runs.
    assert!(at_once >= 20, "{at_once} of 40 were refused at once");
    asking.join_all().await;
    free(&host).await;
    assert_eq!(host.client.get("/").await.status, 200);
}

#[tokio::test]
async fn a_client_that_goes_away_gives_its_place_back() {
    for component in ["p2", "p3"] {
        let host = Host::of(component, "concurrency = 1\ndeadline = \"60s\"");
        for path in ["/wait", "/wait-inside", "/endless"] {
            let client = host.client.clone();
            let waiting = tokio::spawn(async move { client.get(path).await });
            until("it does not begin", async || busy(&host).await > 0.0).await;
            waiting.abort();
            let _ = waiting.await;
            println!("{component} {path}");
            free(&host).await;
            assert_eq!(host.client.get("/").await.status, 200, "after {path}");
        }
    }
}

fn overloaded(reply: &Reply) {
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (503, "overloaded"), "{reply:?}");
    let after: u32 = reply.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&after), "{after}");
}

async fn together(host: &Host, count: usize, path: &'static str) -> Vec<Reply> {
    (0..count).map(|_| asked(host, path)).collect::<JoinSet<_>>().join_all().await
}

fn asked(host: &Host, path: &'static str) -> impl Future<Output = Reply> + use<> {
    let client = host.client.clone();
    async move { client.get(path).await }
}

async fn busy(host: &Host) -> f64 {
    host.metric("ostler_instances", &["plugin=\"p\"", "state=\"busy\""]).await
}

async fn free(host: &Host) {
    until("a place is not given back", async || busy(host).await == 0.0).await;
}
