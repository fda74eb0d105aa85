//! The OFREP server's own listener, where it has one.

use std::net::SocketAddr;
use std::time::Duration;

use ostler_admin::Control;
use ostler_core::Scheme;
use ostler_edge::{Limits, Listen, Server};
use ostler_observe::Observe;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Time for its requests under way at the end.
const GRACE: Duration = Duration::from_secs(1);

/// A listener that runs, or none.
pub(super) struct Aside(Option<(oneshot::Sender<()>, JoinHandle<()>)>);

/// A plain listener at this address, which is a loopback one.
pub(super) fn server(listen: SocketAddr) -> ostler_edge::Config {
    ostler_edge::Config {
        listen: vec![Listen { scheme: Scheme::Http, address: listen }],
        tls: None,
        trusted_proxies: Vec::new(),
        limits: Limits::default(),
    }
}

impl Aside {
    pub(super) fn start(server: Option<Server>, control: &Control, observe: &Observe) -> Self {
        let started = server.map(|server| {
            super::connections::register(&observe.metrics, "ofrep", server.counters());
            for listen in server.addresses() {
                let url = format!("{}://{}", listen.scheme.as_str(), listen.address);
                tracing::info!(ofrep = url, "serving flags");
            }
            let (stop, stops) = oneshot::channel();
            let running = server.run(control.aside().clone(), super::ended(stops));
            (stop, tokio::spawn(async move { _ = running.await }))
        });
        Aside(started)
    }

    /// Ends it, with a moment for requests under way.
    pub(super) async fn stop(self) {
        if let Some((stop, running)) = self.0 {
            drop(stop);
            let _ = tokio::time::timeout(GRACE, running).await;
        }
    }
}
