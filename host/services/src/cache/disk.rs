//! The disk tier: two sled databases, the newer one written, the older one dropped when the newer is full.
//!
//! One thread does it all, behind a bounded queue. Where nobody else remembers purges, their marks lie beside the entries.
//!
//! **Invariant:** a tier that is damaged, full or forbidden is dropped and made
//! anew, and meanwhile finds nothing; no caller waits longer than [`PATIENCE`] or sees an error.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::marks::{Mark, Marks};
use super::stats::Stats;

/// Jobs that may wait; further writes are left out, further reads find nothing.
const QUEUE: usize = 1_024;

/// Longest a read may take.
const PATIENCE: Duration = Duration::from_millis(100);

/// Writes after which the size is looked at.
const LOOK_EVERY: u32 = 32;

/// Time after which a tier that could not be made is tried again.
const RETRY: Duration = Duration::from_secs(60);

/// Name of the tree with marks.
const MARKS: &str = "marks";

/// What sled may keep of each database in memory, in bytes.
const PAGES: u64 = 8 << 20;

/// A handle on the thread. Cheap to clone.
#[derive(Clone)]
pub(super) struct Disk {
    jobs: SyncSender<Job>,
    loaded: Arc<AtomicBool>,
}

enum Job {
    Get(Vec<u8>, oneshot::Sender<Option<Bytes>>),
    Put(Vec<u8>, Vec<u8>),
    Delete(Vec<u8>),
    Mark(u64, Mark),
    #[cfg(test)]
    Flush(oneshot::Sender<()>),
}

struct Tier {
    folder: PathBuf,
    /// Bytes of each of the two databases.
    half: u64,
    /// The one that is written at the front.
    open: VecDeque<(PathBuf, sled::Db)>,
    writes: u32,
    /// After a failure: when to try again.
    pause: Option<Instant>,
    stats: Arc<Stats>,
    /// Where marks that lie here go at the start.
    marks: Arc<Marks>,
    loaded: Arc<AtomicBool>,
}

impl Disk {
    /// A tier in `folder` of at most about `bytes`.
    pub(super) fn new(folder: PathBuf, bytes: u64, stats: Arc<Stats>, marks: Arc<Marks>) -> Option<Self> {
        let (sender, jobs) = sync_channel(QUEUE);
        let loaded = Arc::new(AtomicBool::new(false));
        let (half, open) = (bytes / 2, VecDeque::new());
        let tier = Tier { folder, half, open, writes: 0, pause: None, stats, marks, loaded: loaded.clone() };
        let thread = std::thread::Builder::new().name("ostler-cache".into());
        match thread.spawn(move || tier.run(&jobs)) {
            Ok(_) => Some(Disk { jobs: sender, loaded }),
            Err(error) => {
                tracing::warn!(%error, "no thread for the cache's disk tier, which stays off");
                None
            }
        }
    }

    pub(super) async fn get(&self, key: &[u8]) -> Option<Bytes> {
        let (answer, answered) = oneshot::channel();
        self.jobs.try_send(Job::Get(key.to_vec(), answer)).ok()?;
        tokio::time::timeout(PATIENCE, answered).await.ok()?.ok()?
    }

    pub(super) fn put(&self, key: &[u8], value: Vec<u8>) {
        let _ = self.jobs.try_send(Job::Put(key.to_vec(), value));
    }

    pub(super) fn delete(&self, key: &[u8]) {
        let _ = self.jobs.try_send(Job::Delete(key.to_vec()));
    }

    /// Whether the marks that lie here are known.
    pub(super) fn loaded(&self) -> bool {
        self.loaded.load(Relaxed)
    }

    /// Keeps the mark of a purge beyond the end of this host.
    pub(super) fn mark(&self, at: u64, mark: Mark) {
        let _ = self.jobs.try_send(Job::Mark(at, mark));
    }

    /// Completes when everything before it is on the disk.
    #[cfg(test)]
    pub(super) async fn flush(&self) {
        let (answer, answered) = oneshot::channel();
        if self.jobs.try_send(Job::Flush(answer)).is_ok() {
            let _ = answered.await;
        }
    }
}

impl Tier {
    fn run(mut self, jobs: &Receiver<Job>) {
        match catch_unwind(AssertUnwindSafe(|| self.ready())) {
            Ok(Ok(_)) => {}
            _ => self.drop_all(),
        }
        self.loaded.store(true, Relaxed);
        while let Ok(job) = jobs.recv() {
            // sled panics on some kinds of damage.
            let failed = match catch_unwind(AssertUnwindSafe(|| self.work(job))) {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "it panicked".to_owned(),
            };
            tracing::warn!(error = failed, "the cache's disk tier is dropped and made anew");
            self.drop_all();
        }
        for (_, db) in &self.open {
            let _ = catch_unwind(AssertUnwindSafe(|| db.flush()));
        }
    }

    fn work(&mut self, job: Job) -> sled::Result<()> {
        if self.open.is_empty() && !self.ready()? {
            return Ok(());
        }
        match job {
            Job::Get(key, answer) => {
                let mut found = None;
                for (_, db) in &self.open {
                    found = db.get(&key)?;
                    if found.is_some() {
                        break;
                    }
                }
                let _ = answer.send(found.map(|value| Bytes::copy_from_slice(&value)));
            }
            Job::Put(key, value) => {
                if let Some((_, db)) = self.open.front() {
                    db.insert(key, value)?;
                }
                self.writes += 1;
                if self.writes.is_multiple_of(LOOK_EVERY) {
                    self.rotate()?;
                }
            }
            Job::Delete(key) => {
                for (_, db) in &self.open {
                    db.remove(&key)?;
                }
            }
            Job::Mark(at, mark) => {
                if let Some((_, db)) = self.open.front() {
                    db.open_tree(MARKS)?.insert(at.to_be_bytes(), written(&mark).into_bytes())?;
                }
            }
            #[cfg(test)]
            Job::Flush(answer) => {
                for (_, db) in &self.open {
                    db.flush()?;
                }
                let _ = answer.send(());
            }
        }
        Ok(())
    }

    /// Opens what is there, or makes it; false while the last failure is too fresh.
    fn ready(&mut self) -> sled::Result<bool> {
        if self.pause.is_some_and(|until| Instant::now() < until) {
            return Ok(false);
        }
        crate::folder::private(&self.folder, None)?;
        let mut found: Vec<u64> = std::fs::read_dir(&self.folder)?
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        for old in found.split_off(found.len().min(2)) {
            let _ = std::fs::remove_dir_all(self.folder.join(old.to_string()));
        }
        if found.is_empty() {
            found.push(1);
        }
        for number in found {
            let path = self.folder.join(number.to_string());
            let db = open(&path)?;
            for mark in &db.open_tree(MARKS)? {
                let (at, mark) = mark?;
                let at = at.as_ref().try_into().map_or(0, u64::from_be_bytes);
                self.marks.apply(read(&mark), at);
            }
            self.open.push_back((path, db));
        }
        self.pause = None;
        Ok(true)
    }

    /// Begins a new database if the one being written has its share, and drops the older one.
    fn rotate(&mut self) -> sled::Result<()> {
        let Some((path, db)) = self.open.front() else { return Ok(()) };
        if db.size_on_disk()? < self.half {
            return Ok(());
        }
        let number = path.file_name().and_then(|name| name.to_str()?.parse::<u64>().ok()).unwrap_or(0) + 1;
        while self.open.len() > 1 {
            if let Some((path, db)) = self.open.pop_back() {
                drop(db);
                let _ = std::fs::remove_dir_all(path);
            }
        }
        let path = self.folder.join(number.to_string());
        let db = open(&path)?;
        self.open.push_front((path, db));
        Ok(())
    }

    fn drop_all(&mut self) {
        let open = std::mem::take(&mut self.open);
        let _ = catch_unwind(AssertUnwindSafe(|| drop(open)));
        self.stats.disk_errors.add();
        let removed = match std::fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        let made = catch_unwind(AssertUnwindSafe(|| {
            removed.map_err(|error| error.to_string())?;
            self.pause = None;
            self.ready().map_err(|error| error.to_string())
        }));
        if let Ok(Ok(true)) = made {
            return;
        }
        self.open.clear();
        self.pause = Some(Instant::now() + RETRY);
        tracing::warn!(folder = %self.folder.display(), "the cache's disk tier cannot be made, and is tried again in a minute");
    }
}

fn written(mark: &Mark) -> String {
    match mark {
        Mark::Exact(text) => format!("e{text}"),
        Mark::Prefix(text) => format!("p{text}"),
        Mark::All => "a".into(),
    }
}

/// What cannot be read may mean anything.
fn read(bytes: &[u8]) -> Mark {
    match std::str::from_utf8(bytes).ok().and_then(|text| text.split_at_checked(1)) {
        Some(("e", text)) => Mark::Exact(text.into()),
        Some(("p", text)) => Mark::Prefix(text.into()),
        _ => Mark::All,
    }
}

fn open(path: &Path) -> sled::Result<sled::Db> {
    sled::Config::new().path(path).cache_capacity(PAGES).flush_every_ms(Some(1_000)).open()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(folder: &Path, bytes: u64) -> (Disk, Arc<Stats>) {
        let stats = Arc::new(Stats::default());
        (Disk::new(folder.join("cache"), bytes, stats.clone(), Arc::default()).unwrap(), stats)
    }

    /// Ends the thread, so that its files may be opened again.
    async fn close(disk: Disk) {
        disk.flush().await;
        drop(disk);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }

    fn files(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { files(&path, found) } else { found.push(path) }
        }
    }

    fn size(folder: &Path) -> u64 {
        let mut found = Vec::new();
        files(folder, &mut found);
        found.iter().map(|path| path.metadata().map_or(0, |file| file.len())).sum()
    }

    #[tokio::test]
    async fn what_was_put_is_found_after_a_restart() {
        let home = tempfile::tempdir().unwrap();
        let (first, _) = disk(home.path(), 64 << 20);
        first.put(b"a", b"1".to_vec());
        assert_eq!(first.get(b"a").await.unwrap(), "1");
        close(first).await;
        let (second, stats) = disk(home.path(), 64 << 20);
        assert_eq!(second.get(b"a").await.unwrap(), "1");
        second.delete(b"a");
        assert_eq!(second.get(b"a").await, None);
        assert_eq!(stats.disk_errors.get(), 0);
    }

    #[tokio::test]
    async fn a_damaged_tier_is_made_anew_and_works() {
        let home = tempfile::tempdir().unwrap();
        let (first, _) = disk(home.path(), 64 << 20);
        for number in 0..200u32 {
            first.put(&number.to_be_bytes(), vec![7; 4_000]);
        }
        close(first).await;
        let mut found = Vec::new();
        files(&home.path().join("cache"), &mut found);
        assert!(found.len() > 1, "{found:?}");
        for path in found {
            let noise: Vec<u8> = std::fs::read(&path).unwrap().iter().map(|byte| byte ^ 0xa5).collect();
            std::fs::write(path, noise).unwrap();
        }
        let (second, _) = disk(home.path(), 64 << 20);
        let _ = second.get(&7u32.to_be_bytes()).await;
        second.put(b"a", b"1".to_vec());
        second.flush().await;
        assert_eq!(second.get(b"a").await.unwrap(), "1");
    }

    #[tokio::test]
    async fn a_full_tier_drops_its_older_half() {
        let home = tempfile::tempdir().unwrap();
        let (disk, stats) = disk(home.path(), 16 << 20);
        for number in 0..1_500u32 {
            disk.put(
                &number.to_be_bytes(),
                std::iter::repeat_with(|| fastrand::u8(..)).take(32_000).collect(),
            );
            if number % 100 == 0 {
                disk.flush().await;
            }
        }
        disk.flush().await;
        let last = disk.get(&1_499u32.to_be_bytes()).await;
        assert_eq!(last.map(|value| value.len()), Some(32_000));
        assert_eq!(disk.get(&0u32.to_be_bytes()).await, None);
        let size = size(&home.path().join("cache"));
        assert!(size < 40 << 20, "{size} bytes for 48 MB put");
        assert_eq!(stats.disk_errors.get(), 0);
    }

    #[tokio::test]
    async fn a_forbidden_tier_finds_nothing_and_fails_nobody() {
        let home = tempfile::tempdir().unwrap();
        // A file where the folder should be stands for every reason why it cannot be made, also for root.
        std::fs::write(home.path().join("cache"), "in the way").unwrap();
        let stats = Arc::new(Stats::default());
        let disk =
            Disk::new(home.path().join("cache/below"), 64 << 20, stats.clone(), Arc::default()).unwrap();
        disk.put(b"a", b"1".to_vec());
        assert_eq!(disk.get(b"a").await, None);
        assert!(stats.disk_errors.get() >= 1);
    }
}
