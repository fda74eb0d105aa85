//! One login as requests meet it: whose session a cookie is, and where to go without one.

use std::sync::Arc;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use ostler_core::{Error, Kind, Principal};
use ostler_services::Clock;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::attempt::Attempts;
use super::cookie::{self, Found};
use super::provider::Provider;
use super::second_factor::Waiting;
use super::{Config, Names, cross_site, return_to};
use crate::authenticate::{Needs, Reason, Verdict};
use crate::host_key::HostKey;
use crate::mfa::Factors;
use crate::sessions::{Session, Sessions};

/// A login and its sessions.
pub(crate) struct Site {
    pub(super) name: Arc<str>,
    pub(super) config: Config,
    pub(super) names: Names,
    pub(super) provider: Provider,
    pub(super) sessions: Sessions,
    pub(super) attempts: Attempts,
    pub(super) factors: Factors,
    pub(super) waiting: Waiting,
    pub(super) clock: Clock,
    csrf: HostKey,
}

/// What a request's cookie stands for.
pub(super) enum Held {
    Nothing,
    Live(Arc<Session>),
    /// A session that is over, or never was.
    Over,
    Several,
}

impl Site {
    pub(crate) fn new(name: &str, config: &Config, needs: &Needs) -> Self {
        let shared: Arc<str> = name.into();
        Site {
            provider: Provider::new(&shared, config, &needs.upstream, &needs.clock),
            name: shared,
            names: Names::new(name, !config.insecure),
            sessions: needs.sessions.clone(),
            attempts: Attempts::new(&needs.secret, name),
            factors: needs.factors.clone(),
            waiting: Waiting::default(),
            clock: needs.clock.clone(),
            csrf: needs.secret.purpose("csrf"),
            config: config.clone(),
        }
    }

    /// How its cookies are named.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// Whether there is a cookie of its sessions.
    pub(crate) fn present(&self, head: &Parts) -> bool {
        cookie::find(&head.headers, &self.names.session) != Found::Nothing
    }

    /// The principal of a session that asks for nothing but a look into memory.
    pub(crate) fn remembered(&self, head: &Parts) -> Option<Arc<Principal>> {
        let Held::Live(session) = self.held(&head.headers) else { return None };
        let plain = !session.is_due(self.clock.now_ms()) && self.check_site(head, &session).is_ok();
        plain.then(|| session.principal())
    }

    /// Whose session the request has. `fields` go on the reply.
    pub(crate) async fn authenticate(
        &self,
        head: &Parts,
        fields: &mut HeaderMap,
        deadline: Instant,
    ) -> Verdict {
        let session = match self.held(&head.headers) {
            Held::Nothing => return Verdict::Absent,
            Held::Several => return Verdict::Refused(Reason::Several.refuse()),
            Held::Over => return self.over(head, fields),
            Held::Live(session) => session,
        };
        if let Err(error) = self.check_site(head, &session) {
            return Verdict::Refused(error);
        }
        if session.is_due(self.clock.now_ms()) {
            self.refresh(&session, deadline).await;
            if session.has_ended() {
                return self.over(head, fields);
            }
        }
        Verdict::Known(session.principal())
    }

    /// Where a browser that wants a page goes to log in; nothing for other requests.
    pub(crate) fn way_in(&self, head: &Parts) -> Option<HeaderValue> {
        is_navigation(head).then(|| self.location("/login", path_of(head)))
    }

    /// An endpoint of this login, from which the browser comes back to `return_to`.
    pub(super) fn location(&self, endpoint: &str, back: &str) -> HeaderValue {
        location(&format!("{}{endpoint}", self.config.path), back)
    }

    /// What the request's cookie stands for.
    pub(super) fn held(&self, headers: &HeaderMap) -> Held {
        match cookie::find(headers, &self.names.session) {
            Found::Nothing => Held::Nothing,
            Found::Several => Held::Several,
            Found::One(id) => self.sessions.find(id, &self.name).map_or(Held::Over, Held::Live),
        }
    }

    /// Refuses what another site sent.
    pub(super) fn check_site(&self, head: &Parts, session: &Session) -> Result<(), Error> {
        if head.method.is_safe() {
            return Ok(());
        }
        cross_site::check(&head.method, &head.headers, &self.config.origin, &self.csrf_token(session))
    }

    /// Fields that give a browser its session.
    pub(super) fn cookies(&self, id: &str, session: &Session) -> [HeaderValue; 2] {
        let names = &self.names;
        [
            names.set(&names.session, id, None, false),
            names.set(&names.csrf, &self.csrf_token(session), None, true),
        ]
    }

    /// Fields that take it away.
    pub(super) fn no_cookies(&self) -> [HeaderValue; 2] {
        [self.names.clear(&self.names.session), self.names.clear(&self.names.csrf)]
    }

    fn csrf_token(&self, session: &Session) -> String {
        URL_SAFE_NO_PAD.encode(self.csrf.hash(&[&session.hash]))
    }

    fn over(&self, head: &Parts, fields: &mut HeaderMap) -> Verdict {
        for cookie in self.no_cookies() {
            fields.append(header::SET_COOKIE, cookie);
        }
        let error = Error::new(Kind::Unauthenticated, "this session is over").because(Reason::Expired);
        Verdict::Refused(match self.way_in(head) {
            Some(location) => error.redirect(location),
            None => error,
        })
    }
}

/// Path and query of a request, for the way back to it.
pub(crate) fn path_of(head: &Parts) -> &str {
    head.uri.path_and_query().map_or("/", PathAndQuery::as_str)
}

/// `path` with a way back to `back`, if that is fit for one.
pub(crate) fn location(path: &str, back: &str) -> HeaderValue {
    let back = return_to::check(back).unwrap_or("/");
    let location = format!("{path}?return_to={}", utf8_percent_encode(back, NON_ALPHANUMERIC));
    HeaderValue::try_from(location).unwrap_or(HeaderValue::from_static("/"))
}

/// Whether a person waits for a page, who can be led elsewhere; a script or a program cannot.
pub(crate) fn is_navigation(head: &Parts) -> bool {
    const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
    let text = |name: &HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
    let read = matches!(head.method, Method::GET | Method::HEAD);
    let html = text(&header::ACCEPT).is_some_and(|accept| accept.contains("text/html"));
    read && html && text(&MODE).is_none_or(|mode| mode == "navigate")
}
