//! Components by the digest of their bytes: `artifacts/<hex>.wasm` in the state folder.
//!
//! **Invariant:** what is handed out hashes to the digest it was asked for by.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use ostler_core::Digest;
use ostler_services::folder;
use tokio::task::spawn_blocking;

use crate::{Error, files};

/// The components of this host; clones share the folder.
#[derive(Debug, Clone)]
pub(crate) struct Artifacts {
    folder: Arc<Path>,
}

impl Artifacts {
    /// Opens the folder, makes it where it is missing. Blocks: for start-up.
    pub(crate) fn open(state_dir: &Path) -> Result<Self, Error> {
        let folder = state_dir.join("artifacts");
        folder::private(&folder, None).map_err(Error::file(&folder))?;
        Ok(Artifacts { folder: folder.into() })
    }

    /// Removes torn files and components that `keep` does not want. Blocks: for start-up.
    pub(crate) fn clear(&self, keep: impl Fn(&Digest) -> bool) -> Result<(), Error> {
        let wanted = |name: &str| {
            let digest = name.strip_suffix(".wasm").and_then(|hex| hex.parse().ok());
            digest.is_some_and(|digest| keep(&digest) && file_name(&digest) == name)
        };
        files::clear(&self.folder, wanted).map_err(Error::file(&self.folder))
    }

    /// Keeps `component`; it is on the disk when this returns. Mends a damaged copy.
    pub(crate) async fn store(&self, component: Bytes) -> Result<Digest, Error> {
        let artifacts = self.clone();
        spawn_blocking(move || {
            let digest = Digest::of(&component);
            if artifacts.read(&digest).is_err() {
                let path = artifacts.path(&digest);
                files::write(&artifacts.folder, &file_name(&digest), &component)
                    .map_err(Error::file(&path))?;
            }
            Ok(digest)
        })
        .await?
    }

    /// The component with this digest; `ArtifactLost` if its file is gone or holds other bytes.
    pub(crate) async fn load(&self, digest: Digest) -> Result<Bytes, Error> {
        let artifacts = self.clone();
        spawn_blocking(move || artifacts.read(&digest)).await?
    }

    /// Removes the component, if it is there.
    pub(crate) async fn delete(&self, digest: Digest) -> Result<(), Error> {
        let path = self.path(&digest);
        spawn_blocking(move || files::remove(&path).map_err(Error::file(&path))).await?
    }

    fn read(&self, digest: &Digest) -> Result<Bytes, Error> {
        let path = self.path(digest);
        match fs::read(&path) {
            Ok(bytes) if Digest::of(&bytes) == *digest => Ok(bytes.into()),
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::file(&path)(error)),
            _ => Err(Error::ArtifactLost { path }),
        }
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(file_name(digest))
    }
}

fn file_name(digest: &Digest) -> String {
    format!("{}.wasm", digest.hex())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_component_is_kept_checked_mended_and_deleted() {
        let home = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::open(home.path()).unwrap();
        let bytes = Bytes::from_static(b"component");
        let digest = artifacts.store(bytes.clone()).await.unwrap();
        assert_eq!(artifacts.load(digest).await.unwrap(), bytes);
        fs::write(artifacts.path(&digest), b"componemt").unwrap();
        let told = artifacts.load(digest).await.unwrap_err();
        assert!(
            matches!(&told, Error::ArtifactLost { path } if path.ends_with(file_name(&digest))),
            "{told}"
        );
        artifacts.store(bytes.clone()).await.unwrap();
        assert_eq!(artifacts.load(digest).await.unwrap(), bytes);
        artifacts.delete(digest).await.unwrap();
        artifacts.delete(digest).await.unwrap();
        assert!(matches!(artifacts.load(digest).await, Err(Error::ArtifactLost { .. })));
    }

    #[tokio::test]
    async fn clearing_keeps_only_what_is_wanted() {
        let home = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::open(home.path()).unwrap();
        let kept = artifacts.store(Bytes::from_static(b"kept")).await.unwrap();
        artifacts.store(Bytes::from_static(b"orphan")).await.unwrap();
        for name in ["x.wasm", "torn.wasm.3.tmp", &file_name(&kept).to_uppercase()] {
            fs::write(home.path().join("artifacts").join(name), "").unwrap();
        }
        artifacts.clear(|digest| *digest == kept).unwrap();
        assert_eq!(home.path().join("artifacts").read_dir().unwrap().count(), 1);
        artifacts.load(kept).await.unwrap();
    }
}
