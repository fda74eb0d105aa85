//! componentize-py, brought once into an environment of its own.

use crate::build::{BuildError, Job};
use crate::venv::Venv;

/// The tool with its version: another version may make other components of the same sources.
const TOOL: &str = "componentize-py==0.25.1";
/// The Python that it puts into components, for pip.
pub(super) const GUEST: &str = "3.14";

/// Finds it, or makes its environment.
pub(super) fn bring(job: &Job<'_>) -> Result<Venv, BuildError> {
    let tool = Venv::bring(&job.tools, &[TOOL], job.words)?;
    let told = TOOL.replace("==", " ");
    job.say(&format!("compiling with {told}, Python {GUEST} (in its messages, /0 is this folder)"));
    Ok(tool)
}
