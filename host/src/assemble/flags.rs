//! Flags on the disk: a file that changed is read at once, and what was read is counted.
//!
//! **Invariant:** a file that is replaced by renaming counts within 100 ms; one that is half written changes nothing, and is told
//! only if it stays so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use ostler_observe::metrics::{Metrics, Text};
use ostler_release::flags::provider::{self, ProviderError};
use ostler_release::flags::{Config, FileError, Flags, Source, Store};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::watch::{Folders, Look, PATROL, looks};

/// How long a file that is not right may still be in the middle of being written; also how coarse times of change may be.
const SETTLE: Duration = Duration::from_millis(150);

/// Watches the files for ever.
pub(super) async fn watch(store: Store) {
    let (sender, mut events) = mpsc::channel(1);
    let mut watched = Watched { store, seen: BTreeMap::new(), unsettled: BTreeMap::new() };
    let mut folders = Folders::new(sender);
    loop {
        let files: BTreeSet<PathBuf> = watched.store.files().await.into_iter().collect();
        folders.follow(&files);
        watched.look(&files, Instant::now()).await;
        watched.settle(Instant::now()).await;
        let due = watched.unsettled.values().map(|unsettled| unsettled.due).min();
        let wait = due.map_or(PATROL, |due| due.saturating_duration_since(Instant::now()));
        let _ = timeout(wait, events.recv()).await;
    }
}

struct Watched {
    store: Store,
    seen: BTreeMap<PathBuf, Look>,
    /// Files that changed a moment ago.
    unsettled: BTreeMap<PathBuf, Unsettled>,
}

/// A file that changed a moment ago.
struct Unsettled {
    /// When it has stayed as it is for long enough, whatever else happens in its folder.
    due: Instant,
    /// What was wrong with it.
    wrong: Option<FileError>,
}

impl Watched {
    /// Reads what looks otherwise than before.
    async fn look(&mut self, files: &BTreeSet<PathBuf>, at: Instant) {
        let now = looks(files).await;
        for (file, _) in now.iter().filter(|(file, look)| self.seen.get(*file) != Some(*look)) {
            let wrong = self.read(file.clone()).await;
            self.unsettled.insert(file.clone(), Unsettled { due: at + SETTLE, wrong });
        }
        self.unsettled.retain(|file, _| files.contains(file));
        self.seen = now;
    }

    /// Of files that have not changed for a while: what is wrong now stays wrong, and a change that left size and time as they
    /// were is found by reading once more.
    async fn settle(&mut self, at: Instant) {
        let settled: Vec<_> = self.unsettled.extract_if(.., |_, unsettled| unsettled.due <= at).collect();
        for (file, unsettled) in settled {
            let error = match unsettled.wrong {
                Some(error) => Some(error),
                None => self.read(file.clone()).await,
            };
            if let Some(error) = error {
                self.store.stats().refused();
                let file = file.display();
                tracing::error!(%file, %error, "these flags are refused, those in force are kept");
            }
        }
    }

    async fn read(&self, file: PathBuf) -> Option<FileError> {
        match self.store.reload_file(file.clone()).await {
            Ok(Some(flags)) => {
                tracing::info!(file = %file.display(), flags, "flags loaded");
                None
            }
            Ok(None) => None,
            Err(error) => Some(error),
        }
    }
}

/// Makes the flags what clients of the `open-feature` crate ask, and puts another provider in their place if one is configured.
pub(super) async fn provide(config: &Config, flags: &Flags) -> Result<(), ProviderError> {
    provider::register(flags).await;
    if let Some(config) = &config.provider {
        flags.use_other(provider::connect(config).await?);
        tracing::info!(kind = ?config.kind, "flags are asked of another provider");
    }
    Ok(())
}

/// What is defined and how it got there, as metrics.
pub(super) fn register(metrics: &Metrics, store: Store) {
    metrics.register(move |text| collect(text, &store));
}

fn collect(text: &mut Text, store: &Store) {
    let set = store.flags().all();
    let of_files = set.iter().filter(|flag| matches!(flag.source(), Source::File(_))).count();
    let help = "Flags in force, by where they are defined.";
    for (source, count) in [("file", of_files), ("api", set.len() - of_files)] {
        text.gauge("ostler_flags", help, &[("source", source)], count as f64);
    }
    let stats = store.stats();
    let help = "Changes of flags that took effect: files read, changes made over the API of this host, changes heard of from others.";
    for (source, count) in [("file", stats.files()), ("api", stats.changes()), ("shared", stats.heard())] {
        text.counter("ostler_flag_changes_total", help, &[("source", source)], count);
    }
    let help = "Files of flags that were refused; those in force were kept.";
    text.counter("ostler_flag_files_refused_total", help, &[], stats.files_refused());
    let help =
        "Definitions of flags over the API that this version does not take; the last good ones were kept.";
    text.counter("ostler_flag_definitions_passed_over_total", help, &[], stats.definitions_passed_over());
    if let Some(connected) = store.is_connected() {
        let help = "Whether changes of other hosts are heard of.";
        text.gauge("ostler_flags_shared_connected", help, &[], f64::from(u8::from(connected)));
    }
}

#[cfg(test)]
mod tests {
    use ostler_services::{Clock, Database};

    use super::*;

    #[tokio::test]
    async fn a_broken_file_is_told_of_however_busy_its_folder_is() {
        let folder = tempfile::tempdir().unwrap();
        let [broken, busy] = ["broken.json", "busy.json"].map(|name| folder.path().join(name));
        let write = |file: &PathBuf, text: &str| std::fs::write(file, text).unwrap();
        write(&broken, "{\"flags\": {}}");
        write(&busy, "{\"flags\": {}}");
        let files: BTreeSet<_> = [broken.clone(), busy.clone()].into();
        let config = Config { files: files.iter().cloned().collect(), ..Config::default() };
        let database = Database::open(&folder.path().join("state")).unwrap();
        let store = Store::open(database, Clock::default(), &config, None).unwrap();
        let mut watched = Watched { store: store.clone(), seen: BTreeMap::new(), unsettled: BTreeMap::new() };
        write(&broken, "{");
        let began = Instant::now();
        let step = SETTLE / 3;
        for round in 0..4u32 {
            write(&busy, &format!("{{\"flags\": {{}}}}{}", " ".repeat(round as usize)));
            watched.look(&files, began + step * round).await;
            watched.settle(began + step * round).await;
            assert_eq!(store.stats().files_refused(), u64::from(round == 3), "{round}");
        }
    }
}
