//! The words every room of Ostler shares: exchange, body, error kinds, sizes, plugin definitions, settings.
//!
//! Invariant: nothing in this crate performs I/O, and no other Ostler crate is named here.

pub mod body;
pub mod digest;
pub mod error;
pub mod exchange;
pub mod plugin;
pub mod settings;
pub mod unit;

pub use body::{Body, BodyError};
pub use digest::Digest;
pub use error::{Error, Kind};
pub use exchange::{Exchange, Handle, Peer, RequestId, Scheme};
