//! Drives one HTTP connection to its end: hyper's state machine, its deadlines, cancelled requests, and the drain.
//!
//! One timer serves all deadlines. It is moved when it fires or when something earlier falls due, so that a busy
//! connection does not touch it.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::server::graceful::GracefulConnection;
use tokio::time::{Instant, Sleep};

use crate::Limits;
use crate::drain::{Drain, Phase};
use crate::pulse::{Pulse, Wait};

/// How long a connection that was asked to close may take to do so, and a new one to send its first request during a drain.
pub(crate) const LINGER: Duration = Duration::from_secs(1);

/// Cancelled requests are counted over this time.
const RESET_WINDOW: Duration = Duration::from_secs(10);

/// Why a connection is over.
#[derive(Debug)]
pub(crate) enum End {
    /// The protocol came to its end.
    Closed(hyper::Result<()>),
    /// The client was too slow.
    Overdue(Wait),
    /// The client cancelled too many requests.
    Flooded,
    /// The grace period of a drain is over.
    Cut,
}

enum Event {
    End(End),
    Timer,
    Phase,
}

/// See the module.
pub(crate) struct Driver<'a, C> {
    pub(crate) connection: Pin<&'a mut C>,
    pub(crate) pulse: &'a Pulse,
    pub(crate) limits: &'a Limits,
    pub(crate) drain: Drain,
}

/// What changes while a connection is driven.
struct Course {
    /// Whether it was asked to close for being idle.
    idle: bool,
    /// When it was asked to close.
    asked: Option<Instant>,
    /// When it will be asked to, unless its first request comes before.
    ask_at: Option<Instant>,
    awaited: Phase,
    cancelled: u32,
    window: Instant,
}

impl<C: GracefulConnection<Error = hyper::Error>> Driver<'_, C> {
    /// Runs the connection until it is over.
    pub(crate) async fn run(mut self) -> End {
        let now = Instant::now();
        let mut course = Course {
            idle: false,
            asked: None,
            ask_at: None,
            awaited: Phase::Draining,
            cancelled: 0,
            window: now,
        };
        let mut timer = pin!(tokio::time::sleep_until(self.due(&course, now).1));
        loop {
            match self.next(&mut course, timer.as_mut()).await {
                Event::End(End::Closed(_)) if course.idle => return End::Overdue(Wait::Idle),
                Event::End(end) => return end,
                Event::Phase if course.awaited == Phase::Cut => return End::Cut,
                Event::Phase => {
                    course.awaited = Phase::Cut;
                    if self.pulse.begun() > 0 {
                        self.ask(&mut course, Instant::now());
                    } else {
                        // A connection just accepted may have its first request on the way, and no client expects to
                        // have to repeat that one.
                        course.ask_at = Some(Instant::now() + LINGER);
                    }
                }
                Event::Timer => {
                    if let Some(end) = self.on_timer(&mut course, timer.as_mut()) {
                        return end;
                    }
                }
            }
        }
    }

    async fn next(&mut self, course: &mut Course, mut timer: Pin<&mut Sleep>) -> Event {
        let mut drain = self.drain.clone();
        let ending = self.drain.clone();
        let mut phase = pin!(drain.reached(course.awaited));
        let mut first = true;
        poll_fn(|cx| {
            // Before the connection, so that a reply completed at this moment says that it is the last.
            if (first || ending.ending()) && phase.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Event::Phase);
            }
            first = false;
            if let Poll::Ready(result) = self.connection.as_mut().poll(cx) {
                return Poll::Ready(Event::End(End::Closed(result)));
            }
            if self.flooded(course) {
                return Poll::Ready(Event::End(End::Flooded));
            }
            self.poll_timer(course, timer.as_mut(), cx)
        })
        .await
    }

    fn poll_timer(&self, course: &Course, mut timer: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<Event> {
        let (_, due) = self.due(course, timer.deadline());
        if due < timer.deadline() {
            timer.as_mut().reset(due);
        }
        timer.poll(cx).map(|()| Event::Timer)
    }

    fn on_timer(&mut self, course: &mut Course, timer: Pin<&mut Sleep>) -> Option<End> {
        let now = Instant::now();
        let rest = self.limits.idle_deadline.min(self.limits.send_deadline);
        match self.due(course, now + rest) {
            (_, at) if at > now => timer.reset(at),
            (None, _) => self.ask(course, now),
            (Some(Wait::Idle), _) if course.asked.is_none() => {
                course.idle = true;
                self.ask(course, now);
            }
            (Some(wait), _) => return Some(End::Overdue(wait)),
        }
        None
    }

    /// Asks the connection to close once its requests are done.
    fn ask(&mut self, course: &mut Course, now: Instant) {
        course.ask_at = None;
        course.asked = Some(now);
        self.connection.as_mut().graceful_shutdown();
    }

    /// What is due next and when: a deadline, or (without one) the request to close; `otherwise` if nothing is.
    fn due(&self, course: &Course, otherwise: Instant) -> (Option<Wait>, Instant) {
        let deadline = match (self.pulse.due(self.limits), course.asked) {
            // A client that does not acknowledge the end of an HTTP/2 connection is not waited for longer than others.
            (Some((Wait::Idle, at)), Some(asked)) => {
                (Some(Wait::Idle), asked.max(at - self.limits.idle_deadline) + LINGER)
            }
            (Some((wait, at)), _) => (Some(wait), at),
            (None, _) => (None, otherwise),
        };
        match course.ask_at {
            Some(_) if self.pulse.begun() > 0 => (None, self.pulse.born()),
            Some(at) if at < deadline.1 => (None, at),
            _ => deadline,
        }
    }

    fn flooded(&self, course: &mut Course) -> bool {
        let cancelled = self.pulse.cancelled();
        if cancelled - course.cancelled <= self.limits.http2_resets {
            return false;
        }
        let now = Instant::now();
        if now - course.window < RESET_WINDOW {
            return true;
        }
        course.cancelled = cancelled;
        course.window = now;
        false
    }
}
