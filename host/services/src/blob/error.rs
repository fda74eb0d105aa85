//! What can go wrong with an object, told to the guest that asked.

use std::io;

use super::{CONTAINER_BYTES, OBJECT_BYTES, OBJECTS};

/// Why an object could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A name is outside its limits; the text says which.
    #[error("{0}")]
    Invalid(String),
    /// There is no such object.
    #[error("container {0:?} has no object {1:?}")]
    Missing(String, String),
    /// The object is larger than one may be.
    #[error("an object has at most {OBJECT_BYTES} bytes")]
    TooLarge,
    /// The container would hold more than it may.
    #[error(
        "the container is full: it may hold {CONTAINER_BYTES} bytes (less in a smoke test or a shadow) in {OBJECTS} objects; delete some"
    )]
    Full,
    /// Too much is being written at once on this host.
    #[error("too much is being written at once; try again")]
    Busy,
    /// The disk failed; the text is for the operator.
    #[error("the container failed; try again")]
    Unavailable(String),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Error::Unavailable(error.to_string())
    }
}
