//! One connection from accept to close, in its own task: TLS handshake, HTTP/1 or HTTP/2, and how it ends.
//!
//! Invariant: whatever a client does or leaves undone here, and whatever a handler panics about, ends this task only.

use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use ostler_core::{Handle, Peer, Scheme};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use crate::counters::Counters;
use crate::drain::{Drain, Phase};
use crate::driver::{Driver, End, LINGER};
use crate::exchange::Exchanges;
use crate::guard::Guard;
use crate::pulse::{Pulse, Wait};
use crate::wire::{Prefix, Stream, Wire};
use crate::{Certificate, Limits};

/// hyper reads bodies and writes replies through a buffer of this size (or of a whole head, if that may be larger).
const BUFFER: usize = 64 << 10;
/// How much of one HTTP/2 request body may be on its way to a handler that does not read.
const STREAM_WINDOW: u32 = 256 << 10;
/// The same, over all requests of a connection.
const CONNECTION_WINDOW: u32 = 1 << 20;
/// An HTTP/2 client is asked for a sign of life this often, and has as long to give it.
const PING: Duration = Duration::from_secs(20);

/// What all connections of a server share.
pub(crate) struct Shared<H> {
    pub(crate) handle: Arc<H>,
    pub(crate) limits: Limits,
    pub(crate) counters: Arc<Counters>,
}

/// One accepted socket.
pub(crate) struct Connection<H> {
    pub(crate) shared: Arc<Shared<H>>,
    pub(crate) address: SocketAddr,
    pub(crate) born: Instant,
    pub(crate) drain: Drain,
}

impl<H: Handle> Connection<H> {
    /// Serves the socket until it is over.
    pub(crate) async fn serve(self, stream: TcpStream, certificate: Option<Arc<Certificate>>) {
        // Without it the last packet of a reply waits for the client's delayed acknowledgement: 40 ms. If it cannot be
        // set, the socket is dead and the next read says so.
        let _ = stream.set_nodelay(true);
        match certificate {
            None => self.serve_plain(stream).await,
            Some(certificate) => self.serve_encrypted(stream, &certificate).await,
        }
    }

    async fn serve_plain(self, mut stream: TcpStream) {
        let mut prefix = Prefix::default();
        let peer = Peer { address: self.address, scheme: Scheme::Http, certificate: None };
        let deadline = self.born + self.shared.limits.header_deadline;
        let sniffed = tokio::select! {
            sniffed = timeout_at(deadline, prefix.sniff(&mut stream)) => sniffed,
            () = self.not_awaited() => return,
        };
        match sniffed {
            Ok(Ok(true)) => self.serve_http2(stream, prefix, peer).await,
            Ok(Ok(false)) => self.serve_http1(stream, prefix, peer).await,
            Ok(Err(error)) => self.note_broken(&error),
            Err(_) => Counters::add(&self.shared.counters.header_timeouts),
        }
    }

    /// Completes when a client that is owed nothing need not be waited for: browsers open connections in advance, and
    /// others send on after the reply.
    async fn not_awaited(&self) {
        let (mut drain, mut cut) = (self.drain.clone(), self.drain.clone());
        drain.reached(Phase::Draining).await;
        let _ = timeout(LINGER, cut.reached(Phase::Cut)).await;
    }

    async fn serve_encrypted(self, stream: TcpStream, certificate: &Certificate) {
        let deadline = self.born + self.shared.limits.handshake_deadline;
        let mut cut = self.drain.clone();
        let shaken = tokio::select! {
            shaken = timeout_at(deadline, certificate.acceptor().accept(stream)) => shaken,
            () = cut.reached(Phase::Cut) => return,
        };
        let stream = match shaken {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                Counters::add(&self.shared.counters.tls_failures);
                return self.note_broken(&error);
            }
            Err(_) => return Counters::add(&self.shared.counters.tls_failures),
        };
        let session = stream.get_ref().1;
        let certificate = session.peer_certificates().and_then(|chain| chain.first());
        let peer = Peer {
            address: self.address,
            scheme: Scheme::Https,
            certificate: certificate.map(|der| Arc::from(&der[..])),
        };
        match session.alpn_protocol() {
            Some(b"h2") => self.serve_http2(stream, Prefix::default(), peer).await,
            _ => self.serve_http1(stream, Prefix::default(), peer).await,
        }
    }

    async fn serve_http1(self, stream: impl Stream, prefix: Prefix, peer: Peer) {
        let limits = self.shared.limits;
        let pulse = Arc::new(Pulse::new(self.born, true));
        let guard = Guard::new(Arc::clone(&pulse), limits.header_bytes);
        let wire = Wire::new(stream, prefix, &pulse, Some(guard));
        let exchanges = self.exchanges(&pulse, peer);
        let service = service_fn(move |request| Arc::clone(&exchanges).answer(request));
        let mut connection = http1::Builder::new()
            // The driver keeps this deadline, with one timer for all of them.
            .header_read_timeout(None)
            .max_headers(limits.header_count)
            .max_header_size(limits.header_bytes)
            .max_buf_size(BUFFER.max(limits.header_bytes))
            .serve_connection(TokioIo::new(wire), service);
        let driver = Driver {
            connection: Pin::new(&mut connection),
            pulse: &pulse,
            limits: &limits,
            drain: self.drain.clone(),
        };
        let end = driver.run().await;
        let mut wire = connection.into_parts().io.into_inner();
        match self.note(&end) {
            Some(Wait::Head) if wire.mid_head() => {
                // Best effort: a client this slow may be gone.
                let _ = timeout(Duration::from_secs(1), wire.write_all(TOO_SLOW)).await;
            }
            Some(Wait::Send) => return,
            _ if matches!(end, End::Cut) => return,
            _ => {}
        }
        tokio::select! {
            () = wire.linger() => {}
            () = self.not_awaited() => {}
        }
    }

    async fn serve_http2(self, stream: impl Stream, prefix: Prefix, peer: Peer) {
        let limits = self.shared.limits;
        let pulse = Arc::new(Pulse::new(self.born, false));
        let wire = Wire::new(stream, prefix, &pulse, None);
        let exchanges = self.exchanges(&pulse, peer);
        let service = service_fn(move |request| Arc::clone(&exchanges).answer(request));
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.http2_streams)
            .max_pending_accept_reset_streams(limits.http2_pending_resets)
            .max_header_list_size(limits.header_bytes as u32)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(BUFFER)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING)
            .serve_connection(TokioIo::new(wire), service);
        let driver = Driver {
            connection: pin!(connection),
            pulse: &pulse,
            limits: &limits,
            drain: self.drain.clone(),
        };
        let end = driver.run().await;
        self.note(&end);
    }

    fn exchanges(&self, pulse: &Arc<Pulse>, peer: Peer) -> Arc<Exchanges<H>> {
        Arc::new(Exchanges {
            handle: Arc::clone(&self.shared.handle),
            peer,
            limits: self.shared.limits,
            counters: Arc::clone(&self.shared.counters),
            pulse: Arc::clone(pulse),
        })
    }

    /// Counts an end that is not the usual one; what the client was too slow with, if it was.
    fn note(&self, end: &End) -> Option<Wait> {
        let counters = &self.shared.counters;
        match end {
            End::Closed(Ok(())) | End::Cut => None,
            End::Closed(Err(error)) => {
                if error.is_parse() {
                    Counters::add(&counters.bad_requests);
                }
                self.note_broken(error);
                None
            }
            End::Flooded => {
                Counters::add(&counters.reset_floods);
                tracing::warn!(client = %self.address, "closed a connection that kept cancelling its requests");
                None
            }
            End::Overdue(wait) => {
                Counters::add(match wait {
                    Wait::Head => &counters.header_timeouts,
                    Wait::Idle => &counters.idle_timeouts,
                    Wait::Send => &counters.send_timeouts,
                });
                Some(*wait)
            }
        }
    }

    fn note_broken(&self, error: &(dyn std::error::Error + 'static)) {
        tracing::debug!(client = %self.address, error, "connection ended");
    }
}

const TOO_SLOW: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
