//! `priority`: what goes first when there is too much.

use crate::settings::Section;

/// What a route is worth when not all requests can be answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OverloadSpec {
    /// `priority`. Default: normal.
    pub priority: Option<Priority>,
}

/// Lower ones are shed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Priority {
    /// Can wait until later: reports, prefetching.
    Low,
    /// The rest.
    #[default]
    Normal,
    /// What must still work when little else does: payments, health.
    High,
}

impl OverloadSpec {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let choices = [("low", Priority::Low), ("normal", Priority::Normal), ("high", Priority::High)];
        OverloadSpec { priority: section.choice("priority", &choices) }
    }

    pub(super) fn or(&self, further: &Self) -> Self {
        OverloadSpec { priority: self.priority.or(further.priority) }
    }
}
