//! Changes of a source folder, told once they have settled.
//!
//! What builds, hosts and package managers write themselves (`target`, `.git`, `.ostler`, `node_modules`, components) is not
//! watched: it would never settle.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use notify::event::ModifyKind;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::cli::Failure;

/// How long nothing must change before a build begins: editors write a file in several steps.
const QUIET: Duration = Duration::from_millis(100);

/// A folder of sources.
pub(super) struct Sources {
    dir: PathBuf,
    watcher: RecommendedWatcher,
    events: Receiver<Event>,
    watched: BTreeSet<PathBuf>,
}

impl Sources {
    /// Begins to watch.
    pub(super) fn watch(dir: &Path) -> Result<Self, Failure> {
        let failed = |error: notify::Error| {
            let repair = "is it a folder? On Linux, fs.inotify.max_user_watches may be used up";
            Failure::new(format!("{} cannot be watched: {error}", dir.display()), repair)
        };
        let (sender, events) = channel();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if let Ok(event) = event {
                // Nobody listens any more once the process ends.
                let _ = sender.send(event);
            }
        });
        let mut watcher = watcher.map_err(failed)?;
        watcher.watch(dir, RecursiveMode::NonRecursive).map_err(failed)?;
        let mut sources = Sources { dir: dir.to_owned(), watcher, events, watched: BTreeSet::new() };
        sources.follow();
        Ok(sources)
    }

    /// Waits until sources have changed and then rested. An error means that watching has ended.
    pub(super) fn changed(&mut self) -> Result<(), Failure> {
        let ended = || Failure::new("the sources are watched no more", "start again");
        while !matters(&self.events.recv().map_err(|_| ended())?) {}
        loop {
            match self.events.recv_timeout(QUIET) {
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return Err(ended()),
            }
        }
        self.follow();
        Ok(())
    }

    /// Watches every folder below that holds sources, new ones included.
    fn follow(&mut self) {
        let folders = fs::read_dir(&self.dir).into_iter().flatten().flatten().map(|entry| entry.path());
        let sources =
            folders.filter(|path| path.is_dir() && path.file_name().is_some_and(|name| !made(name)));
        let now: BTreeSet<PathBuf> = sources.collect();
        for folder in now.difference(&self.watched) {
            // A folder that is gone again is no loss.
            let _ = self.watcher.watch(folder, RecursiveMode::Recursive);
        }
        self.watched = now;
    }
}

/// Whether a build may come out differently after `event`.
fn matters(event: &Event) -> bool {
    let kind = match event.kind {
        EventKind::Create(_) | EventKind::Remove(_) => true,
        EventKind::Modify(kind) => !matches!(kind, ModifyKind::Metadata(_)),
        _ => false,
    };
    kind && event.paths.iter().any(|path| is_source(path))
}

fn is_source(path: &Path) -> bool {
    let own = path.file_name().is_some_and(|name| name == "ostler.toml" || made(name));
    let made = ["wasm", "pyc"].map(OsStr::new);
    !own && !path.extension().is_some_and(|extension| made.contains(&extension))
}

/// Whether builds, hosts or editors make what has this name.
fn made(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    ["target", "node_modules", "__pycache__"].contains(&&*name)
        || name.starts_with('.')
        || name.ends_with('~')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(path: &str) -> Event {
        Event::new(EventKind::Create(notify::event::CreateKind::File)).add_path(path.into())
    }

    #[test]
    fn sources_matter_and_what_is_made_of_them_does_not() {
        for path in ["src/lib.rs", "Cargo.toml", "Cargo.lock", "wit/world.wit"] {
            assert!(matters(&event(path)), "{path}");
        }
        for path in [
            "target",
            "node_modules",
            ".git",
            "ostler.toml",
            "hello.wasm",
            "src/.lib.rs.swp",
            "src/lib.rs~",
            "a/__pycache__",
            "a/b.pyc",
        ] {
            assert!(!matters(&event(path)), "{path}");
        }
    }

    #[test]
    fn a_change_in_a_folder_is_told_even_if_the_folder_is_new() {
        let dir = tempfile::tempdir().unwrap();
        let mut sources = Sources::watch(dir.path()).unwrap();
        fs::create_dir(dir.path().join("src")).unwrap();
        sources.changed().unwrap();
        fs::write(dir.path().join("src/lib.rs"), "fn a() {}").unwrap();
        sources.changed().unwrap();
    }

    #[test]
    fn what_is_no_folder_cannot_be_watched() {
        assert!(Sources::watch(Path::new("/nowhere/at/all")).is_err());
    }
}
