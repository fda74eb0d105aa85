//! The operator's side: what plugins there are, which release of each is live, and the API that changes it.
//!
//! Never on the request path: a change builds the next snapshot and swaps it in.

mod api;
mod control;
mod token;

pub use api::{Api, Reload};
pub use control::{Control, Deployed, Refusal, Setup};
pub use token::{Token, TokenError};
