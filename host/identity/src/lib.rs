//! Who asks, and what they may.
//!
//! [`authenticate`] makes a [`Principal`](ostler_core::Principal) of a credential, [`authorize`] answers what it may.
//! **Invariant:** no credential reaches a log, an error, a metric or the plugin's `context`.

pub mod authenticate;
pub mod authorize;
pub mod keys;
mod host_key;

pub use authenticate::{Authenticate, Authenticators};
pub use authorize::{Authorization, Require};
pub use keys::Keys;
pub use host_key::{HostKey, HostKeyError};
