//! A plugin's places are few: who finds none waits within the deadline, and is told when to come again.

use std::time::{Duration, Instant};

use harness::{Host, Reply};

#[tokio::test]
async fn who_waits_is_answered_when_a_place_is_free() {
    let host = Host::of("p2", "concurrency = 1\ndeadline = \"20s\"");
    let replies = together(&host, 4, "/drip?chunks=2&ms=50").await;
    assert!(replies.iter().all(|reply| reply.text() == "0\n1\n"), "{replies:?}");
    let waited = host.metric("ostler_queue_wait_seconds_count", &["plugin=\"p\""]).await;
    assert!(waited >= 3.0, "{waited} waits were counted");
    // The last of them waited for three others, each at least 100 ms.
    assert!(host.metric("ostler_queue_wait_seconds_sum", &["plugin=\"p\""]).await > 0.2);
}

#[tokio::test]
async fn who_finds_no_place_within_the_deadline_is_told_to_come_again() {
    for component in ["p2", "p3"] {
        let host = Host::of(component, "concurrency = 2\ndeadline = \"1s\"");
        let start = Instant::now();
        let replies = together(&host, 6, "/wait").await;
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
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
    let host = Host::of("p2", "concurrency = 1\ndeadline = \"2s\"");
    let start = Instant::now();
    let mut asked: Vec<_> = (0..40)
        .map(|_| {
            let client = host.client.clone();
            tokio::spawn(async move { (client.get("/wait").await, Instant::now()) })
        })
        .collect();
    let mut at_once = 0;
    for asked in &mut asked {
        let (reply, when) = asked.await.unwrap();
        if reply.status == 503 {
            overloaded(&reply);
            at_once += usize::from(when - start < Duration::from_millis(1500));
        }
    }
    // One runs, sixteen wait, all others are refused before the deadline.
    assert!(at_once >= 20, "{at_once} of 40 were refused at once");
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
            while busy(&host).await == 0.0 {
                tokio::task::yield_now().await;
            }
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
    let ask = |_| {
        let client = host.client.clone();
        tokio::spawn(async move { client.get(path).await })
    };
    let asked: Vec<_> = (0..count).map(ask).collect();
    let mut replies = Vec::new();
    for asked in asked {
        replies.push(asked.await.unwrap());
    }
    replies
}

async fn busy(host: &Host) -> f64 {
    host.metric("ostler_instances", &["plugin=\"p\"", "state=\"busy\""]).await
}

async fn free(host: &Host) {
    let start = Instant::now();
    while busy(host).await > 0.0 {
        assert!(start.elapsed() < Duration::from_secs(20), "a place is not given back");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
