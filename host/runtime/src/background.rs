//! Threads whose work must not disturb requests, and must not starve beside them either: slow calls and compilation.
//!
//! They run under the kernel's idle policy, since a thread that wakes preempts an idle one at once, while a merely nice
//! one first ends its slice. But when requests want every processor, idle threads get nothing at all. So a watcher looks
//! at each of them every [`PERIOD`], and lets who starves compete as a nice thread until there is plenty again.

use std::fs;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use thread_priority::unix::{ThreadId, set_thread_priority_and_policy, thread_native_id};
use thread_priority::{NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy};

/// Time between two looks while there is background work.
const PERIOD: Duration = Duration::from_millis(20);

/// Time between two looks while there is none.
const REST: Duration = Duration::from_millis(100);

/// A thread that wants a processor and gets less than this of a period has too little.
const LITTLE: Duration = Duration::from_millis(2);

/// Periods in a row with too little after which a thread starves: moments in which requests want everything are no hunger.
const PATIENCE: u32 = 10;

/// A thread that competes goes on until it gets this much of a period: more than its niceness gives it on a busy machine.
const PLENTY: Duration = Duration::from_millis(5);

/// Niceness of a thread that starves: beside one thread that never rests it gets a tenth of a processor (at 19 it would
/// be a sixtieth).
const NICE: i32 = 10;

/// Whoever sets the policy of a thread by this crate gets its own niceness set: this value is niceness zero, as it was.
const CALLER_NICE: u8 = 47;

/// The threads that run in the background. They end with their pools; the watcher ends with the last reference.
#[derive(Default)]
pub(crate) struct Background {
    threads: Mutex<Vec<Thread>>,
}

struct Thread {
    native: ThreadId,
    /// The kernel's folder about it.
    proc: String,
    ran: Duration,
    /// Looks in a row at which it had too little.
    short: u32,
    starves: bool,
}

impl Background {
    /// No threads yet, and their watcher.
    pub(crate) fn new() -> std::io::Result<Arc<Self>> {
        let background = Arc::new(Background::default());
        let watched = Arc::downgrade(&background);
        thread::Builder::new().name("ostler-watcher".into()).spawn(move || watch(&watched))?;
        Ok(background)
    }

    /// Moves the calling thread to the background, until it calls [`leave`](Self::leave).
    pub(crate) fn enter(&self) {
        let id = rustix::thread::gettid();
        let mut thread = Thread {
            native: thread_native_id(),
            proc: format!("/proc/self/task/{}", id.as_raw_nonzero()),
            ran: Duration::ZERO,
            short: 0,
            starves: false,
        };
        thread.set(false);
        // It cannot be refused; if it were, the thread would stay as it is: slower for others, but right.
        let _ = rustix::process::setpriority_process(Some(id), NICE);
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
    }

    /// Forgets the calling thread, which is about to end.
    pub(crate) fn leave(&self) {
        let native = thread_native_id();
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).retain(|thread| thread.native != native);
    }
}

fn watch(background: &Weak<Background>) {
    let mut pause = REST;
    loop {
        thread::sleep(pause);
        let Some(background) = background.upgrade() else { return };
        // Held meanwhile, so that no thread that is looked at has ended.
        let mut threads = background.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let working = threads.iter_mut().map(Thread::look).max() == Some(true);
        pause = if working { PERIOD } else { REST };
    }
}

impl Thread {
    /// Sets how it competes from now on; whether it has run since the last look or wants to.
    fn look(&mut self) -> bool {
        let Some(ran) = self.ran() else { return false };
        let got = ran.saturating_sub(self.ran);
        self.ran = ran;
        let wants = self.wants_to_run();
        let short = wants && got < if self.starves { PLENTY } else { LITTLE };
        self.short = if short { self.short.saturating_add(1) } else { 0 };
        let starves = self.short >= PATIENCE;
        if starves != self.starves {
            self.set(starves);
        }
        wants || !got.is_zero()
    }

    /// Processor time it has had (`proc_pid_schedstat`: nanoseconds run, nanoseconds waited, slices).
    fn ran(&self) -> Option<Duration> {
        let text = fs::read_to_string(format!("{}/schedstat", self.proc)).ok()?;
        text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    }

    /// Whether it is runnable right now (`proc_pid_stat(5)`: the state follows the name in brackets).
    fn wants_to_run(&self) -> bool {
        let text = fs::read_to_string(format!("{}/stat", self.proc)).unwrap_or_default();
        text.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('R'))
    }

    fn set(&mut self, starves: bool) {
        let policy = match starves {
            true => NormalThreadSchedulePolicy::Other,
            false => NormalThreadSchedulePolicy::Idle,
        };
        let Ok(unchanged) = CALLER_NICE.try_into().map(ThreadPriority::Crossplatform) else { return };
        let set =
            set_thread_priority_and_policy(self.native, unchanged, ThreadSchedulePolicy::Normal(policy));
        self.starves = starves && set.is_ok();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Instant;

    use super::*;

    /// The policy of a thread of this process: 0 is the usual one, 5 the idle one (`sched(7)`).
    fn policy(proc: &str) -> i32 {
        let stat = fs::read_to_string(format!("{proc}/stat")).unwrap();
        // Field 41; the third is the first behind the name.
        stat.rsplit_once(") ").unwrap().1.split(' ').nth(38).unwrap().parse().unwrap()
    }

    #[test]
    fn a_thread_is_idle_at_rest_and_competes_while_it_starves() {
        let background = Background::new().unwrap();
        let (entered, proc) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let shared = background.clone();
        let sleeper = thread::spawn(move || {
            shared.enter();
            let id = rustix::thread::gettid().as_raw_nonzero();
            entered.send(format!("/proc/self/task/{id}")).unwrap();
            let _ = ended.recv();
            shared.leave();
        });
        let proc = proc.recv().unwrap();
        assert_eq!(policy(&proc), 5);
        for (starves, expected) in [(true, 0), (false, 5)] {
            background.threads.lock().unwrap()[0].set(starves);
            assert_eq!(policy(&proc), expected);
        }
        assert_eq!(rustix::process::getpriority_process(None).unwrap(), 0, "the niceness of the caller");
        end.send(()).unwrap();
        sleeper.join().unwrap();
        assert!(background.threads.lock().unwrap().is_empty());
    }

    #[test]
    fn background_work_ends_although_every_processor_is_wanted() {
        let background = Background::new().unwrap();
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let cores = thread::available_parallelism().unwrap().get();
        let wanting: Vec<_> = (0..cores * 2)
            .map(|_| {
                let stop = stop.clone();
                thread::spawn(move || while !stop.load(std::sync::atomic::Ordering::Relaxed) {})
            })
            .collect();
        let work = thread::spawn(move || {
            background.enter();
            let start = Instant::now();
            let used = || rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
            while used().tv_sec == 0 && used().tv_nsec < 100_000_000 {
                assert!(start.elapsed() < Duration::from_secs(20), "it got {:?}", used());
            }
            background.leave();
        });
        let outcome = work.join();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        wanting.into_iter().for_each(|thread| thread.join().unwrap());
        outcome.unwrap();
    }
}
