//! Feature flags on the request path: switches (`when`), and the server that other programs ask for flags (OFREP).
//!
//! **Invariant:** a flag never decides who somebody is or what they may; what a flag does not answer leaves protection on.

mod asker;
mod config;
pub mod ofrep;
mod switch;

use ostler_observe::{Exposure, Exposures};
use ostler_release::flags::{ErrorCode, Resolution};

pub use config::{Config, Targeting};
pub use switch::Switches;

pub(crate) use asker::Asker;
pub(crate) use switch::Switch;

/// Counts an answer, and tells it if its turn has come. A key that is no flag's may be anything, and is not told.
fn note<T>(
    exposures: &Exposures,
    asked_by: &'static str,
    key: &str,
    said: &Resolution<T>,
    subject: impl FnOnce() -> Option<String>,
) {
    let flag = if said.error == Some(ErrorCode::FlagNotFound) { "" } else { key };
    let variant = said.variant.as_deref().unwrap_or_default();
    exposures.note(&Exposure { flag, variant, reason: said.reason.as_str(), asked_by }, subject);
}
