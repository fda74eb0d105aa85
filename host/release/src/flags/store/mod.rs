//! Where flags come from, and the changes to them.
//!
//! Two layers make the set in force: files, the later over the earlier, and what the API defines, over all files. A change over
//! the API is in the database before it is acknowledged and before it counts. **Invariant:** changes are made one after the other
//! (`layers` is held meanwhile), so the set in force is always that of the last one acknowledged.

mod change;
mod error;
mod files;
mod rows;
mod shared;
mod stats;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ostler_core::Digest;
use ostler_services::{Clock, Database, DatabaseError, Redis};
use tokio::sync::Mutex;

use super::definition::Flag;
use super::document::Document;
use super::problem::Refused;
use super::set::{FlagSet, Flags, Source};
use super::{API_MAX, FLAGS_MAX};

pub use change::{Note, WHO_MAX, WHY_MAX};
pub use error::ChangeError;
pub use rows::{Change, HISTORY};
pub use stats::Stats;

use super::config::Config;
use shared::Shared;

/// All flags and where they come from. Cheap to clone; clones share it.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    flags: Flags,
    database: Database,
    clock: Clock,
    layers: Mutex<Layers>,
    /// Held while files are read, so that what was read last is what counts; taken before `layers`, which nobody waits for while
    /// thousands of rules are compiled.
    reading: Mutex<()>,
    shared: Option<Arc<Shared>>,
    stats: Stats,
}

/// What the set in force is made of.
#[derive(Default)]
struct Layers {
    /// In the order of the configuration; a file that could not be read at the last attempt has its last content.
    files: Vec<(PathBuf, Read)>,
    api: BTreeMap<String, Arc<Flag>>,
}

/// A file as it was read last.
struct Read {
    document: Document,
    digest: Digest,
}

/// Why flags cannot be loaded at the start.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file is not there or not right.
    #[error("cannot load flags from {}: {why}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: FileError,
    },
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// What is wrong with a file of flags.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It is not right.
    #[error("{0}")]
    Refused(#[from] Refused),
}

impl Store {
    /// Loads what the database and the files define, and follows the changes of other hosts if they are shared in `redis`.
    /// Blocks on the disk: for start-up, inside a runtime.
    ///
    /// A definition of the API that this version does not take is told in the log and passed over; the last one that it takes
    /// counts.
    ///
    /// # Errors
    /// A file that is missing or not right; a database that fails.
    pub fn open(
        database: Database,
        clock: Clock,
        config: &Config,
        redis: Option<Redis>,
    ) -> Result<Self, LoadError> {
        let read = |file: &PathBuf| match read_file(file, None) {
            Ok(read) => Ok(read.map(|read| (file.clone(), read))),
            Err(why) => Err(LoadError::File { file: file.clone(), why }),
        };
        let files =
            config.files.iter().filter_map(|file| read(file).transpose()).collect::<Result<_, _>>()?;
        let kept = database.read(|connection| Ok::<_, DatabaseError>(rows::all(connection)?))?;
        let (mut layers, stats) = (Layers { files, api: BTreeMap::new() }, Stats::default());
        for change in &kept {
            if !layers.take(change, &stats) {
                let history = database
                    .read(|connection| rows::history(connection, &change.key).map_err(DatabaseError::from))?;
                layers.take_last_good(&history);
            }
        }
        let flags = Flags::default();
        flags.put(layers.set());
        let shared =
            redis.filter(|_| config.shared).map(|redis| Arc::new(Shared::new(redis, &config.namespace)));
        let (layers, reading, followed) = (Mutex::new(layers), Mutex::default(), shared.clone());
        let store = Store(Arc::new(Inner { flags, database, clock, layers, reading, shared, stats }));
        if let (Some(shared), Ok(runtime)) = (followed, tokio::runtime::Handle::try_current()) {
            runtime.spawn(shared.follow(Arc::downgrade(&store.0)));
        }
        Ok(store)
    }

    /// Whether changes of other hosts are heard of; none where they are not shared.
    pub fn is_connected(&self) -> Option<bool> {
        self.0.shared.as_ref().map(|shared| shared.is_connected())
    }

    /// How often flags changed.
    pub fn stats(&self) -> &Stats {
        &self.0.stats
    }

    /// The flags in force.
    pub fn flags(&self) -> &Flags {
        &self.0.flags
    }

    /// Changes of `key` over the API, the latest first, at most [`HISTORY`] of them.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn history(&self, key: &str) -> Result<Vec<Change>, ChangeError> {
        self.0.database.read(|connection| Ok(rows::history(connection, key)?))
    }

    /// The version that `key` is at over the API: the number of its last change, 0 before the first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn version(&self, key: &str) -> Result<u64, ChangeError> {
        self.0.database.read(|connection| Ok(rows::version(connection, key)?))
    }

    /// When and by whom each flag of the API was changed last, by key.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn last_changes(&self) -> Result<BTreeMap<String, Change>, ChangeError> {
        let all = self.0.database.read(|connection| Ok::<_, ChangeError>(rows::latest(connection)?))?;
        Ok(all.into_iter().map(|change| (change.key.clone(), change)).collect())
    }
}

impl Layers {
    /// The set that the layers make.
    fn set(&self) -> FlagSet {
        let files = self.files.iter().flat_map(|(_, read)| read.document.flags.iter());
        let flags = files.chain(self.api.values()).cloned();
        FlagSet::new(flags)
    }

    /// Puts a change of the API in; false for a definition that this version does not take, which leaves the last good one.
    fn take(&mut self, change: &Change, stats: &Stats) -> bool {
        let (key, version) = (&change.key, change.version);
        match api_flag(change) {
            None => _ = self.api.remove(key),
            Some(Ok(flag)) => _ = self.api.insert(key.clone(), flag),
            Some(Err(refused)) => {
                tracing::error!(flag = key, version, %refused, "a definition of the API is passed over, the last good one counts");
                stats.passed_over();
                return false;
            }
        }
        true
    }

    /// Puts the latest change in that this version takes. One that took the flag away ends the search.
    fn take_last_good(&mut self, history: &[Change]) {
        let read = history.iter().map_while(api_flag).find_map(Result::ok);
        self.api.extend(read.map(|flag| (flag.key().to_string(), flag)));
    }

    /// Whether there is room for `definition` over the API.
    fn check_room(&self, key: &str, definition: &str) -> Result<(), ChangeError> {
        let mut others = self.api.iter().filter(|(known, _)| *known != key);
        let (mut many, mut bytes) = (0, definition.len());
        others.try_for_each(|(_, flag)| {
            (many, bytes) = (many + 1, bytes + flag.definition().len());
            (bytes <= API_MAX && many < FLAGS_MAX).then_some(())
        });
        if bytes > API_MAX || many >= FLAGS_MAX {
            let most = format!("{FLAGS_MAX} flags and {API_MAX} bytes are the most; remove old ones");
            return Err(ChangeError::Invalid(most));
        }
        Ok(())
    }
}

/// The flag that a change of the API defines, or why this version does not take it; none for one that took it away.
fn api_flag(change: &Change) -> Option<Result<Arc<Flag>, Refused>> {
    let text = change.definition.as_ref()?;
    let source = Source::Api { version: change.version };
    Some(Flag::read(&change.key, text.as_bytes(), source).map(Arc::new))
}

/// Looks at a file of flags as the start would.
///
/// # Errors
/// What is wrong with it.
pub fn check_file(file: &Path) -> Result<(), FileError> {
    read_file(file, None).map(|_| ())
}

/// Reads a file; `None` if its bytes are those of `known`.
fn read_file(file: &Path, known: Option<Digest>) -> Result<Option<Read>, FileError> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(file)?.take(super::FILE_MAX + 1).read_to_end(&mut bytes)?;
    let digest = Digest::of(&bytes);
    if known == Some(digest) {
        return Ok(None);
    }
    Ok(Some(Read { document: Document::read(file, &bytes)?, digest }))
}
