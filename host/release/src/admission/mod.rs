//! What a release must pass before it may take traffic. Each gate says by name whether it passed, and why not.
//!
//! What a gate needs of the running host (compiling, calling, the network) is done by the control plane; what it decides is here.
//! **Invariant:** a gate that cannot be asked has not passed.

use serde::{Deserialize, Serialize};

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
