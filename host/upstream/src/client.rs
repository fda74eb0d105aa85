//! Sends the requests of one plugin over its own pool of connections.
//!
//! **Invariant:** every plugin has a pool of its own, so that what one grant let in is never used under another; TLS settings,
//! resolver and limits are shared.

use std::fmt;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::client::legacy::{Client as Pool, Error as PoolError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use ostler_core::Body;
use ostler_core::plugin::Grant;
use rustls::ClientConfig;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use crate::body::Answer;
use crate::connect::Connector;
use crate::held::{Held, Recorder};
use crate::resolve::{LOOKUPS, Lookup, Resolver, System};
use crate::tls::BadCa;
use crate::{Allow, Config, Error, Phase, Timeouts, head, tls};

/// The room as a whole: makes a [`Client`] for each plugin. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Upstream {
    config: Arc<Config>,
    tls: Arc<ClientConfig>,
    resolver: Arc<Resolver>,
}

impl Upstream {
    /// With the system's resolver.
    ///
    /// # Errors
    /// If the file of certificates cannot be used.
    pub fn new(config: Config) -> Result<Self, BadCa> {
        Self::with_lookup(config, Arc::new(System))
    }

    /// With another resolver, for tests.
    ///
    /// # Errors
    /// If the file of certificates cannot be used.
    pub fn with_lookup(config: Config, lookup: Arc<dyn Lookup>) -> Result<Self, BadCa> {
        let tls = tls::config(config.ca_file.as_deref())?;
        Ok(Upstream { config: Arc::new(config), tls, resolver: Arc::new(Resolver::new(lookup)) })
    }

    /// A client for a plugin with this grant. Costs next to nothing until its first request.
    pub fn client(&self, grant: &Grant) -> Client {
        let connector = Connector {
            allow: Arc::new(Allow::from_grant(grant)),
            resolver: self.resolver.clone(),
            tls: self.tls.clone(),
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
            connections: Arc::new(Semaphore::new(self.config.connections)),
            longest: self.config.connect,
        };
        let exchanges = Arc::new(Semaphore::new(self.config.exchanges));
        let config = self.config.clone();
        Client(Way::Out(Arc::new(Inner { config, connector, exchanges, pool: OnceLock::new() })))
    }

    /// A client for a plugin with this grant that sends nothing: `recorder` answers in place of other servers.
    pub fn held_back(&self, grant: &Grant, recorder: Arc<Recorder>) -> Client {
        Client(Way::Held(Arc::new(Held { allow: Allow::from_grant(grant), recorder })))
    }
}

/// Outbound HTTP of one plugin. Cheap to clone; its unused connections close when the last clone goes.
#[derive(Clone)]
pub struct Client(Way);

#[derive(Clone)]
enum Way {
    Out(Arc<Inner>),
    /// It ends at a recorder.
    Held(Arc<Held>),
}

struct Inner {
    config: Arc<Config>,
    connector: Connector,
    exchanges: Arc<Semaphore>,
    pool: OnceLock<Pool<Connector, Body>>,
}

impl Client {
    /// Whether this plugin may send to a URL at all; cheap, asks nobody.
    pub fn allow(&self) -> &Allow {
        match &self.0 {
            Way::Out(inner) => &inner.connector.allow,
            Way::Held(held) => &held.allow,
        }
    }

    /// Sends `request` (absolute URI) and waits for the head of the response; the body streams, and fails with an [`Error`]
    /// inside [`ostler_core::BodyError::Broken`] once `deadline` passes or the server stalls. Redirects are the plugin's to
    /// follow. Nothing is retried, but for a request of which a connection closed meanwhile has taken nothing.
    ///
    /// # Errors
    /// Any [`Error`]; no later than `deadline`.
    pub async fn send(
        &self,
        request: Request<Body>,
        deadline: std::time::Instant,
        timeouts: Timeouts,
    ) -> Result<Response<Body>, Error> {
        match &self.0 {
            Way::Out(inner) => inner.send(request, deadline, timeouts).await,
            Way::Held(held) => held.send(request, deadline),
        }
    }
}

impl Inner {
    async fn send(
        &self,
        mut request: Request<Body>,
        deadline: std::time::Instant,
        timeouts: Timeouts,
    ) -> Result<Response<Body>, Error> {
        self.connector.allow.check(request.uri())?;
        head::prepare(&mut request)?;
        let deadline = Instant::from_std(deadline);
        let sent = timeout_at(deadline, self.exchange(request, &timeouts)).await;
        let (response, exchange) = sent.unwrap_or(Err(Error::Timeout(Phase::Total)))?;
        let (mut parts, body) = response.into_parts();
        if parts.status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Error::Protocol("the other server switched protocols unasked".into()));
        }
        head::strip(&mut parts.headers);
        let between_bytes = timeouts.between_bytes.unwrap_or(self.config.between_bytes);
        let body = Body::stream(Answer::new(body, deadline, between_bytes, exchange));
        Ok(Response::from_parts(parts, body))
    }

    async fn exchange(
        &self,
        mut request: Request<Body>,
        timeouts: &Timeouts,
    ) -> Result<(Response<Incoming>, OwnedSemaphorePermit), Error> {
        let config = &self.config;
        let first_byte = timeouts.first_byte.unwrap_or(config.first_byte);
        let mut connection = capture_connection(&mut request);
        let mut response = pin!(async {
            let exchange = self.exchanges.clone().acquire_owned().await;
            // Never closed.
            let exchange = exchange.map_err(|closed| Error::Connect(closed.to_string()))?;
            let response = self.pool().request(request).await.map_err(of_pool)?;
            Ok((response, exchange))
        });
        let connecting = async {
            tokio::select! {
                biased;
                response = &mut response => Some(response),
                _ = connection.wait_for_connection_metadata() => None,
            }
        };
        match timeout(timeouts.connect.unwrap_or(config.connect), connecting).await {
            Err(_) => return Err(Error::Timeout(Phase::Connect)),
            Ok(Some(response)) => return response,
            Ok(None) => {}
        }
        timeout(first_byte, response).await.unwrap_or(Err(Error::Timeout(Phase::FirstByte)))
    }

    fn pool(&self) -> &Pool<Connector, Body> {
        self.pool.get_or_init(|| {
            let config = &self.config;
            let head = usize::try_from(config.response_head).unwrap_or(usize::MAX);
            Pool::builder(TokioExecutor::new())
                .timer(TokioTimer::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(config.idle)
                .pool_max_idle_per_host(config.idle_per_origin)
                .http1_max_buf_size(head)
                .http1_max_headers(config.response_fields)
                .http2_max_header_list_size(u32::try_from(head).unwrap_or(u32::MAX))
                // A dead connection is noticed while requests wait on it, not only by their deadlines.
                .http2_keep_alive_interval(Duration::from_secs(20))
                .build(self.connector.clone())
        })
    }
}

fn of_pool(error: PoolError) -> Error {
    Error::of_exchange(&error)
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(self.allow()).finish()
    }
}
