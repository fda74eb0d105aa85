//! Why a change was refused; then nothing has changed.

use std::path::Path;

use ostler_release as release;
use ostler_release::admission::Finding;
use ostler_runtime::LoadError;

/// A refusal, by what the operator can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such plugin or release.
    #[error("{0}")]
    NotFound(String),
    /// It cannot be done in this state.
    #[error("{0}")]
    Conflict(String),
    /// What was given is not acceptable, for each of these reasons.
    #[error("{}", .0.join("\n"))]
    Invalid(Vec<String>),
    /// A release did not pass the gates before traffic.
    #[error("{}", .0.join("\n"))]
    NotAdmitted(Vec<String>, Vec<Finding>),
    /// The host failed; trying again may help.
    #[error("{0}")]
    Unavailable(String),
}

impl Refusal {
    /// Each reason on its own.
    pub fn reasons(self) -> Vec<String> {
        match self {
            Refusal::Invalid(reasons) | Refusal::NotAdmitted(reasons, _) => reasons,
            other => vec![other.to_string()],
        }
    }

    /// The same, with the file that the reasons are about.
    pub(super) fn about(self, path: &Path) -> Self {
        match self {
            Refusal::Invalid(reasons) => {
                let told = |reason| format!("{}: {reason}", path.display());
                Refusal::Invalid(reasons.into_iter().map(told).collect())
            }
            other => other,
        }
    }
}

impl From<release::Error> for Refusal {
    fn from(error: release::Error) -> Self {
        use release::Error::*;
        let text = error.to_string();
        match error {
            NoSuchPlugin { .. } | NoSuchRelease { .. } | NoRollout { .. } => Refusal::NotFound(text),
            IsLive { .. }
            | OnTrial { .. }
            | NothingToRollBackTo { .. }
            | RolloutUnderWay { .. }
            | NotNow(_) => Refusal::Conflict(text),
            Invalid(_) => Refusal::Invalid(vec![text]),
            ArtifactLost { .. } => Refusal::Conflict(text),
            Unavailable(_) => Refusal::Unavailable(text),
        }
    }
}

impl From<LoadError> for Refusal {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Host(text) => Refusal::Unavailable(text),
            error => Refusal::Invalid(vec![error.to_string()]),
        }
    }
}
