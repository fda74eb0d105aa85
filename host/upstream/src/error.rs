//! What can go wrong with a request to another server.
//!
//! Texts are for the plugin's author: they may reach the guest, and tell the repair.

use std::{fmt, io};

/// Why there is no answer from the other server, or no more of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Origin or address is not granted; the text names the missing grant.
    #[error("{0}")]
    Denied(String),
    /// The request cannot be sent as it is; the text says why.
    #[error("{0}")]
    Invalid(String),
    /// It was held back: this plugin runs where nothing it does may leave. The text names the call.
    #[error("{0}")]
    HeldBack(String),
    /// No answer in time.
    #[error("no answer in time: {0}")]
    Timeout(Phase),
    /// The host's name leads to no address.
    #[error("{0}")]
    Dns(String),
    /// No connection could be made.
    #[error("{0}")]
    Connect(String),
    /// The other server speaks no TLS, or none that this host takes.
    #[error("{0}")]
    Tls(String),
    /// The other server could not prove who it is.
    #[error("{0}")]
    Certificate(String),
    /// The other server went away before its response was complete.
    #[error("{0}")]
    Terminated(String),
    /// The other server broke the protocol.
    #[error("{0}")]
    Protocol(String),
    /// The head of the response is larger than allowed (`[upstream] response_head`, `response_fields`).
    #[error("the response's head is larger than allowed")]
    TooLarge,
}

/// What took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Waiting for a free connection, or making one: name lookup, TCP, TLS.
    Connect,
    /// From the request's start to the response's head.
    FirstByte,
    /// The next bytes of the response's body.
    BetweenBytes,
    /// The exchange as a whole: the deadline of the call.
    Total,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Connect => "connecting took too long",
            Phase::FirstByte => "the response did not begin",
            Phase::BetweenBytes => "the response stalled",
            Phase::Total => "the deadline of the call has passed",
        })
    }
}

impl Error {
    /// Of an error of the pool or of hyper: ours if one of ours caused it, else by what happened to the connection.
    pub(crate) fn of_exchange(error: &(dyn std::error::Error + 'static)) -> Error {
        let mut last = error;
        let mut gone = false;
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(own) = error.downcast_ref::<Error>() {
                return own.clone();
            }
            if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse_too_large) {
                return Error::TooLarge;
            }
            if error.is::<ostler_core::BodyError>() {
                return Error::Invalid(format!("the request's body broke off: {error}"));
            }
            gone |= error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message)
                || error.downcast_ref::<io::Error>().is_some_and(is_end);
            last = error;
            cause = error.source();
        }
        match gone {
            true => Error::Terminated(format!("the other server went away: {last}")),
            false => Error::Protocol(format!("the other server broke the protocol: {last}")),
        }
    }
}

fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind as E;
    matches!(error.kind(), E::UnexpectedEof | E::ConnectionReset | E::ConnectionAborted | E::BrokenPipe)
}
