//! Watches the configuration file, plugins' files and certificates.
//!
//! Folders are watched, not files: editors and deploy scripts replace files by renaming. Nothing is read before a quiet
//! moment, so half-written files are rarely seen; those that are do not compile and change nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::event::ModifyKind;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use ostler_admin::Control;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::reload::Reload;

/// How long a file must rest before it is read.
const QUIET: Duration = Duration::from_millis(150);

/// Watches for ever.
pub(super) async fn watch(reload: Reload, control: Control) {
    let (sender, mut events) = mpsc::channel(1024);
    let mut watched = match Watched::new(sender) {
        Ok(watched) => watched,
        Err(error) => {
            tracing::error!(%error, "files are not watched; use `ostler reload` after changing them");
            return;
        }
    };
    loop {
        watched.follow(&reload, &control).await;
        let Some(first) = events.recv().await else { return };
        let mut changed = BTreeSet::from([first]);
        while let Ok(Some(path)) = timeout(QUIET, events.recv()).await {
            changed.insert(path);
        }
        react(&reload, &control, &changed).await;
    }
}

async fn react(reload: &Reload, control: &Control, changed: &BTreeSet<PathBuf>) {
    let touched = |file: &Path| changed.contains(&absolute(file));
    if touched(reload.file()) {
        reload.by_signal().await;
    }
    if reload.certificate_files().iter().any(|file| touched(file)) {
        reload.certificates().await;
    }
    for (plugin, _) in control.files().await.into_iter().filter(|(_, file)| touched(file)) {
        match control.file_changed(&plugin).await {
            Ok(Some(digest)) => tracing::info!(plugin, release = digest.short(), "swapped in"),
            Ok(None) => {}
            Err(error) => tracing::error!(plugin, %error, "the live release is kept"),
        }
    }
}

struct Watched {
    watcher: RecommendedWatcher,
    folders: BTreeSet<PathBuf>,
}

impl Watched {
    fn new(sender: mpsc::Sender<PathBuf>) -> notify::Result<Self> {
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            if matters(&event.kind) {
                for path in event.paths {
                    // A full queue means a reaction is due anyway, and it will see all files as they are then.
                    let _ = sender.try_send(path);
                }
            }
        })?;
        Ok(Watched { watcher, folders: BTreeSet::new() })
    }

    /// Watches the folders that matter now, and no others.
    async fn follow(&mut self, reload: &Reload, control: &Control) {
        let plugins = control.files().await.into_iter().map(|(_, file)| file);
        let files = plugins.chain(reload.certificate_files()).chain([reload.file().clone()]);
        let wanted: BTreeSet<_> =
            files.filter_map(|file| absolute(&file).parent().map(Path::to_owned)).collect();
        for gone in self.folders.difference(&wanted) {
            let _ = self.watcher.unwatch(gone);
        }
        for folder in wanted.difference(&self.folders) {
            if let Err(error) = self.watcher.watch(folder, RecursiveMode::NonRecursive) {
                tracing::warn!(folder = %folder.display(), %error, "this folder is not watched");
            }
        }
        self.folders = wanted;
    }
}

fn matters(kind: &EventKind) -> bool {
    match kind {
        EventKind::Create(_) | EventKind::Remove(_) => true,
        EventKind::Modify(kind) => !matches!(kind, ModifyKind::Metadata(_)),
        _ => false,
    }
}

/// Events carry the folder as it was watched, so both sides are made absolute the same way.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
