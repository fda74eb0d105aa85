//! The stack, outermost first. Each line has its place for a reason:
//!
//! 1. observe: outermost, so that refusals are counted and logged as well;
//! 2. request id: before anything that may fail, since every reply and line carries it;
//! 3. route: decides the plugin and so every limit below;
//! 4. deadline: starts with the request's arrival, so that it covers time in queues;
//! 5. switch: a plugin that `when` has switched off costs nothing; what is known by then are address, path and fields;
//! 6. overload: before anything that costs, since shedding must be cheaper than serving;
//! 7. address limits: before authentication, which is what an attacker would make expensive;
//! 8. authenticate: before all that depends on who asks, the cache above all;
//! 9. identity limits: as soon as the client is known;
//! 10. authorize: before the body is received, which a stranger has no right to send;
//! 11. validate: what the cache and the plugin see has the shape they expect;
//! 12. release: once it is known who asks, so that a user stays with one; before the cache, which tells releases apart;
//! 13. cache: after all refusals, so that a kept answer is given to nobody who may not have it;
//! 14. call: the plugin's own bounds (body size, waiting for a place, lanes) are the runtime's.
//!
//! **Invariant:** `handle` always replies; everything below it returns `Result`.

use std::mem::{replace, take};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use ostler_core::{Body, Error, Exchange, Handle, Head, Kind, Peer, RequestId};
use ostler_observe::Observe;
use ostler_release::rollout::Arm;
use ostler_validation::Answers;

use crate::cache::{Answering, Origin};
use crate::calling::Calling;
use crate::flags::Asker;
use crate::observe::{Observation, Observer};
use crate::overload::Overload;
use crate::route::Found;
use crate::snapshot::{Route, Snapshot, Target};
use crate::{client, validate};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the edge hands each request to.
pub struct Order {
    snapshot: ArcSwap<Snapshot>,
    observer: Arc<Observer>,
    overload: Arc<Overload>,
}

/// What the policies learn of one exchange.
pub(crate) struct Visit {
    /// What the plugin will be told.
    pub(crate) exchange: Exchange,
    /// Fields of the reply, whoever makes it.
    pub(crate) fields: HeaderMap,
    /// What the reply must look like, if anybody asks.
    pub(crate) answers: Option<Arc<Answers>>,
}

impl Order {
    /// A stack that starts with `snapshot`.
    pub fn new(snapshot: Snapshot, observe: Observe, overload: Arc<Overload>) -> Self {
        Order { snapshot: ArcSwap::from_pointee(snapshot), observer: Observer::new(observe), overload }
    }

    /// Puts the next snapshot in force; requests under way finish on theirs.
    pub fn swap(&self, snapshot: Snapshot) {
        self.snapshot.store(Arc::new(snapshot));
    }

    async fn answer(
        &self,
        route: &Route,
        visit: &mut Visit,
        request: &mut Request<Body>,
        observation: &mut Observation,
    ) -> Result<Response<Body>, Error> {
        let gate = &route.gate;
        if let Some(switch) = &gate.switch {
            if let Some(answer) = switch.ahead(&visit.exchange, request.headers(), &route.plugin) {
                answer.await;
            }
            switch.check(&visit.exchange, request.headers(), &route.plugin)?;
        }
        let mut place = self.overload.admit(gate.load.as_deref(), gate.priority)?;
        let named = route.trial.as_ref().and_then(|trial| trial.choice.named(request.headers()));
        if gate.asks() {
            // In a box, so that routes that ask nothing have no room to keep for it.
            *request = Box::pin(pass(route, visit, take(request))).await?;
        } else {
            gate.hidden.hide(request.headers_mut());
        }
        let plugin = match &route.target {
            Target::Plugin(live) => live.as_ref().ok_or_else(no_release)?,
            Target::Endpoint(endpoint) => return endpoint.answer(&visit.exchange, take(request)).await,
        };
        let (mut plugin, mut cache) = (plugin, &gate.cache);
        let (mut counted, mut shadow) = (None, None);
        if let Some(trial) = &route.trial {
            let chosen = trial.choose(named, &visit.exchange, request.headers());
            observation.chosen = Some(chosen.arm);
            (visit.exchange.subject, visit.exchange.drawn) = (Some(chosen.subject), chosen.drawn);
            if chosen.arm == Arm::Candidate {
                place.change(&trial.load, gate.priority)?;
                (plugin, cache) = (&trial.candidate, &trial.cache);
            }
            (counted, shadow) = (trial.counted(chosen), trial.shadow.clone());
        }
        let calling = Calling { release: plugin.clone(), answers: visit.answers.take(), counted, shadow };
        let timing = place.begin(matches!(request.body(), Body::Stream(_)));
        let timed = |answered: Result<Response<Body>, Error>| {
            place.end(timing, answered.as_ref().err());
            answered
        };
        match cache {
            Some(cache) => match cache.answer(&calling, visit.exchange.clone(), take(request)) {
                Answering::Now(response) => Ok(response),
                Answering::Later(later) => timed(later.await),
            },
            None => timed(calling.call(visit.exchange.clone(), take(request)).await),
        }
    }
}

/// Policies 7 to 11: what the request must pass, and what is found out on the way.
async fn pass(route: &Route, visit: &mut Visit, request: Request<Body>) -> Result<Request<Body>, Error> {
    let gate = &route.gate;
    let (mut head, mut body) = request.into_parts();
    if let Some(limiting) = &gate.limiting {
        limiting.before(&visit.exchange, &head, &mut visit.fields).await?;
    }
    if let Some(authenticate) = &gate.authenticate {
        let known = authenticate.check(&visit.exchange, &mut head, &mut visit.fields).await?;
        visit.exchange.principal = Some(known);
    }
    if let Some(limiting) = &gate.limiting {
        limiting.after(&visit.exchange, &head, &mut visit.fields).await?;
    }
    if let (Some(require), Some(authorization)) = (&gate.require, &gate.authorization) {
        require.check(authorization, &visit.exchange, &head)?;
    }
    if let Some(second_factor) = &gate.second_factor {
        second_factor.check(&visit.exchange, &head)?;
    }
    gate.hidden.hide(&mut head.headers);
    if let Some(validator) = &gate.validate {
        body = validate::check(validator, route.body_max(), &mut visit.exchange, &head, body).await?;
        visit.answers = validator.answers(&head);
    }
    Ok(Request::from_parts(head, body))
}

fn no_release() -> Error {
    Error::new(Kind::PluginHasNoRelease, "no release of this route's handler is live yet")
}

impl Handle for Order {
    // No `async fn`: its future would keep room for what is done here, and another for the same as it is needed later.
    fn handle(&self, mut request: Request<Body>, peer: Peer) -> impl Future<Output = Response<Body>> + Send {
        let started = Instant::now();
        let id = request
            .headers()
            .get(&X_REQUEST_ID)
            .and_then(RequestId::accept)
            .unwrap_or_else(|| RequestId::generate(fastrand::u128(..)));
        let snapshot = self.snapshot.load();
        let client = client::address(peer.address.ip(), request.headers(), &snapshot.trusted_proxies);
        let visitor = snapshot.switches.visitor(request.headers());
        let asker = || Asker::unrouted(&request, client, visitor.as_ref().map(|visitor| visitor.as_str()));
        let there = |when: &_| snapshot.switches.has_route(when, asker());
        let found = match snapshot.router.find(&request, there) {
            Found::Route(route) => Ok(route.clone()),
            Found::MethodNotAllowed(allow) => Err(method_not_allowed(allow)),
            Found::Nothing => Err(Error::new(Kind::RouteNotFound, "no route of this host matches")),
        };
        let route = found.as_ref().ok();
        let mut observation = Observation::of(&self.observer, route, &request, &id, client, started);
        let mut found = found.map(|route| {
            let mut visit = Visit::begin(&route, id.clone(), peer, client, started, &request);
            visit.exchange.visitor = visitor;
            (route, visit)
        });
        drop(snapshot);
        async move {
            let answered = match &mut found {
                Ok((route, visit)) => self.answer(route, visit, &mut request, &mut observation).await,
                Err(error) => Err(replace(error, Error::new(Kind::Internal, ""))),
            };
            let (mut response, kind) = match answered {
                Ok(response) => (response, None),
                Err(error) => {
                    observation.explain(&error);
                    (error.response(&id), Some(error.kind))
                }
            };
            let headers = response.headers_mut();
            if let Ok((_, visit)) = found {
                observation.principal = visit.exchange.principal;
                for (name, value) in &visit.fields {
                    // Beside what the plugin says, such as cookies of its own.
                    headers.append(name, value.clone());
                }
            }
            headers.insert(X_REQUEST_ID, id.header());
            observation.watch(response, kind)
        }
    }
}

impl Visit {
    fn begin(
        route: &Route,
        id: RequestId,
        peer: Peer,
        client: IpAddr,
        started: Instant,
        request: &Request<Body>,
    ) -> Self {
        let authorize = route.gate.authorize(request, &peer, client);
        let deadline = started + route.deadline();
        let mut exchange = Exchange::new(id, peer, route.pattern.clone(), started, deadline);
        (exchange.client, exchange.authorize, exchange.head) = (client, authorize, Head::of(request));
        Visit { exchange, fields: HeaderMap::new(), answers: None }
    }
}

fn method_not_allowed(allow: HeaderValue) -> Error {
    Error::new(Kind::MethodNotAllowed, "this path does not take this method").field(header::ALLOW, allow)
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
        let order = Order::new(Snapshot::default(), observe, Arc::default());
        let order = &order;
        let size = size(|request, peer| order.handle(request, peer));
        assert!(size < 57 << 6, "{size} bytes");
    }
}
