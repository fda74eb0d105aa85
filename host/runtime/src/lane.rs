//! Two lanes, so that who is quick never waits behind who is not.
//!
//! A call starts on the runtime that serves connections. If its guest burns more than a slice of CPU time, the epoch
//! callback asks for a change of lane: the call, only a future by then, moves to threads in the background. A plugin's calls
//! there are bounded, and a plugin that keeps overrunning starts there at once.
//!
//! Epochs are of the clock, and go on while a guest waits or its thread has no processor. So a slice that is over is only a
//! reason to look at the thread's CPU time: a quick call that lost its processor must not wait behind slow ones for that.
//! **Invariant:** `run` returns by the deadline; what it drops frees everything the guest held.

mod slow;

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use ostler_core::{Error, Kind};
use tokio::sync::Semaphore;
use tokio::time::timeout_at;

use crate::background::Background;
use crate::lane::slow::SlowLane;

/// Ticks until the first look at a call in the fast lane: between one and two milliseconds.
pub(crate) const FAST_SLICE: u64 = 2;

/// Ticks until the first look after a yield in the slow lane: long enough to be efficient, short enough to end a call in time.
pub(crate) const SLOW_SLICE: u64 = 3;

/// Ticks between two looks at the CPU time of a call whose slice is over.
pub(crate) const LOOK_AGAIN: u64 = 1;

/// CPU time between two looks that tells a call that burns it from one that lost its processor: half a tick, since a thread
/// is interrupted now and then also when it has one.
const BURNED: Duration = Duration::from_micros(500);

/// Pause of a slow thread after each slice. Only a processor that falls idle takes over what waits on another one, so a
/// slow thread that never lets go would keep requests queued elsewhere.
const PAUSE: Duration = Duration::from_millis(1);

/// Overruns in a row after which a plugin's calls start in the slow lane.
const SUSPECT_AFTER: u32 = 3;

thread_local! {
    static CHANGE_LANE: Cell<bool> = const { Cell::new(false) };
    /// CPU time of this thread when the call being polled on it was last seen with its slice over; none if it was not yet.
    static SEEN: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// Whether the call being polled on this thread, whose slice is over, has burned CPU time since it was last asked; false at
/// the first time in a poll. Called by the epoch callback.
pub(crate) fn burns() -> bool {
    let now = cpu_time();
    SEEN.replace(Some(now)).is_some_and(|seen| now.saturating_sub(seen) >= BURNED)
}

/// CPU time that this thread has had.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// Asks that the call being polled on this thread leave the fast lane. Called by the epoch callback.
pub(crate) fn change() {
    CHANGE_LANE.set(true);
}

/// What is beside the fast lane, which is the runtime that serves connections.
pub(crate) struct Lanes {
    slow: SlowLane,
}

/// One plugin's standing: its bounded share of the slow lane, and how it behaved lately.
pub(crate) struct Share {
    slots: Arc<Semaphore>,
    overruns: AtomicU32,
    /// Whether its calls start in the slow lane however quick they are, since nobody waits for them.
    unhurried: bool,
}

enum Step<T> {
    Done(T),
    Overran,
}

impl Lanes {
    pub(crate) fn new(background: &Arc<Background>) -> std::io::Result<Self> {
        Ok(Lanes { slow: SlowLane::new(background)? })
    }
}

impl Share {
    pub(crate) fn new() -> Self {
        let slots = Arc::new(Semaphore::new(slow_threads() * 4));
        Share { slots, overruns: AtomicU32::new(0), unhurried: false }
    }

    /// One whose calls take no time of the fast lane.
    pub(crate) fn unhurried() -> Self {
        Share { unhurried: true, ..Share::new() }
    }

    fn suspect(&self) -> bool {
        self.unhurried || self.overruns.load(Relaxed) >= SUSPECT_AFTER
    }

    fn overran(&self) {
        // Counts a little past the threshold, so that a suspect must be quick several times to be trusted again.
        let _ = self.overruns.fetch_update(Relaxed, Relaxed, |n| (n < 2 * SUSPECT_AFTER).then_some(n + 1));
    }

    fn was_quick(&self) {
        if self.overruns.load(Relaxed) != 0 {
            let _ = self.overruns.fetch_update(Relaxed, Relaxed, |n| n.checked_sub(1));
        }
    }
}

/// Runs `call` to its end or to `deadline`, changing lanes when it overruns.
///
/// Most calls end at their first poll, so whatever waits (a timer, a task) is made only after it, in a box of its own:
/// a future is as large as the largest thing it may hold, and is moved with all of it.
pub(crate) async fn run<T, F>(
    lanes: Arc<Lanes>,
    share: Arc<Share>,
    deadline: Instant,
    mut call: Pin<Box<F>>,
) -> Result<T, Error>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut overran = false;
    if !share.suspect() {
        let step = match poll_fn(|cx| Poll::Ready(poll_fast(call.as_mut(), cx))).await {
            Poll::Ready(step) => step,
            Poll::Pending => {
                let resume = poll_fn(|cx| poll_fast(call.as_mut(), cx));
                let waiting = timeout_at(deadline.into(), resume);
                Box::pin(waiting).await.map_err(|_| passed())?
            }
        };
        if let Step::Done(value) = step {
            share.was_quick();
            return Ok(value);
        }
        share.overran();
        overran = true;
    }
    Box::pin(run_slowly(lanes, share, deadline, call, overran)).await
}

async fn run_slowly<T, F>(
    lanes: Arc<Lanes>,
    share: Arc<Share>,
    deadline: Instant,
    mut call: Pin<Box<F>>,
    mut overran: bool,
) -> Result<T, Error>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let slots = share.slots.clone();
    let slow = async move {
        let _slot = slots.acquire_owned().await;
        let value = poll_fn(|cx| {
            CHANGE_LANE.set(false);
            SEEN.set(None);
            let poll = call.as_mut().poll(cx);
            let yielded = CHANGE_LANE.get();
            overran |= yielded;
            if yielded && poll.is_pending() {
                thread::sleep(PAUSE);
            }
            poll
        });
        (value.await, overran)
    };
    match timeout_at(deadline.into(), lanes.slow.spawn(slow)).await {
        Ok(Ok((value, overran))) => {
            if !overran {
                share.was_quick();
            }
            Ok(value)
        }
        Ok(Err(_)) => Err(Error::new(Kind::Internal, "the host failed while it ran the handler")),
        Err(_) => Err(passed()),
    }
}

fn poll_fast<T>(call: Pin<&mut impl Future<Output = T>>, cx: &mut Context<'_>) -> Poll<Step<T>> {
    CHANGE_LANE.set(false);
    SEEN.set(None);
    match call.poll(cx) {
        Poll::Ready(value) => Poll::Ready(Step::Done(value)),
        Poll::Pending if CHANGE_LANE.get() => Poll::Ready(Step::Overran),
        Poll::Pending => Poll::Pending,
    }
}

fn passed() -> Error {
    Error::new(Kind::DeadlineExceeded, "the handler did not answer within its deadline")
}

/// One processor always stays free of slow calls.
fn slow_threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from).saturating_sub(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes() -> Arc<Lanes> {
        Arc::new(Lanes::new(&Background::new().unwrap()).unwrap())
    }

    /// Slow threads run in the background: beside threads that never rest, a call may take seconds.
    fn late() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    /// Yields once, asking for the slow lane as a spinning guest would, and says on which thread it went on.
    async fn overrun() -> String {
        let mut first = true;
        poll_fn(|cx| {
            if std::mem::take(&mut first) {
                change();
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(thread::current().name().unwrap_or_default().to_owned())
        })
        .await
    }

    #[tokio::test]
    async fn an_overrunning_call_goes_on_in_the_slow_lane_and_a_quick_one_stays() {
        let (lanes, share) = (lanes(), Arc::new(Share::new()));
        let slow = run(lanes.clone(), share.clone(), late(), Box::pin(overrun())).await.unwrap();
        assert_eq!(slow, "ostler-slow");
        let here = thread::current().id();
        let quick = run(lanes, share, late(), Box::pin(async { thread::current().id() })).await.unwrap();
        assert_eq!(quick, here);
    }

    #[tokio::test]
    async fn a_plugin_that_keeps_overrunning_starts_in_the_slow_lane_until_it_is_quick_again() {
        let (lanes, share) = (lanes(), Arc::new(Share::new()));
        let here = thread::current().id();
        for _ in 0..SUSPECT_AFTER {
            run(lanes.clone(), share.clone(), late(), Box::pin(overrun())).await.unwrap();
        }
        let place = || Box::pin(async { thread::current().id() });
        assert_ne!(run(lanes.clone(), share.clone(), late(), place()).await.unwrap(), here);
        assert_eq!(run(lanes, share, late(), place()).await.unwrap(), here);
    }

    fn burn(time: Duration) {
        let start = cpu_time();
        while cpu_time() - start < time {}
    }

    #[tokio::test]
    async fn only_who_burns_cpu_time_overruns_not_who_waits_or_has_no_processor() {
        let (lanes, share) = (lanes(), Arc::new(Share::new()));
        let call = Box::pin(async {
            let first = burns();
            // The thread has no processor meanwhile.
            thread::sleep(Duration::from_millis(4));
            let without = burns();
            burn(BURNED);
            let with = burns();
            tokio::task::yield_now().await;
            (first, without, with, burns())
        });
        let seen = run(lanes, share, late(), call).await.unwrap();
        assert_eq!(seen, (false, false, true, false));
    }

    #[tokio::test]
    async fn who_waits_for_ever_is_dropped_at_the_deadline() {
        let (lanes, share) = (lanes(), Arc::new(Share::new()));
        let held = Arc::new(());
        let holds = held.clone();
        let wait = async move {
            std::future::pending::<()>().await;
            drop(holds);
        };
        let error =
            run(lanes, share, Instant::now() + Duration::from_millis(20), Box::pin(wait)).await.unwrap_err();
        assert_eq!(error.kind, Kind::DeadlineExceeded);
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
