//! What a request must pass before it reaches a plugin, as it may be written on a route, on a plugin or in `[defaults]`.
//!
//! **Invariant:** the nearest word counts, key by key: a route's before its plugin's, that before `[defaults]`.

mod access;
mod cache;
mod limits;
mod overload;
mod validation;

pub use access::{AccessSpec, MfaSpec, TenantSpec};
pub use cache::{CacheRules, CacheSpec};
pub use limits::LimitsSpec;
pub use overload::{OverloadSpec, Priority};
pub use validation::{ResponseCheck, ValidationSpec};

use crate::settings::Section;

/// Something in the gate's settings that does not fit together, told when it is compiled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flaw {
    /// Line in the configuration file; 0 if it came over the API.
    pub line: usize,
    /// The key, as `openapi` or `auth.main.jwks`.
    pub key: String,
    /// What stands there, or is wrong with it.
    pub found: String,
    /// What may stand there.
    pub allowed: String,
    /// What to do about it.
    pub repair: String,
}

impl Flaw {
    /// A flaw at `line`.
    pub fn new(
        line: usize,
        key: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
        repair: impl Into<String>,
    ) -> Self {
        let (key, found, allowed, repair) = (key.into(), found.into(), allowed.into(), repair.into());
        Flaw { line, key, found, allowed, repair }
    }
}

impl std::fmt::Display for Flaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: found {}; allowed: {}", self.key, self.found, self.allowed)?;
        if self.repair.is_empty() { Ok(()) } else { write!(f, "; repair: {}", self.repair) }
    }
}

/// The gate's keys of one route, plugin or of `[defaults]`; what is absent is asked of the next further one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GateSpec {
    /// What a request must look like.
    pub validation: ValidationSpec,
    /// Who may ask.
    pub access: AccessSpec,
    /// How often.
    pub limits: LimitsSpec,
    /// What goes first when there is too much.
    pub overload: OverloadSpec,
    /// What need not be asked twice.
    pub cache: CacheSpec,
}

impl GateSpec {
    /// Reads the gate's keys of a section that has others too; the caller finishes it.
    pub fn read(section: &mut Section<'_>) -> Self {
        GateSpec {
            validation: ValidationSpec::read(section),
            access: AccessSpec::read(section),
            limits: LimitsSpec::read(section),
            overload: OverloadSpec::read(section),
            cache: CacheSpec::read(section),
        }
    }

    /// This, with what it leaves open taken from `further`.
    #[must_use]
    pub fn or(&self, further: &GateSpec) -> GateSpec {
        GateSpec {
            validation: self.validation.or(&further.validation),
            access: self.access.or(&further.access),
            limits: self.limits.or(&further.limits),
            overload: self.overload.or(&further.overload),
            cache: self.cache.or(&further.cache),
        }
    }
}
