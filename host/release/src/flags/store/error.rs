//! Why a change to a flag was refused or failed; then it changed nothing.

use ostler_services::DatabaseError;

use crate::flags::Refused;

/// Why a change to a flag was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The definition is not right.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Nothing defines this flag.
    #[error("there is no flag {key:?}; list them, or set it")]
    NoSuchFlag {
        /// The key.
        key: String,
    },
    /// The API does not define this flag; a file does, or nothing.
    #[error("flag {key:?} is not defined over the API; change the file that defines it")]
    NotOfTheApi {
        /// The key.
        key: String,
    },
    /// The flag has no such version, or it is too old to be kept.
    #[error("flag {key:?} has no version {version}; choose one of its history")]
    NoSuchVersion {
        /// The key.
        key: String,
        /// What was asked for.
        version: u64,
    },
    /// Somebody else has changed the flag meanwhile.
    #[error(
        "flag {key:?} is at version {found}, not {expected}; read it again (`ostler flags get {key}`) and repeat the change"
    )]
    Conflict {
        /// The key.
        key: String,
        /// The version that the change was made for.
        expected: u64,
        /// The version that it has.
        found: u64,
    },
    /// A bound or a form of the change itself; the text says which.
    #[error("{0}")]
    Invalid(String),
    /// The hosts that share flags cannot be told.
    #[error(
        "Redis does not answer, so the hosts that share flags cannot be told; once it is back, read the flag again and repeat the change"
    )]
    SharedStoreGone,
    /// The database failed; trying again may help.
    #[error("flags are unavailable: {0}")]
    Unavailable(#[from] DatabaseError),
}

impl From<ostler_services::database::rusqlite::Error> for ChangeError {
    fn from(error: ostler_services::database::rusqlite::Error) -> Self {
        DatabaseError::from(error).into()
    }
}
