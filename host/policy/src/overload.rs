//! `[overload]`: how many requests are let in at once, and which are shed first when there are more.

use ostler_core::Error;
use ostler_core::gate::Priority;
use ostler_core::settings::Section;

/// Settings of `[overload]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {}

/// Knows how much this host can take.
#[derive(Default)]
pub struct Overload {}

/// A place among the requests under way; dropped when the reply has been made.
pub(crate) struct Place<'a> {
    _overload: &'a Overload,
}

impl Config {
    /// Reads `[overload]`.
    pub fn read(section: Section<'_>) -> Self {
        section.finish();
        Config {}
    }
}

impl Overload {
    /// Puts these settings in force; what was learned stays.
    pub fn apply(&self, _config: &Config) {}

    /// Lets a request in, or sheds it.
    pub(crate) fn admit(&self, _priority: Priority) -> Result<Place<'_>, Error> {
        Ok(Place { _overload: self })
    }
}
