//! What a release must pass before it may take traffic. Each gate says by name whether it passed, and why not.
//!
//! What a gate needs of the running host (compiling, calling, the network) is done by the control plane; what it decides is here.
//! **Invariant:** a gate that cannot be asked has not passed.

pub mod advisories;
pub mod artifact;
mod config;
pub mod contents;
mod date;
pub mod hook;
pub mod signature;
pub mod sigstore;
pub mod smoke;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use config::{Config, Hook, Key, SIGNERS, SIGSTORE, Sigstore};

/// Characters of what is told at once: a list of imports or of keys, or what a stranger wrote.
const TOLD_MAX: usize = 4_000;

/// What a gate decides: what was found, or every reason to refuse.
pub type Verdict = Result<String, Vec<String>>;

/// What one gate said of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which one.
    pub gate: Gate,
    /// Whether the release may go on.
    pub passed: bool,
    /// What was found, or why it was refused; for operators.
    pub detail: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// The gates, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gate {
    /// The component itself: size, handler, imports, grants.
    Artifact,
    /// Who vouches for it.
    Signature,
    /// What it was made of.
    Contents,
    /// How it answers requests that it brought along.
    Smoke,
    /// What other systems say.
    Hook,
}

/// What came with a release, and what was made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Attachment {
    /// A signature in minisign's format.
    Signature,
    /// A Sigstore bundle.
    Sigstore,
    /// The list of what it is made of: CycloneDX 1.6, in JSON.
    Sbom,
    /// Requests to try it with.
    Requests,
}

/// What is kept of the admission of a release.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Admitted {
    /// What each gate said.
    pub findings: Vec<Finding>,
    /// What came with it.
    pub files: Vec<(Attachment, Bytes)>,
}

/// The findings so far, and why a release cannot be admitted.
#[derive(Debug, Default)]
pub struct Trial {
    findings: Vec<Finding>,
    reasons: Vec<String>,
}

impl Gate {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Gate::Artifact => "artifact",
            Gate::Signature => "signature",
            Gate::Contents => "contents",
            Gate::Smoke => "smoke",
            Gate::Hook => "hook",
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Attachment {
    /// All of them.
    pub const ALL: [Attachment; 4] =
        [Attachment::Signature, Attachment::Sigstore, Attachment::Sbom, Attachment::Requests];

    /// Its name in a form and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Attachment::Signature => "signature",
            Attachment::Sigstore => "sigstore",
            Attachment::Sbom => "sbom",
            Attachment::Requests => "requests",
        }
    }

    /// The most bytes it may have.
    pub const fn limit(self) -> usize {
        match self {
            Attachment::Signature => 8 << 10,
            Attachment::Sigstore => 1 << 20,
            Attachment::Sbom => 16 << 20,
            Attachment::Requests => 1 << 20,
        }
    }
}

impl Trial {
    /// Notes what a gate said after `took`. Whatever words of strangers are in it, no line is longer than it may be, and none
    /// moves a terminal's cursor.
    pub fn note(&mut self, gate: Gate, took: Duration, verdict: Verdict) {
        let passed = verdict.is_ok();
        let detail = match verdict {
            Ok(detail) => told(&detail, TOLD_MAX),
            Err(reasons) => {
                let reasons: Vec<_> = reasons.iter().map(|reason| told(reason, TOLD_MAX)).collect();
                let detail = reasons.join("; ");
                self.reasons.extend(reasons.into_iter().map(|reason| format!("{gate}: {reason}")));
                detail
            }
        };
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.findings.push(Finding { gate, passed, detail, took_ms });
    }

    /// Whether no gate has refused yet.
    pub fn passes(&self) -> bool {
        self.reasons.is_empty()
    }

    /// What the gates said so far.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// All findings, and the reasons to refuse, each with its gate.
    pub fn end(self) -> (Vec<Finding>, Vec<String>) {
        (self.findings, self.reasons)
    }
}

/// A stranger's text on one line: at most so many characters.
fn told(text: &str, characters: usize) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_gate_says_is_one_line_of_bounded_length_whoever_wrote_it() {
        let mut trial = Trial::default();
        trial.note(Gate::Contents, Duration::ZERO, Ok("a\u{1b}[2Jb\nc".into()));
        trial.note(Gate::Contents, Duration::ZERO, Err(vec!["x\n".repeat(1 << 20)]));
        let (findings, reasons) = trial.end();
        assert_eq!(findings[0].detail, "a [2Jb c");
        assert!(findings[1].detail.len() <= TOLD_MAX && !findings[1].detail.contains('\n'));
        assert!(!reasons[0].contains('\n'));
    }

    #[test]
    fn every_reason_names_its_gate() {
        let mut trial = Trial::default();
        trial.note(Gate::Artifact, Duration::from_millis(3), Ok("fine".into()));
        assert!(trial.passes());
        trial.note(Gate::Signature, Duration::ZERO, Err(vec!["none".into(), "old".into()]));
        assert!(!trial.passes());
        let (findings, reasons) = trial.end();
        assert_eq!(reasons, ["signature: none", "signature: old"]);
        assert_eq!((findings[0].took_ms, findings[1].detail.as_str()), (3, "none; old"));
        let json = serde_json::to_string(&findings).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Finding>>(&json).unwrap(), findings);
        assert!(json.contains("\"gate\":\"artifact\""), "{json}");
    }
}
