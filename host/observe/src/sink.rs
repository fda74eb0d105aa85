//! The way out for every line: a bounded queue, and one thread that writes it to stdout in batches.
//!
//! Protects requests from a slow or blocked reader of stdout. Invariant: [`Sink::push`] never blocks, locks or formats; a line
//! that finds the queue full is dropped and counted, and the log itself says how many were.

use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

use crossbeam_queue::ArrayQueue;
use tracing::Level;

use crate::line::{Format, Line};

/// Lines that wait at most; with [`crate::line::MAX_LINE`] this bounds the memory of the queue to 64 MiB.
const CAPACITY: usize = 4096;
/// Bytes written at once.
const BATCH: usize = 64 << 10;
/// How long the writer gathers lines after it was woken, so that under load it is not woken for each.
const LINGER: Duration = Duration::from_millis(2);
/// How long [`Sink::close`] waits for a reader of stdout that does not read.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where lines go. Cheap to clone; all clones are one queue.
#[derive(Debug, Clone)]
pub struct Sink(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    writer: Thread,
}

#[derive(Debug)]
struct Shared {
    format: Format,
    queue: ArrayQueue<Vec<u8>>,
    asleep: AtomicBool,
    closing: AtomicBool,
    dropped: AtomicU64,
    finished: Mutex<bool>,
    told: Condvar,
}

impl Sink {
    /// A sink that writes to stdout.
    ///
    /// # Errors
    /// If the system refuses the writer its thread.
    pub fn stdout(format: Format) -> io::Result<Self> {
        Self::to(format, io::stdout())
    }

    /// A sink that writes to `out`.
    ///
    /// # Errors
    /// If the system refuses the writer its thread.
    pub fn to(format: Format, out: impl Write + Send + 'static) -> io::Result<Self> {
        Self::with_capacity(CAPACITY, format, out)
    }

    fn with_capacity(lines: usize, format: Format, out: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            format,
            queue: ArrayQueue::new(lines),
            asleep: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
            finished: Mutex::new(false),
            told: Condvar::new(),
        });
        let theirs = shared.clone();
        let writer = thread::Builder::new().name("log".into()).spawn(move || theirs.run(out))?;
        Ok(Sink(Arc::new(Inner { shared, writer: writer.thread().clone() })))
    }

    /// How lines of this sink are written.
    pub fn format(&self) -> Format {
        self.0.shared.format
    }

    /// Hands over one whole line, its newline included.
    pub fn push(&self, line: Vec<u8>) {
        let shared = &*self.0.shared;
        if shared.closing.load(Ordering::Relaxed) || shared.queue.push(line).is_err() {
            shared.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        // Pairs with the fence in `sleep`: either the writer sees this line or this sees the writer asleep.
        fence(Ordering::SeqCst);
        if shared.asleep.load(Ordering::Relaxed) && shared.asleep.swap(false, Ordering::Relaxed) {
            self.0.writer.unpark();
        }
    }

    /// Lines dropped since the start because the queue was full, the sink closed or the write failed.
    pub fn dropped(&self) -> u64 {
        self.0.shared.dropped.load(Ordering::Relaxed)
    }

    /// Takes no more lines and waits until those taken are written, 5 seconds at most. Whether they all are.
    pub fn close(&self) -> bool {
        self.0.end();
        let finished = self.0.shared.finished.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.shared.told.wait_timeout_while(finished, PATIENCE, |finished| !*finished);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Inner {
    fn end(&self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        self.writer.unpark();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    fn run(&self, mut out: impl Write) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut confessed = 0;
        loop {
            // Read before the queue is emptied: what was pushed before `close` is written.
            let closing = self.closing.load(Ordering::SeqCst);
            self.empty(&mut batch, &mut out, &mut confessed);
            if closing {
                break;
            }
            self.sleep();
        }
        *self.finished.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.told.notify_all();
    }

    fn empty(&self, batch: &mut Vec<u8>, out: &mut impl Write, confessed: &mut u64) {
        let mut lines = 0;
        while let Some(line) = self.queue.pop() {
            batch.extend_from_slice(&line);
            lines += 1;
            if batch.len() >= BATCH {
                self.write(batch, out, lines);
                lines = 0;
            }
        }
        let dropped = self.dropped.load(Ordering::Relaxed);
        if dropped > *confessed {
            let mut line = Line::new(self.format, Level::WARN, "log");
            line.message("lines were dropped because their reader is slow");
            line.count("dropped", dropped - *confessed);
            batch.extend_from_slice(&line.finish());
            *confessed = dropped;
        }
        if !batch.is_empty() {
            self.write(batch, out, lines);
        }
    }

    fn write(&self, batch: &mut Vec<u8>, out: &mut impl Write, lines: u64) {
        // There is nobody to tell that the log cannot be written, but the metric.
        if write_all(out, batch).is_err() {
            self.dropped.fetch_add(lines, Ordering::Relaxed);
        }
        batch.clear();
    }

    fn sleep(&self) {
        self.asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if self.queue.is_empty() && !self.closing.load(Ordering::SeqCst) {
            // May wake for no reason: then the round finds nothing and comes back.
            thread::park();
        }
        self.asleep.store(false, Ordering::Relaxed);
        if !self.closing.load(Ordering::SeqCst) {
            thread::park_timeout(LINGER);
        }
    }
}

/// Like `Write::write_all`, but waits where a stdout shared with others has been made non-blocking.
fn write_all(out: &mut impl Write, mut rest: &[u8]) -> io::Result<()> {
    while !rest.is_empty() {
        match out.write(rest) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::park_timeout(LINGER),
            Err(error) => return Err(error),
        }
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::testing::Shelf;

    #[test]
    fn every_line_taken_is_written_before_close_returns_and_each_thread_keeps_its_order() {
        let shelf = Shelf::default();
        let sink = Sink::with_capacity(100_000, Format::Human, shelf.clone()).unwrap();
        thread::scope(|scope| {
            for name in 0..4 {
                let sink = &sink;
                scope.spawn(move || (0..1000).for_each(|n| sink.push(format!("{name} {n}\n").into_bytes())));
            }
        });
        assert!(sink.close());
        let text = shelf.text();
        for name in 0..4 {
            let own: Vec<_> = text.lines().filter(|line| line.starts_with(&format!("{name} "))).collect();
            assert_eq!(own, (0..1000).map(|n| format!("{name} {n}")).collect::<Vec<_>>());
        }
        assert_eq!(sink.dropped(), 0);
    }

    #[test]
    fn a_sleeping_writer_is_woken_by_each_line() {
        let (written, lines) = mpsc::channel();
        let sink = Sink::to(Format::Human, Tell(written)).unwrap();
        for n in 0..20 {
            sink.push(format!("{n}\n").into_bytes());
            assert_eq!(lines.recv_timeout(PATIENCE).unwrap(), format!("{n}\n").into_bytes());
        }
    }

    #[test]
    fn a_reader_who_does_not_read_costs_lines_and_never_blocks() {
        let (entered, blocked) = mpsc::channel();
        let (release, gate) = mpsc::channel();
        let shelf = Shelf::default();
        let sink =
            Sink::with_capacity(8, Format::Json, Stuck { entered, gate, shelf: shelf.clone() }).unwrap();
        sink.push(b"first\n".to_vec());
        blocked.recv().unwrap();
        (0..100).for_each(|_| sink.push(b"more\n".to_vec()));
        assert_eq!(sink.dropped(), 92);
        drop(release);
        assert!(sink.close());
        assert_eq!(shelf.text().matches("more").count(), 8);
        assert!(shelf.text().contains("\"dropped\":92"), "{}", shelf.text());
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted() {
        struct Broken;
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let sink = Sink::to(Format::Human, Broken).unwrap();
        sink.push(b"lost\n".to_vec());
        assert!(sink.close());
        sink.push(b"late\n".to_vec());
        assert_eq!(sink.dropped(), 2);
    }

    struct Tell(mpsc::Sender<Vec<u8>>);

    impl Write for Tell {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // The receiver is gone once its test has seen enough.
            let _ = self.0.send(bytes.to_vec());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Blocks in its first write until the other end of `gate` is dropped.
    struct Stuck {
        entered: mpsc::Sender<()>,
        gate: mpsc::Receiver<()>,
        shelf: Shelf,
    }

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.entered.send(());
            let _ = self.gate.recv();
            self.shelf.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
