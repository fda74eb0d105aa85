//! The stack, outermost first. Each line has its place for a reason:
//!
//! 1. observe: outermost, so that refusals are counted and logged as well;
//! 2. request id: before anything that may fail, since every reply and line carries it;
//! 3. route: decides the plugin and so every limit below;
//! 4. deadline: starts with the request's arrival, so that it covers time in queues;
//! 5. call: the plugin's own bounds (body size, waiting for a place, lanes) are the runtime's.
//!
//! **Invariant:** `handle` always replies; everything below it returns `Result`.

use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use http::{HeaderName, Request, Response, header};
use ostler_core::{Body, Error, Exchange, Handle, Kind, Peer, RequestId};
use ostler_observe::Observe;

use crate::observe::{Observation, Observer};
use crate::route::Found;
use crate::snapshot::{Route, Snapshot};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the edge hands each request to.
pub struct Order {
    snapshot: ArcSwap<Snapshot>,
    observer: Arc<Observer>,
}

impl Order {
    /// A stack that starts with `snapshot`.
    pub fn new(snapshot: Snapshot, observe: Observe) -> Self {
        Order { snapshot: ArcSwap::from_pointee(snapshot), observer: Observer::new(observe) }
    }

    /// Puts the next snapshot in force; requests under way finish on theirs.
    pub fn swap(&self, snapshot: Snapshot) {
        self.snapshot.store(Arc::new(snapshot));
    }

    async fn answer(
        &self,
        route: Option<&Arc<Route>>,
        id: &RequestId,
        request: Request<Body>,
        peer: Peer,
        started: Instant,
    ) -> Result<Response<Body>, Error> {
        let route = route.ok_or_else(|| Error::new(Kind::RouteNotFound, "no route of this host matches"))?;
        let plugin = route.live.as_ref().ok_or_else(|| {
            Error::new(Kind::PluginHasNoRelease, "no release of this route's handler is live yet")
        })?;
        let deadline = started + plugin.spec().deadline;
        let exchange = Exchange { id: id.clone(), peer, route: route.pattern.clone(), started, deadline };
        ostler_runtime::call(plugin, exchange, request).await
    }
}

impl Handle for Order {
    async fn handle(&self, request: Request<Body>, peer: Peer) -> Response<Body> {
        let started = Instant::now();
        let id = request
            .headers()
            .get(&X_REQUEST_ID)
            .and_then(RequestId::accept)
            .unwrap_or_else(|| RequestId::generate(fastrand::u128(..)));
        let (route, allow) = match self.snapshot.load().router.find(&request) {
            Found::Route(route) => (Some(route.clone()), None),
            Found::MethodNotAllowed(allow) => (None, Some(allow)),
            Found::Nothing => (None, None),
        };
        let observation = Observation::of(&self.observer, &route, &request, &id, peer, started);
        let answered = match allow {
            Some(_) => Err(Error::new(Kind::MethodNotAllowed, "this path does not take this method")),
            None => self.answer(route.as_ref(), &id, request, peer, started).await,
        };
        let (mut response, kind) = match answered {
            Ok(response) => (response, None),
            Err(error) => {
                observation.explain(&error);
                (error.response(&id), Some(error.kind))
            }
        };
        let headers = response.headers_mut();
        headers.insert(X_REQUEST_ID, id.header());
        if let Some(allow) = allow {
            headers.insert(header::ALLOW, allow);
        }
        observation.watch(response, kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size<A, B, F: Future>(_: impl Fn(A, B) -> F) -> usize {
        size_of::<F>()
    }

    /// A future is moved whole, more than once, before it is first polled; what is rarely awaited belongs in a box.
    #[test]
    fn the_future_of_an_exchange_stays_small() {
        let observe = Observe::to(&ostler_observe::Config::default(), std::io::sink()).unwrap();
        let order = Order::new(Snapshot::default(), observe);
        let order = &order;
        let size = size(|request, peer| order.handle(request, peer));
        assert!(size < 3 << 10, "{size} bytes");
    }
}
