//! One call of a release, and what is done beside it: its request is copied to a shadow, its answer is compared with the
//! route's document, and what came of it is counted where two releases are compared.
//!
//! It stands below the cache: what counts for a release is what it was asked and what it said itself. **Invariant:** a kept
//! answer counts for no release, nor does the time in which the client was waited for.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt;
use http::{Request, StatusCode};
use ostler_core::{Body, Exchange, Kind};
use ostler_release::analysis::{Fault, Figures};
use ostler_validation::Answers;
use tokio::time::Instant;

use crate::cache::Origin;
use crate::overheard::{Ear, Polled, overheard};
use crate::shadow::{Answered, Copied, Shadow};
use crate::trial::fault;
use crate::validate;

/// A release as one exchange calls it.
#[derive(Clone)]
pub(crate) struct Calling<O> {
    pub(crate) release: O,
    /// What its answers must look like.
    pub(crate) answers: Option<Arc<Answers>>,
    /// Where what comes of it is counted, and for which subject.
    pub(crate) counted: Option<(Arc<Figures>, u64)>,
    pub(crate) shadow: Option<Arc<Shadow>>,
}

/// A call under way.
struct Begun {
    answers: Option<Arc<Answers>>,
    count: Option<Count>,
    copied: Option<Copied>,
}

/// What is counted of a call once this is dropped, however it ends; it hears the answer's body.
struct Count {
    figures: Arc<Figures>,
    subject: u64,
    started: Instant,
    /// None if the request had all of its body.
    upload: Option<Arc<Upload>>,
    /// What came of it, and how long that took until the head was there.
    head: Option<(Result<StatusCode, Kind>, Duration)>,
}

/// How long a request's body was waited for, in nanoseconds.
#[derive(Default)]
struct Upload {
    waited: AtomicU64,
    /// Since when it is waited for, from 1 at the beginning of the call; 0 if it is not.
    since: AtomicU64,
}

/// Notes when the body of a request is waited for.
struct Uploading {
    started: Instant,
    upload: Arc<Upload>,
}

impl<O: Origin> Origin for Calling<O> {
    // No `async fn`: its future would keep room for the request beside that of the call.
    fn call(&self, exchange: Exchange, mut request: Request<Body>) -> impl Future<Output = Answered> + Send {
        let begun = self.begin(&exchange, &mut request);
        self.release.call(exchange, request).map(|answered| begun.end(answered))
    }

    fn deadline(&self) -> Duration {
        self.release.deadline()
    }
}

impl<O> Calling<O> {
    fn begin(&self, exchange: &Exchange, request: &mut Request<Body>) -> Begun {
        let answers = self.answers.clone();
        let copied = self.shadow.as_ref().and_then(|shadow| shadow.copy(exchange, request, answers.clone()));
        let count = self.counted.as_ref();
        let count = count.map(|(figures, subject)| Count::begin(figures.clone(), *subject, request));
        Begun { answers, count, copied }
    }
}

impl Begun {
    fn end(self, answered: Answered) -> Answered {
        let answered = checked(self.answers.as_deref(), answered);
        let answered = match self.count {
            Some(count) => count.end(answered),
            None => answered,
        };
        match self.copied {
            Some(copied) => copied.compare(answered),
            None => answered,
        }
    }
}

/// `answered`, if it is what its document says. A word that a kept answer still holds is no answer of its own.
pub(crate) fn checked(answers: Option<&Answers>, answered: Answered) -> Answered {
    match (answers, answered) {
        (Some(answers), Ok(response)) if response.status() != StatusCode::NOT_MODIFIED => {
            validate::check_response(answers, response)
        }
        (_, answered) => answered,
    }
}

impl Count {
    fn begin(figures: Arc<Figures>, subject: u64, request: &mut Request<Body>) -> Self {
        let started = Instant::now();
        let mut upload = None;
        *request.body_mut() = match std::mem::take(request.body_mut()) {
            body @ Body::Stream(_) => {
                let upload = upload.insert(Arc::<Upload>::default()).clone();
                overheard(body, Uploading { started, upload })
            }
            here => here,
        };
        Count { figures, subject, started, upload, head: None }
    }

    fn end(mut self, answered: Answered) -> Answered {
        let took = self.took();
        match answered {
            Err(error) => {
                self.head = Some((Err(error.kind), took));
                Err(error)
            }
            Ok(response) => {
                self.head = Some((Ok(response.status()), took));
                Ok(response.map(|body| match body {
                    body @ Body::Stream(_) => overheard(body, self),
                    here => here,
                }))
            }
        }
    }

    /// How long it has taken so far, without the time in which the client was waited for.
    fn took(&self) -> Duration {
        let waited = self.upload.as_ref().map_or(0, |upload| upload.waited(nanos(self.started)));
        self.started.elapsed().saturating_sub(Duration::from_nanos(waited))
    }

    /// Whether the client is waited for.
    fn waits(&self) -> bool {
        self.upload.as_ref().is_some_and(|upload| upload.since.load(Relaxed) != 0)
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        let (fault, took) = match self.head {
            Some((outcome, took)) => (fault(outcome), took),
            None => (Some(Fault::Abandoned), self.took()),
        };
        let late = matches!(fault, Some(Fault::Deadline | Fault::Abandoned));
        // Where the client is late, nothing was seen of the release.
        if !(late && self.waits()) {
            self.figures.answered(self.subject, fault, took);
        }
    }
}

impl Upload {
    /// All that it was waited for until `now`.
    fn waited(&self, now: u64) -> u64 {
        let since = self.since.load(Relaxed);
        let open = if since == 0 { 0 } else { now.saturating_sub(since) };
        self.waited.load(Relaxed) + open
    }

    fn polled(&self, pending: bool, now: u64) {
        let waits = self.since.load(Relaxed) != 0;
        if pending && !waits {
            self.since.store(now, Relaxed);
        } else if !pending && waits {
            self.waited.store(self.waited(now), Relaxed);
            self.since.store(0, Relaxed);
        }
    }
}

/// Nanoseconds since `started`, from 1.
fn nanos(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1)
}

impl Ear for Uploading {
    fn hear(&mut self, polled: &Polled) {
        self.upload.polled(polled.is_pending(), nanos(self.started));
    }
}

impl Ear for Count {
    fn hear(&mut self, polled: &Polled) {
        if let (Poll::Ready(Some(Err(error))), Some((outcome, _))) = (polled, &mut self.head) {
            *outcome = Err(error.kind());
        }
    }
}

#[cfg(test)]
mod tests;
