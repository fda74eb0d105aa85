//! The closed set of ways a key-value call can fail.

use crate::DatabaseError;

/// Why a call was refused or failed; then it changed nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A store name, key, value, batch, cursor, limit or lifetime is outside its limits; the text says which and how.
    #[error("{0}")]
    Invalid(String),
    /// `increment` met a value that is no decimal integer, or the sum does not fit 64 bits.
    #[error("the value is no decimal integer, or the sum does not fit 64 bits")]
    NotANumber,
    /// The store would grow beyond its quota.
    #[error(
        "store {store:?} is full: its quota is {quota} bytes; delete entries or give them a shorter life"
    )]
    QuotaExceeded {
        /// Name of the store.
        store: String,
        /// Its quota in bytes.
        quota: u64,
    },
    /// The database failed; trying again may help.
    #[error("the key-value store is unavailable: {0}")]
    Unavailable(#[from] DatabaseError),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Error::Unavailable(error.into())
    }
}
