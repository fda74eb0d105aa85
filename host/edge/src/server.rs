//! Binds the addresses, accepts, and drains.
//!
//! Invariants: all addresses are bound before the first connection is taken; the accept loop awaits nothing but `accept`, and
//! no error ends it.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use ostler_core::{Handle, Scheme};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::connection::{Connection, Shared};
use crate::counters::{Counters, Open};
use crate::drain::{Drain, Phase, Signal};
use crate::tls::{Certificate, TlsError};
use crate::{Config, Limits, Listen};

/// Connections the kernel keeps for us between two calls of `accept`.
const BACKLOG: u32 = 1024;

/// Why a server cannot start. Each message tells the repair.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {cause}; repair: {}", repair(cause))]
    Bind {
        /// Which one.
        address: SocketAddr,
        /// What went wrong.
        #[source]
        cause: io::Error,
    },
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An https address, but no certificate.
    #[error("cannot listen on https://{0} without a certificate; repair: configure tls")]
    NoCertificate(SocketAddr),
}

/// Bound addresses, ready to serve.
pub struct Server {
    listeners: Vec<(Listen, TcpListener)>,
    certificate: Option<Arc<Certificate>>,
    limits: Limits,
    counters: Arc<Counters>,
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were still busy when the grace period ended, and were cut.
    pub cut: usize,
}

impl Server {
    /// Reads the certificate and binds every address. Needs a tokio runtime.
    pub fn bind(config: &Config) -> Result<Self, ServerError> {
        let certificate = config.tls.clone().map(Certificate::load).transpose()?.map(Arc::new);
        let bind_one = |listen: &Listen| {
            let Listen { scheme, address } = *listen;
            if scheme == Scheme::Https && certificate.is_none() {
                return Err(ServerError::NoCertificate(address));
            }
            let bound = bind(address).and_then(|listener| Ok((listener.local_addr()?, listener)));
            let (address, listener) = bound.map_err(|cause| ServerError::Bind { address, cause })?;
            Ok((Listen { scheme, address }, listener))
        };
        let listeners = config.listen.iter().map(bind_one).collect::<Result<_, _>>()?;
        Ok(Server { listeners, certificate, limits: config.limits, counters: Arc::default() })
    }

    /// The addresses bound, in the order of the configuration, with the ports the system chose.
    pub fn addresses(&self) -> Vec<Listen> {
        self.listeners.iter().map(|(listen, _)| *listen).collect()
    }

    /// What this server counts.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// The certificate, to be reloaded when its files change.
    pub fn certificate(&self) -> Option<Arc<Certificate>> {
        self.certificate.clone()
    }

    /// Serves until `shutdown` completes, then drains: takes no more connections, lets requests in flight finish for at
    /// most the grace period, and cuts the rest.
    pub async fn run<H: Handle>(self, handle: Arc<H>, shutdown: impl Future<Output = ()>) -> Drained {
        let most = self.limits.connections;
        let grace = self.limits.grace;
        let (signal, drain) = Signal::new();
        let room = Arc::new(Semaphore::new(most));
        let shared = Arc::new(Shared { handle, limits: self.limits, counters: self.counters });
        let accepting = self.listeners.into_iter().map(|(listen, listener)| Acceptor {
            listener,
            certificate: self.certificate.clone().filter(|_| listen.scheme == Scheme::Https),
            room: Arc::clone(&room),
            shared: Arc::clone(&shared),
            drain: drain.clone(),
        });
        let tasks: Vec<_> = accepting.map(|acceptor| tokio::spawn(acceptor.run())).collect();
        shutdown.await;
        signal.enter(Phase::Draining);
        // An acceptor that panicked has nothing more to accept either.
        let _ = join_all(tasks).await;
        if timeout(grace, empty(&room, most)).await.is_ok() {
            return Drained { cut: 0 };
        }
        let cut = most - room.available_permits();
        signal.enter(Phase::Cut);
        // Connections end on this signal without waiting for anyone, but each has to be woken for it.
        let _ = timeout(Duration::from_secs(1), empty(&room, most)).await;
        Drained { cut }
    }
}

/// Waits until all of `room` is free.
async fn empty(room: &Semaphore, most: usize) {
    // The semaphore is never closed, so that an error cannot happen.
    let _ = room.acquire_many(most as u32).await;
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait for the old connections' TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn repair(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::AddrInUse => "stop the program that holds this port, or choose another port",
        io::ErrorKind::PermissionDenied => "choose a port from 1024 on, or grant CAP_NET_BIND_SERVICE",
        io::ErrorKind::AddrNotAvailable => "choose an address this machine has, or 0.0.0.0 for all of them",
        _ => "choose another address",
    }
}

/// The accept loop of one address.
struct Acceptor<H> {
    listener: TcpListener,
    certificate: Option<Arc<Certificate>>,
    room: Arc<Semaphore>,
    shared: Arc<Shared<H>>,
    drain: Drain,
}

impl<H: Handle> Acceptor<H> {
    async fn run(mut self) {
        let mut pause = Pause::default();
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.drain.reached(Phase::Draining) => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, address)) => {
                    pause = Pause::default();
                    self.admit(stream, address);
                }
                Err(error) => self.endure(&error, &mut pause).await,
            }
        }
        // Whoever the kernel has greeted already is served; closing the socket would reset them.
        while let Some(Ok((stream, address))) = self.listener.accept().now_or_never() {
            self.admit(stream, address);
        }
    }

    /// Starts the connection's own task, if there is room.
    fn admit(&self, stream: TcpStream, address: SocketAddr) {
        let counters = &self.shared.counters;
        Counters::add(&counters.accepted);
        let Ok(permit) = Arc::clone(&self.room).try_acquire_owned() else {
            Counters::add(&counters.refused);
            if self.certificate.is_none() {
                // The kernel's buffer of a new socket is empty: this does not wait. If it fails, closing says it as well.
                let _ = stream.try_write(FULL);
            }
            return;
        };
        let open = Open::count(counters);
        let connection = Connection {
            shared: Arc::clone(&self.shared),
            address,
            born: Instant::now(),
            drain: self.drain.clone(),
        };
        let certificate = self.certificate.clone();
        tokio::spawn(async move {
            let _until_the_end = (open, permit);
            connection.serve(stream, certificate).await;
        });
    }

    /// Out of file descriptors or memory, `accept` fails until something is freed: trying at once would only burn CPU.
    async fn endure(&mut self, error: &io::Error, pause: &mut Pause) {
        Counters::add(&self.shared.counters.accept_errors);
        if is_about_one_client(error) {
            return;
        }
        let pause = pause.next();
        tracing::warn!(%error, retry_in = ?pause, "cannot accept connections; repair: raise the limit of open files, or lower server.connections");
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.drain.reached(Phase::Draining) => {}
        }
    }
}

/// The client gave up between its greeting and our `accept`.
fn is_about_one_client(error: &io::Error) -> bool {
    use io::ErrorKind as E;
    matches!(error.kind(), E::ConnectionAborted | E::ConnectionReset | E::ConnectionRefused | E::Interrupted)
}

/// Grows from 10 ms to 1 s while `accept` keeps failing.
#[derive(Default)]
struct Pause(Duration);

impl Pause {
    fn next(&mut self) -> Duration {
        self.0 = (self.0 * 2).clamp(Duration::from_millis(10), Duration::from_secs(1));
        self.0
    }
}

const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_errors_of_one_client_do_not_pause_the_others() {
        assert!(is_about_one_client(&io::ErrorKind::ConnectionAborted.into()));
        let too_many_files = io::Error::from_raw_os_error(24);
        assert!(!is_about_one_client(&too_many_files));
    }

    #[test]
    fn the_pause_grows_to_a_second() {
        let mut pause = Pause::default();
        let first: Vec<_> = (0..9).map(|_| pause.next().as_millis()).collect();
        assert_eq!(first, [10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
    }

    #[tokio::test]
    async fn an_address_in_use_is_told_with_its_repair() {
        let holder = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = holder.local_addr().unwrap();
        let config = Config { listen: vec![Listen { scheme: Scheme::Http, address }], ..Config::default() };
        let error = Server::bind(&config).err().unwrap().to_string();
        assert!(error.contains(&address.to_string()) && error.contains("choose another port"), "{error}");
    }
}
