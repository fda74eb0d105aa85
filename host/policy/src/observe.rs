//! Counts and logs every exchange once, when its reply has ended.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Instant;

use http::{Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body as _;
use ostler_core::{Body, Error, Kind, Principal, RequestId};
use ostler_observe::metrics::RouteMetrics;
use ostler_observe::{AccessLine, Observe};
use ostler_release::rollout::Arm;

use crate::overheard::{Ear, Polled, overheard};
use crate::snapshot::Route;
use crate::trial::Trial;

/// Where exchanges are told.
pub(crate) struct Observer {
    observe: Observe,
    /// Counts those that match no route.
    unrouted: Arc<RouteMetrics>,
    /// When overload was last warned of, in seconds since `since`, from 1.
    warned: AtomicU64,
    since: Instant,
}

/// What is known of an exchange before it is answered.
pub(crate) struct Observation {
    observer: Arc<Observer>,
    route: Option<Arc<Route>>,
    method: Method,
    uri: Uri,
    version: Version,
    id: RequestId,
    client: IpAddr,
    /// Which release serves, once that is chosen.
    pub(crate) chosen: Option<Arm>,
    /// Who asks, once that is known.
    pub(crate) principal: Option<Arc<Principal>>,
    started: Instant,
    bytes_in: Option<u64>,
    finished: bool,
}

/// Status under which an exchange is counted whose client went away before the reply (nginx's, never sent).
const CLIENT_GONE: u16 = 499;

impl Observer {
    pub(crate) fn new(observe: Observe) -> Arc<Self> {
        let unrouted = observe.metrics.route("", "", "");
        Arc::new(Observer { observe, unrouted, warned: AtomicU64::new(0), since: Instant::now() })
    }

    /// Whether this is worth a warning. Of overload one a second is: there are many, each leaves its access line, and what is
    /// refused must cost little.
    fn warns(&self, kind: Kind) -> bool {
        if kind != Kind::Overloaded {
            return kind.facts().alarming;
        }
        let now = self.since.elapsed().as_secs() + 1;
        self.warned.swap(now, Ordering::Relaxed) != now
    }
}

impl Observation {
    pub(crate) fn of(
        observer: &Arc<Observer>,
        route: Option<&Arc<Route>>,
        request: &Request<Body>,
        id: &RequestId,
        client: IpAddr,
        started: Instant,
    ) -> Self {
        Observation {
            observer: observer.clone(),
            route: route.cloned(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            id: id.clone(),
            client,
            chosen: None,
            principal: None,
            started,
            bytes_in: request.body().size_hint().exact(),
            finished: false,
        }
    }

    /// Logs what the client is not told.
    pub(crate) fn explain(&self, error: &Error) {
        let (code, id) = (error.kind.facts().code, self.id.as_str());
        let (plugin, release) = self.names();
        let cause = error.cause.as_ref().map(tracing::field::display);
        if self.observer.warns(error.kind) {
            tracing::warn!(request_id = id, plugin, release, code, cause, "{}", error.detail);
        } else {
            tracing::debug!(request_id = id, plugin, release, code, cause, "{}", error.detail);
        }
    }

    /// Finishes with the reply: at once if it is whole, else when its stream ends.
    pub(crate) fn watch(mut self, response: Response<Body>, kind: Option<Kind>) -> Response<Body> {
        let status = response.status();
        if !matches!(response.body(), Body::Stream(_)) {
            let bytes = response.body().size_hint().exact().unwrap_or(0);
            self.finish(status, kind, bytes);
            return response;
        }
        response.map(|body| overheard(body, Watch { observation: self, status, kind, bytes: 0 }))
    }

    fn finish(&mut self, status: StatusCode, kind: Option<Kind>, bytes: u64) {
        self.finished = true;
        let duration = self.started.elapsed();
        let route = self.route.as_deref();
        let outcome = kind.map_or(Ok(status), Err);
        let own = route.map_or(&self.observer.unrouted, |route| &route.metrics);
        self.candidate().map_or(own, |trial| &trial.metrics).observe(outcome, duration, bytes);
        let (plugin, release) = self.names();
        self.observer.observe.access(&AccessLine {
            request_id: self.id.as_str(),
            method: &self.method,
            path: self.uri.path(),
            version: self.version,
            status,
            kind,
            route: route.map(|route| &*route.pattern),
            plugin: route.map(|_| plugin),
            release: route.map(|_| release),
            duration,
            bytes_in: self.bytes_in,
            bytes_out: Some(bytes),
            client: self.client,
            principal: self.principal.as_deref(),
        });
    }

    fn names(&self) -> (&str, &str) {
        let Some(route) = self.route.as_deref() else { return ("", "") };
        (&route.plugin, self.candidate().map_or(&route.release, |trial| &trial.release))
    }

    /// The new release, if it was chosen.
    fn candidate(&self) -> Option<&Trial> {
        self.chosen.filter(|arm| *arm == Arm::Candidate)?;
        self.route.as_deref()?.trial.as_ref()
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        if !self.finished {
            self.finish(StatusCode::from_u16(CLIENT_GONE).unwrap_or_default(), None, 0);
        }
    }
}

/// Hears a streamed reply, and counts it when it ends, however it ends.
struct Watch {
    observation: Observation,
    status: StatusCode,
    kind: Option<Kind>,
    bytes: u64,
}

impl Ear for Watch {
    fn hear(&mut self, polled: &Polled) {
        match polled {
            Poll::Ready(Some(Ok(frame))) => {
                self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64)
            }
            Poll::Ready(Some(Err(error))) => self.kind = Some(error.kind()),
            _ => {}
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.observation.finish(self.status, self.kind, self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overload_is_warned_of_once_a_second_and_other_alarms_each_time() {
        let observe = Observe::to(&ostler_observe::Config::default(), std::io::sink()).unwrap();
        let observer = Observer::new(observe);
        let warned = (0..1000).filter(|_| observer.warns(Kind::Overloaded)).count();
        assert!((1..=2).contains(&warned), "{warned}");
        assert!((0..3).all(|_| observer.warns(Kind::PluginTrapped)));
        assert!(!observer.warns(Kind::Forbidden));
    }
}
