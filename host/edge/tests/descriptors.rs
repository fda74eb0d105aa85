//! Out of file descriptors. A file of its own, since the limit holds for the whole process.

// In a test, failing loudly is the point.
#![allow(clippy::unwrap_used)]

mod support;

use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::sync::atomic::Ordering::Relaxed;

use ostler_edge::Limits;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use support::{Host, eventually};

#[tokio::test]
async fn accept_outlives_a_lack_of_file_descriptors() {
    let host = Host::plain(Limits::default());
    // The kernel greets them; the acceptor has no turn before the first await.
    let clients: Vec<_> = (0..10).map(|_| TcpStream::connect(host.address).unwrap()).collect();
    let used = clients.iter().map(|client| client.as_raw_fd()).max().unwrap() as u64 + 1;
    let before = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(used), maximum: before.maximum }).unwrap();
    eventually(|| host.counters.accept_errors.load(Relaxed) > 0).await;
    setrlimit(Resource::Nofile, before).unwrap();
    eventually(|| host.counters.accepted.load(Relaxed) == 10).await;
    host.still_serves().await;
}
