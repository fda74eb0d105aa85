//! WASI whole and empty: no files, environment or sockets; what a guest prints becomes log lines.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use ostler_core::RequestId;
use ostler_observe::PluginLine;
use tokio::io::AsyncWrite;
use tracing::Level;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder};

use super::log::{LINE, budgeted, emit};
use crate::guest::Env;

/// Bytes a guest may write before it is asked to wait for itself.
const WINDOW: usize = 64 << 10;

/// Random bytes of one call: they are made in one go, in host memory.
const RANDOM: u64 = 1 << 20;

/// A context that holds nothing but stdout and stderr.
pub(crate) fn context(lines: &Arc<Lines>) -> WasiCtx {
    WasiCtxBuilder::new()
        .max_random_size(RANDOM)
        .stdout(Stream { lines: lines.clone(), level: Level::INFO })
        .stderr(Stream { lines: lines.clone(), level: Level::WARN })
        .build()
}

/// What a guest prints, gathered to lines and logged with plugin, release and request id.
pub(crate) struct Lines {
    env: Arc<Env>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    id: Option<RequestId>,
    left: u64,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Lines {
    pub(crate) fn new(env: Arc<Env>) -> Self {
        Lines { env, state: Mutex::default() }
    }

    /// From here on lines belong to the exchange `id`, which may log `budget` bytes.
    pub(crate) fn begin(&self, id: RequestId, budget: u64) {
        self.flush();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.id = Some(id);
        state.left = budget;
    }

    fn write(&self, level: Level, bytes: &[u8]) {
        let mut guard = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *guard;
        let id = state.id.as_ref().map(RequestId::as_str);
        let pending = if level == Level::INFO { &mut state.stdout } else { &mut state.stderr };
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LINE.saturating_sub(pending.len());
            pending.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                self.emit(level, id, &mut state.left, pending);
            }
        }
    }

    /// Logs what stands without an end of line.
    pub(crate) fn flush(&self) {
        let mut guard = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *guard;
        let id = state.id.as_ref().map(RequestId::as_str);
        self.emit(Level::INFO, id, &mut state.left, &mut state.stdout);
        self.emit(Level::WARN, id, &mut state.left, &mut state.stderr);
    }

    fn emit(&self, level: Level, id: Option<&str>, left: &mut u64, pending: &mut Vec<u8>) {
        if !pending.is_empty() {
            let text = String::from_utf8_lossy(pending);
            if PluginLine::enabled(level)
                && let Some(line) = budgeted(left, text.trim_end(), 0)
            {
                emit(level, &self.env, id, line, &[]);
            }
            pending.clear();
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Stdout or stderr.
#[derive(Clone)]
struct Stream {
    lines: Arc<Lines>,
    level: Level,
}

impl IsTerminal for Stream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Stream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.lines.write(self.level, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WINDOW)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.lines.write(self.level, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
