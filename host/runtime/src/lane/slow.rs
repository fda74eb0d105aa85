//! The slow lane's threads: they poll calls, and nothing else.
//!
//! They run in the background, where a thread may lose its processor at any instruction and not get it back for long. So
//! whoever hands them a call, or wakes one, must not need a lock that they may hold: the queue between is lock-free, and
//! timers and sockets of slow calls are driven by a thread of the usual priority.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};

use async_task::{Runnable, Task};
use crossbeam_queue::SegQueue;
use futures::FutureExt;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::background::Background;

/// What a call that ended brings, or the panic that ended it. Dropping it drops the call, on a slow thread.
pub(super) type Running<T> = Task<thread::Result<T>>;

pub(super) struct SlowLane {
    shared: Arc<Shared>,
    driver: Option<Runtime>,
}

struct Shared {
    ready: SegQueue<Runnable>,
    threads: OnceLock<Vec<Thread>>,
    closed: AtomicBool,
}

impl SlowLane {
    pub(super) fn new(background: &Arc<Background>) -> std::io::Result<Self> {
        let driver = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("ostler-slow-io")
            .enable_all()
            .build()?;
        let shared = Arc::new(Shared {
            ready: SegQueue::new(),
            threads: OnceLock::new(),
            closed: AtomicBool::new(false),
        });
        let threads = (0..super::slow_threads()).map(|_| {
            let (shared, background, driver) = (shared.clone(), background.clone(), driver.handle().clone());
            let poll = move || {
                background.enter();
                shared.poll_until_closed(&driver);
                background.leave();
            };
            Ok(thread::Builder::new().name("ostler-slow".into()).spawn(poll)?.thread().clone())
        });
        let _ = shared.threads.set(threads.collect::<std::io::Result<_>>()?);
        Ok(SlowLane { shared, driver: Some(driver) })
    }

    /// Starts `call` on a slow thread.
    pub(super) fn spawn<T, F>(&self, call: F) -> Running<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let shared = self.shared.clone();
        let (runnable, running) =
            async_task::spawn(AssertUnwindSafe(call).catch_unwind(), move |call| shared.schedule(call));
        runnable.schedule();
        running
    }
}

impl Drop for SlowLane {
    fn drop(&mut self) {
        self.shared.closed.store(true, SeqCst);
        self.shared.wake();
        if let Some(driver) = self.driver.take() {
            driver.shutdown_background();
        }
    }
}

impl Shared {
    fn schedule(&self, call: Runnable) {
        self.ready.push(call);
        self.wake();
    }

    fn wake(&self) {
        self.threads.get().into_iter().flatten().for_each(Thread::unpark);
    }

    fn poll_until_closed(&self, driver: &Handle) {
        let _driven = driver.enter();
        while !self.closed.load(SeqCst) {
            match self.ready.pop() {
                // What it was about is told to who waits for it; a panic while it is dropped concerns nobody.
                Some(call) => drop(std::panic::catch_unwind(|| call.run())),
                None => thread::park(),
            }
        }
        // Calls refer to the queue that holds them.
        while let Some(call) = self.ready.pop() {
            drop(call);
        }
    }
}
