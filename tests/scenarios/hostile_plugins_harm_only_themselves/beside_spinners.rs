//! Fairness, counted and not timed (the bench times it).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use harness::{Setup, until};

const SPINNERS: usize = 64;
const REQUESTS: usize = 200;

#[tokio::test]
async fn a_good_plugin_answers_every_request_beside_endless_loops() {
    let host = Setup::new()
        .plugin("bad", "typed", "deadline = \"1s\"")
        .route("/spin", "bad")
        .plugin("good", "hello-typed", "")
        .route("/", "good")
        .start();
    let (over, spun) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let spinners: Vec<_> = (0..SPINNERS)
        .map(|_| {
            let (client, over, spun) = (host.client.clone(), over.clone(), spun.clone());
            tokio::spawn(async move {
                while !over.load(Relaxed) {
                    match client.get("/spin").await.code().as_str() {
                        "deadline_exceeded" => drop(spun.fetch_add(1, Relaxed)),
                        // It came before the place of the one before it was free again.
                        code => assert_eq!(code, "overloaded"),
                    }
                }
            })
        })
        .collect();
    let busy = async || host.metric("ostler_instances", &["plugin=\"bad\"", "state=\"busy\""]).await;
    until("they never spin all at once", async || busy().await >= SPINNERS as f64).await;
    let mut answered = 0;
    while answered < REQUESTS || spun.load(Relaxed) < SPINNERS {
        let reply = host.client.get("/").await;
        assert_eq!((reply.status.as_u16(), reply.whole), (200, true), "{}", reply.text());
        answered += 1;
    }
    println!("{answered} answers beside {} loops", spun.load(Relaxed));
    over.store(true, Relaxed);
    for spinner in spinners {
        spinner.await.unwrap();
    }
}
