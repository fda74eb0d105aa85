//! Where components come from: an upload, the file at `path`, a recorded release.
//!
//! **Invariant:** what is compiled has been inspected, so that a refusal tells all reasons at once.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use ostler_core::Digest;
use ostler_runtime::Component;
use ostler_runtime::inspect::{self, COMPONENT_BYTES_MAX, Inspection};
use tokio::task::spawn_blocking;

use super::{Control, Refusal};

impl Control {
    /// Compiles at low priority, or loads machine code that is kept.
    pub(super) async fn compile(&self, name: &str, bytes: Bytes) -> Result<(Component, Inspection), Refusal> {
        let inspection = self.inspect(bytes.clone()).await?;
        Ok((self.inspected(name, bytes).await?, inspection))
    }

    /// Reads a component, and refuses what could not run with all reasons.
    pub(super) async fn inspect(&self, bytes: Bytes) -> Result<Inspection, Refusal> {
        blocking(move || inspect(&bytes)).await
    }

    /// Compiles what has been inspected.
    pub(super) async fn inspected(&self, name: &str, bytes: Bytes) -> Result<Component, Refusal> {
        let component = self.0.runtime.compile(Arc::from(&bytes[..])).await?;
        if !component.cached {
            self.0.observe.metrics.plugin(name).compile.observe(component.compile_time);
        }
        Ok(component)
    }

    /// The component in the file at `path`; one that is known is not compiled again.
    pub(super) async fn in_file(
        &self,
        name: &str,
        path: &Path,
        known: &[Option<&Component>],
    ) -> Result<Component, Refusal> {
        let file = path.to_owned();
        let (bytes, digest) = blocking(move || read(&file)).await.map_err(|refusal| refusal.about(path))?;
        if let Some(known) = of_digest(known, digest) {
            return Ok(known);
        }
        let compiled = self.compile(name, bytes).await.map_err(|refusal| refusal.about(path))?;
        Ok(compiled.0)
    }

    /// The recorded live release, if there is one; one that is known is not compiled again.
    pub(super) async fn recorded(
        &self,
        name: &str,
        known: &[Option<&Component>],
    ) -> Result<Option<Component>, Refusal> {
        let Some(release) = self.0.registry.live(name)? else { return Ok(None) };
        if let Some(known) = of_digest(known, release.digest) {
            return Ok(Some(known));
        }
        let bytes = self.0.registry.component(release.digest).await?;
        Ok(Some(self.compile(name, bytes).await?.0))
    }
}

fn of_digest(known: &[Option<&Component>], digest: Digest) -> Option<Component> {
    known.iter().flatten().find(|component| component.digest == digest).map(|component| (*component).clone())
}

fn inspect(bytes: &[u8]) -> Result<Inspection, Refusal> {
    let inspection = inspect::inspect(bytes).map_err(|error| Refusal::Invalid(vec![error.to_string()]))?;
    match inspection.refusals() {
        reasons if reasons.is_empty() => Ok(inspection),
        reasons => Err(Refusal::Invalid(reasons)),
    }
}

/// The bytes of a file and their digest. One that is too large is read to just beyond the limit, which tells on it.
fn read(path: &Path) -> Result<(Bytes, Digest), Refusal> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(COMPONENT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| Refusal::Invalid(vec![error.to_string()]))?;
    let digest = Digest::of(&bytes);
    Ok((bytes.into(), digest))
}

/// Runs `job` where it stalls nobody: hashing and reading a large component takes a second.
pub(super) async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    spawn_blocking(job).await.unwrap_or_else(|error| Err(Refusal::Unavailable(error.to_string())))
}
