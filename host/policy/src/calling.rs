//! One call of a release, and what is done beside it: its request is copied to a shadow, its answer is compared with the
//! route's document, and what came of it is counted where two releases are compared.
//!
//! It stands below the cache: what counts for a release is what it was asked and what it said itself. **Invariant:** a kept
//! answer counts for no release, nor does the time in which the client was waited for.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use http::{Request, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};
use ostler_core::{Body, BodyError, Exchange, Kind};
use ostler_release::analysis::{Fault, Figures};
use ostler_validation::Answers;
use tokio::time::Instant;

use crate::cache::Origin;
use crate::shadow::{Answered, Copied, Shadow};
use crate::trial::fault;
use crate::validate;

type Stream = Pin<Box<dyn HttpBody<Data = Bytes, Error = BodyError> + Send>>;

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

/// What is counted of a call once this is dropped, however it ends.
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

/// The body of a request, with a note of when it is waited for.
struct Uploading {
    body: Stream,
    started: Instant,
    upload: Arc<Upload>,
}

/// The body of an answer, with what is counted at its end.
struct Counted {
    body: Stream,
    count: Count,
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
            Body::Stream(body) => {
                let noted = upload.insert(Arc::<Upload>::default()).clone();
                Body::Stream(Box::pin(Uploading { body, started, upload: noted }))
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
                    Body::Stream(body) => Body::Stream(Box::pin(Counted { body, count: self })),
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

impl HttpBody for Uploading {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let poll = self.body.as_mut().poll_frame(cx);
        self.upload.polled(poll.is_pending(), nanos(self.started));
        poll
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let poll = self.body.as_mut().poll_frame(cx);
        if let (Poll::Ready(Some(Err(error))), Some((outcome, _))) = (&poll, &mut self.count.head) {
            *outcome = Err(error.kind());
        }
        poll
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
