//! Versions of plugins: what was defined over the API, which releases exist, which is live, and their bytes on disk.
//!
//! **Invariant:** a release that was acknowledged has its component on disk, synced before the row that names it.

pub mod admission;
pub mod analysis;
mod artifacts;
mod code;
mod error;
pub mod experiments;
mod files;
pub mod flags;
mod registry;
pub mod rollout;

pub use code::{CODE_BYTES, Code};
pub use error::Error;
pub use registry::{
    DEFINITION_MAX, DEFINITIONS_MAX, Definition, EVENTS, HISTORY, KEEP, NewRelease, REFUSALS, ROLLOUTS,
    Recorded, Refused, Registry, Release,
};
