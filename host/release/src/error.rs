//! The closed set of ways in which an operation on releases can fail.

use std::io;
use std::path::{Path, PathBuf};

use ostler_core::Digest;
use ostler_services::DatabaseError;

/// Why an operation was refused or failed; then it changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No plugin of this name was defined over the API.
    #[error("no plugin {plugin:?} is defined over the API")]
    NoSuchPlugin {
        /// The name that was asked for.
        plugin: String,
    },
    /// The plugin has no such release.
    #[error("plugin {plugin:?} has no release {digest}; upload it, or choose one of its list")]
    NoSuchRelease {
        /// Name of the plugin.
        plugin: String,
        /// The digest that was asked for.
        digest: Digest,
    },
    /// The live release cannot be deleted.
    #[error("release {digest} of plugin {plugin:?} is live; activate another one first")]
    IsLive {
        /// Name of the plugin.
        plugin: String,
        /// Its live release.
        digest: Digest,
    },
    /// A rollout of the release is under way.
    #[error("release {digest} of plugin {plugin:?} is being rolled out; abort that first")]
    OnTrial {
        /// Name of the plugin.
        plugin: String,
        /// The release.
        digest: Digest,
    },
    /// The plugin has no rollout under way.
    #[error("plugin {plugin:?} has no rollout under way")]
    NoRollout {
        /// Name of the plugin.
        plugin: String,
    },
    /// The plugin has a rollout under way, and one at a time.
    #[error(
        "plugin {plugin:?} has a rollout under way; promote or abort it first (`ostler rollout abort {plugin}`)"
    )]
    RolloutUnderWay {
        /// Name of the plugin.
        plugin: String,
    },
    /// The rollout is not in a state for it.
    #[error(transparent)]
    NotNow(#[from] crate::rollout::NotNow),
    /// No other release was live before.
    #[error("plugin {plugin:?} has no earlier release to roll back to; name one, or upload one")]
    NothingToRollBackTo {
        /// Name of the plugin.
        plugin: String,
    },
    /// A name or definition is outside its limits; the text says which.
    #[error("{0}")]
    Invalid(String),
    /// A component's file is gone or its bytes have changed.
    #[error("{} is missing or damaged; upload the component again", path.display())]
    ArtifactLost {
        /// Where it should be.
        path: PathBuf,
    },
    /// The database or the disk failed; trying again may help.
    #[error("releases are unavailable: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A failure of I/O, with the file it is about.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
struct FileError {
    path: PathBuf,
    source: io::Error,
}

impl Error {
    /// The failure of I/O at `path`.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Error::Unavailable(Box::new(FileError { path: path.to_owned(), source }))
    }
}

impl From<DatabaseError> for Error {
    fn from(error: DatabaseError) -> Self {
        Error::Unavailable(Box::new(error))
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        DatabaseError::from(error).into()
    }
}

/// A task of ours panicked or the runtime is shutting down.
impl From<tokio::task::JoinError> for Error {
    fn from(error: tokio::task::JoinError) -> Self {
        Error::Unavailable(Box::new(error))
    }
}
