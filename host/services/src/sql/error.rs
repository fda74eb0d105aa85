//! What can go wrong with a statement, told to the guest that sent it.

use rusqlite::ErrorCode;

use super::{ANSWER_BYTES, COPIED_BYTES, DATABASE_BYTES, ROWS};

/// Why a database could not be opened or a statement was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The statement cannot be carried out as it is; the text is SQLite's, or names the limit.
    #[error("{0}")]
    Invalid(String),
    /// It does what no statement of a plugin may do.
    #[error(
        "not allowed here: ATTACH, VACUUM, virtual tables, extensions and most pragmas are refused ({0})"
    )]
    Refused(String),
    /// The answer is larger than the host hands over.
    #[error("the answer has more than {ROWS} rows or {ANSWER_BYTES} bytes; ask for less with LIMIT")]
    TooLarge,
    /// The database would grow beyond what it may hold.
    #[error("the database is full: it may hold {DATABASE_BYTES} bytes; delete rows")]
    Full,
    /// Ended by the request's deadline.
    #[error("the statement did not end within the request's deadline")]
    Deadline,
    /// Another connection writes, or too many are open.
    #[error("the database is busy; try again")]
    Busy,
    /// The database failed; the text is for the operator.
    #[error("the database failed; try again")]
    Unavailable(String),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error::{MultipleStatement, SqliteFailure};
        let text = error.to_string();
        match (&error, error.sqlite_error_code()) {
            (MultipleStatement, _) => Error::Invalid("send one statement at a time".into()),
            (_, Some(ErrorCode::AuthorizationForStatementDenied)) => Error::Refused(text),
            (_, Some(ErrorCode::OperationInterrupted)) => Error::Deadline,
            (_, Some(ErrorCode::DiskFull)) => Error::Full,
            (_, Some(ErrorCode::ReadOnly)) => Error::Invalid(format!(
                "this is a copy of a request: it may not write to a database of more than {COPIED_BYTES} bytes"
            )),
            (_, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)) => Error::Busy,
            (
                SqliteFailure(..),
                Some(
                    ErrorCode::CannotOpen
                    | ErrorCode::DatabaseCorrupt
                    | ErrorCode::NotADatabase
                    | ErrorCode::SystemIoFailure
                    | ErrorCode::PermissionDenied
                    | ErrorCode::InternalMalfunction,
                ),
            ) => Error::Unavailable(text),
            _ => Error::Invalid(text),
        }
    }
}
