//! Real servers of others (Redis, an OpenID provider, ...) on a free loopback port, ended by pid.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::PATIENCE;

/// A running server; ends when dropped.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
}

/// A port of loopback that nobody listens on. It is none that the system gives to whoever asks for any, and is handed out
/// once, so that nobody takes it before its user does, nor while a server that comes back is away.
pub fn free_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    // Test processes that run beside each other begin apart.
    let first = (std::process::id() % 120 * 100) as u16;
    loop {
        let port = 20_000 + (first + TAKEN.fetch_add(1, Relaxed)) % 12_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Server {
    /// Runs what `command` makes of a free port, until it listens there. If another process takes the port first, the
    /// server ends, and another port is tried.
    pub fn start(command: impl Fn(u16) -> Command) -> Server {
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            let port = free_port();
            if let Some(server) = Server::at(port, command(port), since) {
                return server;
            }
        }
        panic!("the server does not listen: {:?}", command(0));
    }

    /// Runs `command`, which listens on `port`; for a server that comes back where it was.
    pub fn again(port: u16, command: Command) -> Server {
        let told = format!("{command:?}");
        Server::at(port, command, Instant::now())
            .unwrap_or_else(|| panic!("does not listen on {port}: {told}"))
    }

    fn at(port: u16, mut command: Command, since: Instant) -> Option<Server> {
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut server = Server { address: SocketAddr::from(([127, 0, 0, 1], port)), child };
        while since.elapsed() < PATIENCE {
            // One that ended must not be taken for whoever listens there in its place.
            if server.child.try_wait().unwrap().is_some() {
                return None;
            }
            if TcpStream::connect(server.address).is_ok() {
                return Some(server);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }

    /// Port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Sends it a signal, such as `STOP` to make it hang.
    pub fn signal(&self, signal: Signal) {
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    /// Ends it at once, as a crash would.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}
