//! The words every room of Ostler shares: exchange, body, error kinds, sizes, plugin definitions, settings.
//!
//! Invariant: nothing in this crate performs I/O, and no other Ostler crate is named here.

pub mod admission;
pub mod body;
pub mod digest;
pub mod error;
pub mod exchange;
pub mod gate;
pub mod plugin;
pub mod principal;
pub mod rollout;
pub mod settings;
pub mod unit;
pub mod when;

pub use body::{Body, BodyError};
pub use digest::Digest;
pub use error::{Error, Kind};
pub use exchange::{Endpoint, Exchange, Handle, Head, Parameters, Peer, RequestId, Scheme};
pub use principal::{Authorize, Decision, Principal};
pub use when::When;
