//! Why a command failed, and what to do next.

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::say;

/// The end of a command that did not do what it should.
#[derive(Debug, Serialize)]
pub(super) struct Failure {
    /// What went wrong.
    pub(super) error: String,
    /// All that is wrong, where there are several reasons.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) reasons: Vec<String>,
    /// What to do next.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) repair: String,
    /// Whether it may pass by itself, as while a host starts again.
    #[serde(skip)]
    pub(super) passing: bool,
    /// Whether the command has already said it.
    #[serde(skip)]
    told: bool,
}

impl Failure {
    /// A failure and its repair.
    pub(super) fn new(error: impl Into<String>, repair: impl Into<String>) -> Self {
        Failure {
            error: error.into(),
            reasons: Vec::new(),
            repair: repair.into(),
            passing: false,
            told: false,
        }
    }

    /// Adds the reasons.
    pub(super) fn because(mut self, reasons: Vec<String>) -> Self {
        self.reasons = reasons;
        self
    }

    /// One that may pass by itself.
    pub(super) fn passing(self) -> Self {
        Failure { passing: true, ..self }
    }

    /// A failure that the command has reported itself.
    pub(super) fn told() -> Self {
        Failure { told: true, ..Failure::new("", "") }
    }

    /// Says it: as JSON on standard output, or in words on standard error.
    pub(super) fn tell(&self, json: bool) {
        if self.told {
            return;
        }
        if json {
            return say::json(self);
        }
        let error = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        say::aside(format_args!("{error}error:{error:#} {}", self.error));
        for reason in &self.reasons {
            say::aside(format_args!("  - {reason}"));
        }
        if !self.repair.is_empty() {
            let repair = Style::new().bold();
            say::aside(format_args!("  {repair}repair:{repair:#} {}", self.repair));
        }
    }
}
