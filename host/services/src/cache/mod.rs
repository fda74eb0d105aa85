//! `[cache]`: values that need not be made twice, in memory, on disk and in a store that hosts share.

use std::path::Path;

use ostler_core::settings::Section;

use crate::Redis;

/// Settings of `[cache]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {}

impl Config {
    /// Reads `[cache]`.
    pub fn read(section: Section<'_>) -> Self {
        section.finish();
        Config {}
    }
}

/// The tiers. Cheap to clone.
#[derive(Clone, Default)]
pub struct Cache {}

impl Cache {
    /// Opens the tiers; one that cannot be opened is left out and told.
    pub fn new(_config: &Config, _state_dir: &Path, _redis: Option<Redis>) -> Self {
        Cache {}
    }
}
