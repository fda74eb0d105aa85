//! Watches the configuration file, plugins' files and certificates.
//!
//! What counts is how a file looks ([`Look`]), not which events came: events of a folder only say when to look at once, since
//! they can be lost, do not exist on network file systems, and name the wrong file where links are swapped.
//! **Invariant:** nothing is read before it has rested, so half-written files are rarely seen; those that are do not compile
//! and change nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use ostler_admin::Control;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::reload::Reload;

/// How long a file must rest before it is read.
const QUIET: Duration = Duration::from_millis(150);

/// How often files are looked at without an event.
pub(super) const PATROL: Duration = Duration::from_secs(2);

/// A file as `stat` shows it: device, inode, size, time of change; `None` where there is none.
pub(super) type Look = Option<(u64, u64, u64, i64, i64)>;

/// Watches for ever.
pub(super) async fn watch(reload: Reload, control: Control) {
    let (sender, mut events) = mpsc::channel(1);
    let mut folders = Folders::new(sender);
    let mut seen = looks(&files(&reload, &control).await).await;
    // What was changed between the start and now was not seen.
    if reload.is_due().await {
        reload.and_tell().await;
    }
    plugins(&control, |_| true).await;
    loop {
        let files = files(&reload, &control).await;
        folders.follow(&files);
        let _ = timeout(PATROL, events.recv()).await;
        let before = looks(&files).await;
        sleep(QUIET).await;
        let now = looks(&files).await;
        let changed = |file: &Path| now.get(file) == before.get(file) && now.get(file) != seen.get(file);
        if changed(reload.file()) {
            reload.and_tell().await;
        }
        if reload.certificate_files().iter().any(|file| changed(file)) {
            reload.certificates().await;
        }
        plugins(&control, changed).await;
        // What has not rested yet is compared with its old look again; the event that woke us was not its last.
        let rested = |(file, look): (PathBuf, Look)| match before.get(&file) == Some(&look) {
            true => Some((file, look)),
            false => seen.remove_entry(&file),
        };
        seen = now.into_iter().filter_map(rested).collect();
    }
}

/// Loads plugins' files again.
async fn plugins(control: &Control, wanted: impl Fn(&Path) -> bool) {
    for (plugin, _) in control.files().await.into_iter().filter(|(_, file)| wanted(file)) {
        match control.file_changed(&plugin).await {
            Ok(Some(digest)) => tracing::info!(plugin, release = digest.short(), "swapped in"),
            Ok(None) => {}
            Err(error) => tracing::error!(plugin, %error, "the live release is kept"),
        }
    }
}

/// All that is watched now.
async fn files(reload: &Reload, control: &Control) -> BTreeSet<PathBuf> {
    let plugins = control.files().await.into_iter().map(|(_, file)| file);
    plugins.chain(reload.certificate_files()).chain([reload.file().clone()]).collect()
}

/// How `files` look now.
pub(super) async fn looks(files: &BTreeSet<PathBuf>) -> BTreeMap<PathBuf, Look> {
    let mut looks = BTreeMap::new();
    for file in files {
        let about = tokio::fs::metadata(file).await.ok();
        let look = about.map(|a| (a.dev(), a.ino(), a.size(), a.mtime(), a.mtime_nsec()));
        looks.insert(file.clone(), look);
    }
    looks
}

/// The folders whose events wake the watch. Folders are watched, not files: editors and deploy scripts replace files by
/// renaming.
pub(super) struct Folders {
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
}

impl Folders {
    pub(super) fn new(wake: mpsc::Sender<()>) -> Self {
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !event.kind.is_access()) {
                // A full queue means that a look is due anyway.
                let _ = wake.try_send(());
            }
        });
        let told = |error| tracing::warn!(%error, "no events of files; changes are seen within {PATROL:?}");
        Folders { watcher: watcher.map_err(told).ok(), watched: BTreeSet::new() }
    }

    /// Watches the folders of `files`, and no others.
    pub(super) fn follow(&mut self, files: &BTreeSet<PathBuf>) {
        let Some(watcher) = &mut self.watcher else { return };
        let wanted: BTreeSet<_> =
            files.iter().filter_map(|file| absolute(file).parent().map(Path::to_owned)).collect();
        for gone in self.watched.difference(&wanted) {
            let _ = watcher.unwatch(gone);
        }
        for folder in wanted.difference(&self.watched) {
            if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
                tracing::warn!(folder = %folder.display(), %error, "no events of this folder; changes are seen within {PATROL:?}");
            }
        }
        self.watched = wanted;
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
