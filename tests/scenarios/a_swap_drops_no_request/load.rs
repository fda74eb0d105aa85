//! Clients that ask all the time, over HTTP/1.1 and HTTP/2, and judge every answer.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use harness::{Client, Host, Reply, Version};
use tokio::task::JoinHandle;

/// What the releases answer; swap number `i` activates `i % len`.
pub(super) struct Releases {
    told: Vec<String>,
    /// The last swap that has begun, and the last that was acknowledged.
    begun: AtomicUsize,
    acknowledged: AtomicUsize,
}

pub(super) struct Load {
    releases: Arc<Releases>,
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<usize>>,
}

impl Releases {
    pub(super) fn new<const N: usize>(told: [String; N]) -> Self {
        Releases { told: told.into(), begun: AtomicUsize::new(0), acknowledged: AtomicUsize::new(0) }
    }
}

impl Load {
    /// Three clients of each version, each on connections of its own. `told` reads from a reply which release answered.
    pub(super) fn start(
        host: &Host,
        path: &'static str,
        releases: Releases,
        told: fn(&Reply) -> String,
    ) -> Self {
        let (releases, stop) = (Arc::new(releases), Arc::new(AtomicBool::new(false)));
        let clients = [Version::Http1, Version::Http2].repeat(3).into_iter().map(|version| {
            let (client, releases, stop) = (host.client(version), releases.clone(), stop.clone());
            tokio::spawn(async move {
                let mut asked = 0;
                while !stop.load(SeqCst) {
                    ask(&client, path, &releases, told).await;
                    asked += 1;
                }
                asked
            })
        });
        Load { clients: clients.collect(), releases, stop }
    }

    /// Runs swap number `swap`, counted from 1, to its acknowledgement.
    pub(super) async fn swap(&self, swap: usize, acknowledged: impl Future<Output = ()>) {
        self.releases.begun.store(swap, SeqCst);
        acknowledged.await;
        self.releases.acknowledged.store(swap, SeqCst);
        for client in &self.clients {
            assert!(!client.is_finished(), "a client was answered badly: see above");
        }
    }

    /// Ends it; how many requests were answered. Fails if one was not answered well.
    pub(super) async fn finish(self) -> usize {
        self.stop.store(true, SeqCst);
        let mut asked = 0;
        for client in self.clients {
            asked += client.await.unwrap();
        }
        asked
    }
}

async fn ask(client: &Client, path: &str, releases: &Releases, told: fn(&Reply) -> String) {
    let first = releases.acknowledged.load(SeqCst);
    let reply = client.get(path).await;
    let last = releases.begun.load(SeqCst);
    assert!(reply.status == 200 && reply.whole, "{} whole={} {}", reply.status, reply.whole, reply.text());
    let answered = told(&reply);
    let allowed: Vec<_> = (first..=last).map(|swap| &releases.told[swap % releases.told.len()]).collect();
    assert!(allowed.contains(&&answered), "{answered:?} answered between swaps {first} and {last}");
}

pub(super) fn digest(component: &[u8]) -> String {
    ostler_core::Digest::of(component).to_string()
}
