//! Feature flags: definitions in flagd's format, and what they say of a context.

/// All flags of this host. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Flags {}
