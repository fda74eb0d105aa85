//! Feature flags: definitions in flagd's format, and what they say of a context.
//!
//! What is in force is one immutable [`FlagSet`] behind a pointer: asking loads it, a change puts the next one there and counts
//! for whoever asks next. **Invariant:** a definition that was refused changes nothing, and asking never fails: what cannot be
//! answered is the default, with the reason beside it.

mod config;
mod context;
mod definition;
mod document;
mod fields;
#[cfg(test)]
mod hostile;
mod problem;
pub mod provider;
mod resolution;
mod set;
mod store;
mod targeting;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use context::{Attribute, Attributes, Context, Nobody};
pub use definition::{Definition, Flag, State};
pub use document::Document;
pub use problem::{Problem, Refused};
pub use resolution::{ErrorCode, Reason, Resolution};
pub use set::{FlagSet, Flags, Source};
pub use store::{
    Change, ChangeError, FileError, HISTORY, LoadError, Note, Stats, Store, WHO_MAX, WHY_MAX, check_file,
};

/// Most flags of a host.
pub const FLAGS_MAX: usize = 50_000;

/// Most bytes of JSON that define flags over the API, of all together.
pub const API_MAX: usize = 64 << 20;

/// Largest definition of one flag, in bytes of JSON.
pub const DEFINITION_MAX: usize = 64 << 10;

/// Largest copy of a file's flag that is made to switch it: with what its `$ref`s bring, and the metadata of its file.
pub(crate) const COPY_MAX: usize = 3 * DEFINITION_MAX;

/// Most bytes of metadata that a file has for all its flags.
pub const METADATA_MAX: usize = 4 << 10;

/// Most bytes of text in the rules of all flags of a file together, with what `$ref` brings, and of metadata.
pub const FILE_TEXT_MAX: usize = 64 << 20;

/// Largest file of definitions, in bytes.
pub const FILE_MAX: u64 = 32 << 20;

/// Most variants of a flag.
pub const VARIANTS_MAX: usize = 256;

/// How deep targeting may nest, with what it refers to put in its place.
pub const DEPTH_MAX: usize = 48;

/// Most values in the targeting of one flag, with what it refers to put in its place.
pub const NODES_MAX: usize = 4_096;

/// Most values in the targeting of all flags of a file together.
pub const FILE_NODES_MAX: usize = 1_000_000;

/// How many values one question may visit before its flag gives the default; loops over long lists are what may reach it.
pub const STEPS_MAX: u32 = 100_000;
