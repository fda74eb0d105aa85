//! What operators see: log lines, access lines and metrics, all cheap enough for every request (see host/README.md).
//!
//! Invariant: nothing here blocks, locks or fails a request. Lines go to a [`Sink`] that drops rather than waits; metrics
//! are atomics that were looked up when the snapshot was built.

mod access;
pub mod exposure;
mod line;
mod log;
pub mod metrics;
mod plugin_line;
mod sink;
#[cfg(test)]
mod testing;
mod time;

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use access::AccessLine;
pub use exposure::{Exposure, Exposures};
pub use line::{Format, MAX_LINE};
pub use log::Config;
pub use metrics::Metrics;
pub use plugin_line::PluginLine;
pub use sink::Sink;

/// The room as a whole. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Observe {
    /// Where every line goes.
    pub sink: Sink,
    /// All that is counted.
    pub metrics: Metrics,
    /// Which flags were shown to whom.
    pub exposures: Exposures,
    access: Arc<AtomicBool>,
    level: Option<log::Control>,
}

/// Why observing cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No thread to write the log.
    #[error("cannot start the thread that writes the log: {0}")]
    Thread(#[from] io::Error),
    /// `tracing` already sends its events elsewhere.
    #[error("this process has a log already; start observing only once")]
    Twice,
}

impl Observe {
    /// Writes to stdout and takes the events of `tracing` for the whole process. Once per process.
    ///
    /// # Errors
    /// If `tracing` has a subscriber already, or no thread can be had.
    pub fn start(config: &Config) -> Result<Self, StartError> {
        let mut observe = Self::new(config, Sink::stdout(config.chosen_format())?);
        let (subscriber, level) = log::subscriber(config, observe.sink.clone());
        tracing::subscriber::set_global_default(subscriber).map_err(|_| StartError::Twice)?;
        observe.level = Some(level);
        Ok(observe)
    }

    /// Writes access and plugin lines to `out`, as JSON unless the configuration says otherwise, and leaves `tracing` alone:
    /// for hosts inside tests.
    ///
    /// # Errors
    /// If no thread can be had.
    pub fn to(config: &Config, out: impl Write + Send + 'static) -> Result<Self, StartError> {
        Ok(Self::new(config, Sink::to(config.format.unwrap_or(Format::Json), out)?))
    }

    fn new(config: &Config, sink: Sink) -> Self {
        let metrics = Metrics::default();
        let dropped = sink.clone();
        metrics.register(move |text| {
            let help = "Log lines dropped because their reader was slow.";
            text.counter("ostler_log_lines_dropped_total", help, &[], dropped.dropped());
        });
        let exposures = Exposures::default();
        let shown = exposures.clone();
        metrics.register(move |text| shown.collect(text));
        let access = Arc::new(AtomicBool::new(config.access));
        Observe { sink, metrics, exposures, access, level: None }
    }

    /// Writes an access line, unless they are switched off.
    pub fn access(&self, line: &AccessLine<'_>) {
        if self.access.load(Ordering::Relaxed) {
            line.write(&self.sink);
        }
    }

    /// Takes over level and access switch of a new configuration; the format stays until the next start.
    pub fn reload(&self, config: &Config) {
        self.access.store(config.access, Ordering::Relaxed);
        if let Some(level) = &self.level {
            level.set(config.level.clone());
        }
    }

    /// Writes what is queued and ends the log; waits 5 seconds at most. Whether all was written.
    pub fn close(&self) -> bool {
        self.sink.close()
    }
}
