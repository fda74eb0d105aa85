//! Other servers, as plugins reach them: pooled connections to granted origins, and to no others (see host/README.md).
//!
//! The way of a request: [`Allow`] matches the origin, `head` makes the request fit to send, the pool of this one
//! plugin lends a connection or `connect` makes one, and `body` ends the answer at its deadline.
//! **Invariant:** a connection is only ever made to an address that was itself checked against the grant, and never lent to a
//! plugin other than the one it was checked for.

mod address;
mod allow;
mod body;
mod client;
mod config;
mod connect;
mod error;
mod head;
mod held;
mod origin;
mod resolve;
mod tls;

pub use address::Class;
pub use allow::Allow;
pub use client::{Client, Upstream};
pub use config::{Config, Timeouts};
pub use error::{Error, Phase};
pub use held::{CALLS, Call, Calls, Recorder, Stub};
pub use resolve::{Addresses, Lookup};
pub use tls::BadCa;
