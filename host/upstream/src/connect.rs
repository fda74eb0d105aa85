//! Makes one connection: name, check of every address, TCP to one that passed, TLS.
//!
//! **Invariant:** what is connected to is the very address that was checked; between check and connect nothing is looked up
//! again, so a name that changes its mind (DNS rebinding) changes nothing.

use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use ostler_core::Scheme;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsConnector;

use crate::origin::{Host, Origin};
use crate::resolve::Resolver;
use crate::{Allow, Error, Phase};

/// How long one address is tried alone before the next one is tried beside it (RFC 8305).
const HEAD_START: Duration = Duration::from_millis(250);

/// Makes the connections of one plugin.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    pub(crate) allow: Arc<Allow>,
    pub(crate) resolver: Arc<Resolver>,
    pub(crate) tls: Arc<ClientConfig>,
    /// Lookups that may go on at once.
    pub(crate) lookups: Arc<Semaphore>,
    /// Connections that may be open at once.
    pub(crate) connections: Arc<Semaphore>,
    /// Ends attempts whose request has long been served otherwise.
    pub(crate) longest: Duration,
}

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<Wire>;
    type Error = Error;
    type Future = BoxFuture<'static, Result<TokioIo<Wire>, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let connected = tokio::time::timeout(this.longest, this.connect(&uri)).await;
            connected.unwrap_or(Err(Error::Timeout(Phase::Connect))).map(TokioIo::new)
        })
    }
}

impl Connector {
    async fn connect(&self, uri: &Uri) -> Result<Wire, Error> {
        // Asked again although the client has asked: what connects must not rely on who calls it.
        let origin = self.allow.origin(uri)?;
        let open = self.connections.clone().try_acquire_owned().map_err(|_| {
            Error::Connect(
                "too many open connections; read responses to their end, or raise [upstream] connections"
                    .into(),
            )
        })?;
        let addresses = self.addresses(&origin.host).await?;
        let stream = race(&addresses, &origin).await?;
        // Small writes must not wait for the other side's delayed acknowledgement; a socket that refuses is only slower.
        let _ = stream.set_nodelay(true);
        match origin.scheme {
            Scheme::Http => Ok(Wire { io: Box::new(stream), h2: false, _open: open }),
            Scheme::Https => self.encrypt(stream, &origin.host, open).await,
        }
    }

    /// The addresses of `host` that may be connected to, at least one.
    async fn addresses(&self, host: &Host) -> Result<Vec<IpAddr>, Error> {
        let found = match host {
            Host::Literal(address) => Arc::from([*address]),
            Host::Name(name) => self.resolver.addresses(name, &self.lookups).await?,
        };
        let mut allowed = Vec::new();
        let mut denied = None;
        for address in found.iter() {
            match self.allow.address(host, *address) {
                Ok(()) => allowed.push(*address),
                Err(error) => denied = denied.or(Some(error)),
            }
        }
        match denied {
            Some(denied) if allowed.is_empty() => Err(denied),
            _ => Ok(allowed),
        }
    }

    async fn encrypt(
        &self,
        stream: TcpStream,
        host: &Host,
        open: OwnedSemaphorePermit,
    ) -> Result<Wire, Error> {
        let failed = |error: &dyn std::fmt::Display| Error::Tls(format!("TLS with {host} failed: {error}"));
        let name = match host {
            Host::Literal(address) => ServerName::from(*address),
            Host::Name(name) => ServerName::try_from(name.clone()).map_err(|error| failed(&error))?,
        };
        let connected = TlsConnector::from(self.tls.clone()).connect(name, stream).await;
        let stream = connected.map_err(|error| match failed(&error) {
            Error::Tls(text) if is_about_certificate(&error) => Error::Certificate(text),
            other => other,
        })?;
        let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Wire { io: Box::new(stream), h2, _open: open })
    }
}

fn is_about_certificate(error: &io::Error) -> bool {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    matches!(cause, Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented))
}

/// Connects to the first of `addresses` that answers; each gets a head start before the next.
async fn race(addresses: &[IpAddr], origin: &Origin) -> Result<TcpStream, Error> {
    let mut waiting = addresses.iter();
    let mut racing = FuturesUnordered::new();
    let mut last = None;
    loop {
        if let Some(address) = waiting.next() {
            racing.push(TcpStream::connect(SocketAddr::new(*address, origin.port)));
        } else if racing.is_empty() {
            let why = last.map_or_else(|| "no address".to_owned(), |error: io::Error| error.to_string());
            return Err(Error::Connect(format!("cannot connect to {origin}: {why}")));
        }
        tokio::select! {
            Some(connected) = racing.next() => match connected {
                Ok(stream) => return Ok(stream),
                Err(error) => last = Some(error),
            },
            () = tokio::time::sleep(HEAD_START), if waiting.len() > 0 => {}
        }
    }
}

/// A connection as the pool holds it.
pub(crate) struct Wire {
    io: Box<dyn Io>,
    h2: bool,
    _open: OwnedSemaphorePermit,
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        if self.h2 { Connected::new().negotiated_h2() } else { Connected::new() }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
