//! The stream that a guest writes an object to: piece by piece, each on a thread that may block.
//!
//! **Invariant:** there is one piece under way at most, and the guest is asked to wait for it.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use ostler_services::blob::{Error, Staged};
use tokio::task::{JoinHandle, spawn_blocking};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

/// Bytes a guest may write before it is asked to wait.
const PIECE: usize = 64 << 10;

/// What is written so far.
pub(super) struct Upload(Mutex<State>);

enum State {
    Ready(Staged),
    Writing(JoinHandle<Result<Staged, Error>>),
    Failed(Error),
}

/// The guest's end.
pub(super) struct Body(pub(super) Arc<Upload>);

impl Upload {
    pub(super) fn of(staged: Result<Staged, Error>) -> Self {
        Upload(Mutex::new(staged.map_or_else(State::Failed, State::Ready)))
    }

    /// What was written, once all of it is.
    pub(super) async fn take(&self) -> Result<Staged, Error> {
        poll_fn(|cx| self.poll_settled(cx)).await;
        let taken = State::Failed(Error::Invalid("the value is finished already".into()));
        match std::mem::replace(&mut *self.lock(), taken) {
            State::Ready(staged) => Ok(staged),
            State::Failed(error) => Err(error),
            State::Writing(_) => Err(Error::Busy),
        }
    }

    fn write(&self, bytes: Bytes) -> StreamResult<()> {
        let mut state = self.lock();
        let busy = State::Failed(Error::Busy);
        match std::mem::replace(&mut *state, busy) {
            State::Ready(mut staged) => {
                let piece = move || staged.write(&bytes).map(|()| staged);
                *state = State::Writing(spawn_blocking(piece));
                Ok(())
            }
            other => {
                *state = other;
                Err(StreamError::trap("more was written than the stream had room for"))
            }
        }
    }

    fn poll_settled(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if let State::Writing(piece) = &mut *state {
            let ended = std::task::ready!(Pin::new(piece).poll(cx));
            let ended = ended.unwrap_or_else(|_| Err(Error::Unavailable("a thread panicked".into())));
            *state = ended.map_or_else(State::Failed, State::Ready);
        }
        Poll::Ready(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OutputStream for Body {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if bytes.is_empty() { Ok(()) } else { self.0.write(bytes) }
    }

    /// What a value is worth is decided when it is finished.
    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let _ = self.0.poll_settled(&mut cx);
        match &*self.0.lock() {
            State::Ready(_) => Ok(PIECE),
            State::Writing(_) => Ok(0),
            State::Failed(error) => {
                Err(StreamError::LastOperationFailed(wasmtime::Error::msg(error.to_string())))
            }
        }
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Body {
    async fn ready(&mut self) {
        poll_fn(|cx| self.0.poll_settled(cx)).await;
    }
}
