//! Waiting for what must come, and how long what is bounded may take.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::net::TcpSocket;

/// Longest anything may take that has to come: a machine that builds besides is slow, and a test that waits costs nothing.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Longest what is bounded by a few seconds may take: a busy machine adds some, and what is not bounded at all takes longer.
pub const BOUNDED: Duration = Duration::from_secs(30);

/// Waits until `condition` holds; `what` is told if it never does.
pub async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let start = Instant::now();
    while !condition().await {
        assert!(start.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// An address that refuses connections, and that nobody else can take while this is held.
pub struct Nobody {
    /// The address.
    pub address: SocketAddr,
    _socket: TcpSocket,
}

impl Nobody {
    /// Binds a port and never listens there.
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        Nobody { address: socket.local_addr().unwrap(), _socket: socket }
    }
}

impl Default for Nobody {
    fn default() -> Self {
        Nobody::new()
    }
}
