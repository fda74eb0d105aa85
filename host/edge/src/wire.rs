//! The byte stream of one connection as hyper reads it: what was read while telling HTTP/1 from HTTP/2 comes first, and
//! an HTTP/1 [`Guard`] reads along.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

use crate::guard::Guard;
use crate::pulse::Pulse;

/// What an HTTP/2 client with prior knowledge sends first (RFC 9113 section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A client that has its last reply and sends nothing for so long has nothing more to send, or is gone.
const SILENCE: Duration = Duration::from_secs(2);
/// And no client is read on for longer than this, whatever it sends.
const LONGEST: Duration = Duration::from_secs(10);

/// A connection to a client, encrypted or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

/// The first bytes of a connection.
#[derive(Default)]
pub(crate) struct Prefix {
    bytes: [u8; PREFACE.len()],
    length: usize,
    /// How many of them hyper has got.
    taken: usize,
}

impl Prefix {
    /// Reads until the protocol is certain; whether it is HTTP/2. An early end is for hyper to judge.
    pub(crate) async fn sniff(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> io::Result<bool> {
        while self.bytes[..self.length] == PREFACE[..self.length] {
            if self.length == PREFACE.len() {
                return Ok(true);
            }
            match stream.read(&mut self.bytes[self.length..]).await? {
                0 => break,
                read => self.length += read,
            }
        }
        Ok(false)
    }
}

/// See the module.
pub(crate) struct Wire<S> {
    stream: S,
    prefix: Prefix,
    pulse: Arc<Pulse>,
    guard: Option<Guard>,
    ended: bool,
}

impl<S: Stream> Wire<S> {
    /// For HTTP/1 with a guard, for HTTP/2 without.
    pub(crate) fn new(stream: S, prefix: Prefix, pulse: &Arc<Pulse>, guard: Option<Guard>) -> Self {
        Wire { stream, prefix, pulse: Arc::clone(pulse), guard, ended: false }
    }

    /// Tells the pulse how the client takes its replies.
    fn wrote(&self, written: &Poll<io::Result<usize>>) {
        /// No HTTP/2 frame of control (PING, SETTINGS, WINDOW_UPDATE) is longer, and those are no progress.
        const CONTROL: usize = 64;
        self.pulse.stalls(written.is_pending());
        // An HTTP/2 reply waits in hyper for the client's window long after its exchange is over. HTTP/1 needs no clock for
        // each reply: what is not written stalls.
        if self.guard.is_none() && matches!(written, Poll::Ready(Ok(CONTROL..))) {
            self.pulse.progresses();
        }
    }

    /// Whether an HTTP/1 request head has begun and not ended.
    pub(crate) fn mid_head(&self) -> bool {
        self.guard.as_ref().is_some_and(Guard::mid_head)
    }

    /// After the last reply: half-closes, and reads on while the client is still sending. Closing a socket with unread
    /// bytes resets it, and the reset can overtake the reply (RFC 9112 section 9.6).
    pub(crate) async fn linger(mut self) {
        if self.ended || self.guard.as_ref().is_some_and(Guard::quiet) {
            return;
        }
        // Whether the client closed or the time is up: this is the end either way.
        let _ = timeout(LONGEST, self.drain()).await;
    }

    async fn drain(&mut self) {
        if self.stream.shutdown().await.is_err() {
            return;
        }
        let mut scratch = vec![0; 16 << 10];
        while let Ok(Ok(1..)) = timeout(SILENCE, self.stream.read(&mut scratch)).await {}
    }
}

impl<S: Stream> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        let Prefix { bytes, length, taken } = &mut this.prefix;
        if taken < length {
            let part = buf.remaining().min(*length - *taken);
            buf.put_slice(&bytes[*taken..*taken + part]);
            *taken += part;
            // With the rest of a first request already here, hyper sees it in one piece.
            if let Poll::Ready(Err(error)) = Pin::new(&mut this.stream).poll_read(cx, buf) {
                return Poll::Ready(Err(error));
            }
        } else {
            ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        }
        let new = &buf.filled()[before..];
        this.ended |= new.is_empty() && buf.remaining() > 0;
        if let Some(guard) = &mut this.guard {
            guard.see(new);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Stream> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.wrote(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // TLS takes bytes before the socket does.
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.pulse.stalls(flushed.is_pending());
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
