//! Shadow traffic: copies of a share of the requests go to a new release in isolation, in the background; its answers are
//! compared with the live one's, and told to operators.
//!
//! **Invariant:** nothing here delays, fails or changes an answer to a user: what cannot be copied at once is not copied, and
//! what the copies say is never returned.

mod compare;
mod listen;
mod report;
#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, Method, Request, Response, header};
use http_body::Body as _;
use ostler_core::rollout::Share;
use ostler_core::{Body, Error, Exchange, Kind};
use ostler_release::analysis::{Fault, Figures};
use ostler_runtime::Plugin;
use ostler_upstream::Recorder;
use ostler_validation::Answers;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout_at;

use crate::calling::checked;
use crate::overheard::overheard;
use crate::trial;
use compare::Answer;
use listen::{Heard, Listener};
use report::Tally;
pub use report::{Aspect, Difference, Latencies, ShadowReport};

/// Copies that may be under way at once; while there are as many, requests are not copied.
pub const COPIES: usize = 8;

/// Largest body of a request that is copied: 64 KiB. One that is still to come is listened to as the handler reads it.
pub const REQUEST_BYTES: usize = 64 << 10;

/// Bytes of an answer that are compared: 256 KiB. Of a longer one, status and content type are.
pub const ANSWER_BYTES: usize = 256 << 10;

/// A new release that gets copies of the requests of the live one.
pub struct Shadow {
    call: Call,
    figures: Arc<Figures>,
    recorder: Arc<Recorder>,
    share: Share,
    unsafe_methods: bool,
    places: Arc<Semaphore>,
    tally: Tally,
}

pub(crate) type Answered = Result<Response<Body>, Error>;
pub(crate) type Call =
    Box<dyn Fn(Exchange, Request<Body>) -> Pin<Box<dyn Future<Output = Answered> + Send>> + Send + Sync>;

/// The body of a copy.
enum Content {
    /// It is here.
    Here(Body),
    /// It comes while the live release reads it.
    Coming(oneshot::Receiver<Heard>),
}

/// A request that was copied, until its answer is there. Dropped without one, the copy counts as unanswered.
pub(crate) struct Copied {
    answer: oneshot::Sender<Told>,
    /// None if the time of the answer is also that of the request's body.
    started: Option<Instant>,
}

/// What users were answered, with its body once that has gone by.
type Told = (Head, oneshot::Receiver<Heard>);

/// What is known of an answer before its body.
struct Head {
    status: u16,
    content_type: Option<String>,
    took: Option<Duration>,
}

impl Shadow {
    /// Copies `share` of the requests to `candidate`, which [`ostler_runtime::Runtime::shadow`] made with `recorder`: those of
    /// safe methods, or of all with `unsafe_methods`.
    pub fn new(
        candidate: &Arc<Plugin>,
        recorder: Arc<Recorder>,
        share: Share,
        unsafe_methods: bool,
    ) -> Arc<Self> {
        let (plugin, figures) = (candidate.clone(), candidate.figures().clone());
        let call = move |exchange, request| {
            let plugin = plugin.clone();
            Box::pin(async move { ostler_runtime::call(&plugin, exchange, request).await }) as _
        };
        Shadow::of(Box::new(call), figures, recorder, share, unsafe_methods)
    }

    pub(crate) fn of(
        call: Call,
        figures: Arc<Figures>,
        recorder: Arc<Recorder>,
        share: Share,
        unsafe_methods: bool,
    ) -> Arc<Self> {
        let (places, tally) = (Arc::new(Semaphore::new(COPIES)), Tally::default());
        Arc::new(Shadow { call, figures, recorder, share, unsafe_methods, places, tally })
    }

    /// Copies `request`, which the live release is about to be asked, if it is its turn; the copy is on its way then, and its
    /// answer must be what `answers` say, too. A body that is still to come is replaced by itself, listened to.
    pub(crate) fn copy(
        self: &Arc<Self>,
        exchange: &Exchange,
        request: &mut Request<Body>,
        answers: Option<Arc<Answers>>,
    ) -> Option<Copied> {
        let copied = self.unsafe_methods || is_safe(request.method());
        if !copied || is_conditional(request.headers()) || fastrand::u32(..Share::ALL.0) >= self.share.0 {
            return None;
        }
        if request.body().size_hint().lower() > REQUEST_BYTES as u64 {
            self.tally.uncopied();
            return None;
        }
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            self.tally.busy();
            return None;
        };
        let body = listened(request.body_mut());
        let started = matches!(body, Content::Here(_)).then(Instant::now);
        let mut copy = Request::new(Body::Empty);
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.version_mut() = request.version();
        *copy.headers_mut() = request.headers().clone();
        self.tally.copied();
        let (answer, answered) = oneshot::channel();
        tokio::spawn(self.clone().answer(place, exchange.clone(), copy, body, answers, answered));
        Some(Copied { answer, started })
    }

    /// What came of the copies so far.
    pub fn report(&self) -> ShadowReport {
        let calls = self.recorder.take();
        self.tally.held_back(calls.calls.len() as u64 + calls.further);
        self.tally.report()
    }

    async fn answer(
        self: Arc<Self>,
        _place: OwnedSemaphorePermit,
        exchange: Exchange,
        mut request: Request<Body>,
        body: Content,
        answers: Option<Arc<Answers>>,
        answered: oneshot::Receiver<Told>,
    ) {
        let deadline = tokio::time::Instant::from_std(exchange.deadline);
        let Some(body) = timeout_at(deadline, body.whole()).await.ok().flatten() else {
            return self.tally.unanswered();
        };
        *request.body_mut() = body;
        let (method, started) = (request.method().clone(), Instant::now());
        let told = (self.call)(exchange.clone(), request).await;
        let took = started.elapsed();
        let told = checked(answers.as_deref(), told);
        self.figures.answered(exchange.subject.unwrap_or_default(), fault(&told), took);
        let candidate = timeout_at(deadline, Answer::of(told, took)).await;
        // Whoever waits for the answer that users get is not waited for longer than they would.
        let stable = timeout_at(deadline, async {
            let (head, body) = answered.await.ok()?;
            Some((head, body.await.unwrap_or(Heard::Broken)))
        });
        let (Ok(candidate), Ok(Some((head, heard)))) = (candidate, stable.await) else {
            return self.tally.unanswered();
        };
        let stable = Answer::heard(head, heard);
        // Two bodies of JSON are some milliseconds of work, which is nothing for a thread that serves.
        let compared = tokio::task::spawn_blocking(move || {
            self.tally.compared(
                &exchange,
                &method,
                &stable,
                &candidate,
                compare::differences(&stable, &candidate),
            );
        });
        let _ = compared.await;
    }
}

impl Copied {
    /// Hands on what users are answered, so that it is compared; it comes back as it was, and no later.
    pub(crate) fn compare(self, answered: Answered) -> Answered {
        let Copied { answer, started } = self;
        let (heard, body) = oneshot::channel();
        let took = started.map(|started| started.elapsed());
        let content_type = answered.as_ref().ok().and_then(compare::content_type);
        let status = match &answered {
            Ok(response) => response.status().as_u16(),
            Err(error) => error.kind.facts().status.as_u16(),
        };
        if answer.send((Head { status, content_type, took }, body)).is_err() {
            // The copy has ended already.
            return answered;
        }
        let response = answered?;
        Ok(response.map(|body| match body {
            Body::Empty => {
                let _ = heard.send(Heard::Whole(Vec::new()));
                Body::Empty
            }
            Body::Full(bytes) => {
                let _ = heard.send(Heard::of(bytes.clone()));
                Body::Full(bytes)
            }
            body @ Body::Stream(_) => overheard(body, Listener::new(heard, ANSWER_BYTES)),
        }))
    }
}

/// What the copy of `body` is made of.
fn listened(body: &mut Body) -> Content {
    match std::mem::take(body) {
        Body::Empty => Content::Here(Body::Empty),
        Body::Full(bytes) => {
            *body = Body::Full(bytes.clone());
            Content::Here(Body::Full(bytes))
        }
        stream @ Body::Stream(_) => {
            let (heard, coming) = oneshot::channel();
            *body = overheard(stream, Listener::new(heard, REQUEST_BYTES));
            Content::Coming(coming)
        }
    }
}

impl Content {
    /// The body, once it is here; none if it is too long, or the live release did not read all of it.
    async fn whole(self) -> Option<Body> {
        match self {
            Content::Here(body) => Some(body),
            Content::Coming(coming) => match coming.await.ok()? {
                Heard::Whole(pieces) => Some(Body::full(listen::joined(&pieces))),
                Heard::Long | Heard::Broken => None,
            },
        }
    }
}

/// Asks about an answer that the client or the cache has of the live release: the new one's is another.
fn is_conditional(headers: &HeaderMap) -> bool {
    const CONDITIONS: [HeaderName; 5] = [
        header::IF_NONE_MATCH,
        header::IF_MODIFIED_SINCE,
        header::IF_MATCH,
        header::IF_UNMODIFIED_SINCE,
        header::IF_RANGE,
    ];
    CONDITIONS.iter().any(|name| headers.contains_key(name))
}

/// RFC 9110, section 9.2.1; TRACE is not served.
fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// The shadow's own places may all be taken, which says nothing of the release.
fn fault(answered: &Answered) -> Option<Fault> {
    match answered {
        Err(error) if error.kind == Kind::Overloaded => None,
        Err(error) => trial::fault(Err(error.kind)),
        Ok(response) => trial::fault(Ok(response.status())),
    }
}
